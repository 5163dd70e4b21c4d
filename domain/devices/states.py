"""State rows: what the shell side wrote of each board, one row for each change (contract
devices section 3)."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.errors import Unavailable


class StateDatabaseNotOpen(Unavailable):
    """The state database is there and cannot be opened."""

    code = "DB_OPEN_ERROR"
    title = "Database Error"
    meaning = (
        "A database is there but cannot be opened: its rights or its folder's forbid it, or it is "
        "no ordinary file."
    )
    remedy = "Look at the file that the message names: its kind, its rights and its folder's."


class StateDatabaseNotRead(Unavailable):
    """The state database was opened and cannot be read: locked for too long, damaged, no
    database, or another table than the station's."""

    code = "SQL_PREPARE_ERROR"
    title = "Database Error"
    meaning = "A database was opened, but its table cannot be read as expected."
    remedy = (
        "Check the file that the message names with `sqlite3 FILE 'pragma integrity_check'`; run "
        "the package's post-install step again: it brings the tables up to date."
    )


@dataclass(frozen=True, slots=True)
class StateRow:
    """One row of `state.db`; texts are as written, None never (an absent or NULL column is the
    empty text).

    `at` is UTC, to the second; None where the stored text is no time.
    """

    id: int
    serial: str
    endpoint: str
    state: str
    image: str
    ip_address: str
    board_type: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which file and which content of it: equal stamps mean that no row was added, changed or
    replaced.

    `identity` changes when the file was replaced, reopened or its table rebuilt: what was read
    before may be gone. While it stays, `version` changes with each commit. The identity of a
    missing file is the empty text.
    """

    identity: str
    version: int


class StateRows(Protocol):
    """The shell side's state database, read only. A missing file or table is an empty list.

    All raise `StateDatabaseNotOpen` and `StateDatabaseNotRead`.
    """

    async def stamp(self) -> Stamp:
        """Returns the present stamp; cheap enough for every second (`PRAGMA data_version`)."""

    def still(self) -> bool:
        """Whether what the last stamp says certainly holds; never waits."""

    async def rows_after(self, id: int, *, most: int) -> Sequence[StateRow]:
        """Returns up to `most` rows with an id above `id`, by id ascending."""

    async def count(self, *, up_to: int) -> int:
        """Returns how many rows have this id or a lower one, of those that `rows_after` knows."""

    def newest_first(self) -> AsyncIterator[Sequence[StateRow]]:
        """Yields all rows in batches, by stored time text, then id, both descending; flat
        memory however many. Rows that are added meanwhile are not among them."""

    async def probe(self) -> None:
        """Raises while the database cannot be read; a missing one is no failure."""
