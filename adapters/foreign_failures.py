"""What SQLite's failures on a foreign file mean to an operator (contract manufacturing section
3, devices 6.1)."""

import sqlite3
from dataclasses import dataclass

from domain.errors import ProvisionerError

_OPENING = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH})
_PREPARING = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA})
_ADVICE = {
    sqlite3.SQLITE_BUSY: "Another program holds it locked; try again.",
    sqlite3.SQLITE_READONLY: (
        "It waits for a repair that only a writer can do; open it once with sqlite3 as its owner."
    ),
    sqlite3.SQLITE_NOTADB: "Put the right file in its place.",
    sqlite3.SQLITE_CORRUPT: "Restore it from a backup.",
    sqlite3.SQLITE_CANTOPEN: "Check the rights of the file and of its folder.",
    sqlite3.SQLITE_ERROR: "Its table is not the station's; run the package's post-install step.",
}
_CHECK = "Check it with `pragma integrity_check`, and its disk."


@dataclass(frozen=True, slots=True)
class Failures:
    """The errors that a foreign database's users know.

    `opening` is for a file that cannot be opened, `preparing` for one that is no database or has
    another table, `fetching` for one that is locked, damaged or too slow.
    """

    opening: type[ProvisionerError]
    preparing: type[ProvisionerError]
    fetching: type[ProvisionerError]

    def translate(self, error: sqlite3.Error, path: str) -> ProvisionerError:
        """Returns what the users are told of `error`; `path` is logical."""
        code, text = primary_code(error), str(error)
        advice = _ADVICE.get(code, _CHECK)
        if code in _OPENING:
            return self.not_opened(path, text, advice=advice)
        kind = self.preparing if code in _PREPARING else self.fetching
        return kind(f"The database {path} cannot be read: {text}. {advice}", detail=text)

    def not_opened(
        self, path: str, text: str, *, advice: str = _ADVICE[sqlite3.SQLITE_CANTOPEN]
    ) -> ProvisionerError:
        """Returns that the file at the logical `path` cannot be opened, because of `text`."""
        return self.opening(f"The database {path} cannot be opened: {text}. {advice}", detail=text)

    def too_slow(self, path: str, seconds: float) -> ProvisionerError:
        """Returns that an answer took longer than `seconds`."""
        return self.fetching(
            f"The database {path} did not answer within {seconds:g} s; check the disk and who "
            "else uses the file."
        )

    def closed(self) -> ProvisionerError:
        """Returns that the question came while the service was stopping."""
        return self.fetching("The database is closed: the service is stopping.")


def primary_code(error: sqlite3.Error) -> int:
    """Returns SQLite's primary result code (sqlite.org/rescode.html)."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF
