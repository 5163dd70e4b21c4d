"""Manufacturing records: the row that the shell side writes when a board is done (contract
manufacturing sections 1-3)."""

from typing import Protocol

from domain.errors import Unavailable


class RecordsNotOpen(Unavailable):
    """The manufacturing database is there and cannot be opened."""

    code = "DB_OPEN_ERROR"
    title = "Database Error"
    meaning = (
        "A database is there but cannot be opened: its rights or its folder's forbid it, or it is "
        "no ordinary file."
    )
    remedy = "Look at the file that the message names: its kind, its rights and its folder's."


class RecordsNotPrepared(Unavailable):
    """The manufacturing database was opened and does not hold what the station writes."""

    code = "SQL_PREPARE_ERROR"
    title = "Database Error"
    meaning = "A database was opened, but its table cannot be read as expected."
    remedy = (
        "Check the file that the message names with `sqlite3 FILE 'pragma integrity_check'`; run "
        "the package's post-install step again: it brings the tables up to date."
    )


class RecordsNotFetched(Unavailable):
    """Reading the manufacturing database failed: locked for too long, damaged, or too slow."""

    code = "DB_FETCH_ERROR"
    title = "Database Error"
    meaning = "A database was locked for too long, is damaged, or did not answer in time."
    remedy = (
        "Try again; if it stays, find who holds the file that the message names with `fuser`, and "
        "check it with `sqlite3 FILE 'pragma integrity_check'`."
    )


class Records(Protocol):
    """The shell side's manufacturing database, read only. A missing file or table has no records.

    All raise `RecordsNotOpen`, `RecordsNotPrepared` and `RecordsNotFetched`.
    """

    async def count(self) -> int:
        """Returns how many records there are; a board that was provisioned twice has two."""

    async def probe(self) -> None:
        """Raises while the database cannot be read; a missing one is no failure."""
