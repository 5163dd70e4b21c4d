"""Text matches: the records whose own texts hold a part, remembered while the index only grows."""

import sqlite3
from collections import OrderedDict
from dataclasses import dataclass

MOST_REMEMBERED = 32


@dataclass(frozen=True, slots=True)
class _Remembered:
    complete: int
    ids: tuple[int, ...] | None


class TextMatches:
    """Belongs to one connection. A part costs a look through all texts, once; later only through
    the new ones."""

    def __init__(self) -> None:
        self._remembered: OrderedDict[str, _Remembered] = OrderedDict()

    def ids(
        self, connection: sqlite3.Connection, pattern: str, *, few: int
    ) -> tuple[int, ...] | None:
        """Returns the ids of the records with a text LIKE `pattern`, ascending; None when they
        are more than `few`, which never changes."""
        complete = int(connection.execute("SELECT complete FROM state").fetchone()[0])
        known = self._remembered.pop(pattern, _Remembered(-(2**63), ()))
        if known.ids is not None and known.complete < complete:
            known = _Remembered(complete, _extended(connection, pattern, known, few=few))
        self._remembered[pattern] = known
        if len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return known.ids


def _extended(
    connection: sqlite3.Connection, pattern: str, known: _Remembered, *, few: int
) -> tuple[int, ...] | None:
    found = connection.execute(
        "SELECT id FROM texts WHERE id > ? AND text LIKE ? ESCAPE '\\' ORDER BY id LIMIT ?",
        (known.complete, pattern, few + 1),
    )
    ids = (*(known.ids or ()), *(id for (id,) in found))
    return ids if len(ids) <= few else None
