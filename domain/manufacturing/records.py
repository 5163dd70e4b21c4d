"""Manufacturing records: the row that the shell side writes when a board is done (contract
manufacturing sections 1-3)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.errors import Unavailable
from domain.manufacturing.record import Row


class RecordsPathNotSet(Unavailable):
    """No configuration says where the manufacturing database is."""

    code = "DB_PATH_NOT_SET"
    title = "Configuration Error"
    meaning = "RPI_SB_PROVISIONER_MANUFACTURING_DB is in neither configuration file."
    remedy = "Set RPI_SB_PROVISIONER_MANUFACTURING_DB in the options."


class RecordsMissing(Unavailable):
    """There is no manufacturing database where the configuration says."""

    code = "DB_FILE_NOT_FOUND"
    title = "Database Error"
    meaning = "The file that RPI_SB_PROVISIONER_MANUFACTURING_DB names is not there."
    remedy = (
        "Correct the path in the options, or make the database: the package's post-install step "
        "does. Nothing is recorded while it is missing."
    )


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


def require_column(name: str, columns: Collection[str]) -> None:
    """Raises `RecordsNotPrepared` for a table that lacks this column; no table (no `columns`) lacks
    none."""
    if columns and name not in columns:
        raise RecordsNotPrepared(
            f"The table devices has no column {name}: it is of an old version. Run the "
            "package's post-install step; it brings the table up to date.",
            detail=f"no such column: {name}",
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where the manufacturing database should be: its logical path (empty when the variable is
    set to nothing), whether a configuration file says so, and whether the file is there."""

    path: str
    configured: bool
    present: bool

    def require(self) -> None:
        """Raises `RecordsPathNotSet` and `RecordsMissing`."""
        if not self.configured:
            raise RecordsPathNotSet(
                "RPI_SB_PROVISIONER_MANUFACTURING_DB is not set; set it in the options."
            )
        self.require_file()

    def require_file(self) -> None:
        """Raises `RecordsMissing`."""
        if not self.present:
            raise RecordsMissing(
                "The manufacturing database is not there; correct the path in the options, or "
                "make the database.",
                detail=f"Path: {self.path}",
            )


class Records(Protocol):
    """The shell side's manufacturing database, read only. A missing file or table has no records
    and no columns.

    All raise `RecordsNotOpen`, `RecordsNotPrepared` and `RecordsNotFetched`. Those marked slow
    look at the whole table.
    """

    async def count(self) -> int:
        """Returns how many records there are; a board that was provisioned twice has two. Slow."""

    async def probe(self) -> None:
        """Raises while the database cannot be read; a missing one is no failure."""

    async def place(self) -> Place:
        """Returns where the database should be, and whether it is there."""

    async def columns(self) -> tuple[str, ...]:
        """Returns the names of the table's columns, in its order."""

    async def rows(self, ids: Collection[int]) -> Sequence[Row]:
        """Returns the rows with these ids, in the order of `ids`; those that are gone are left
        out."""

    async def rows_after(self, id: int, *, most: int) -> Sequence[Row]:
        """Returns up to `most` rows with ids above `id`, by id ascending."""

    async def rows_before(self, id: int, *, most: int) -> Sequence[Row]:
        """Returns up to `most` rows with ids below `id`, by id descending."""

    async def next_ids(self, id: int, *, most: int, descending: bool) -> Sequence[int]:
        """Returns up to `most` ids above `id` ascending, or below it descending."""

    async def json_lines(self, ids: Collection[int], columns: Sequence[str]) -> list[str] | None:
        """Returns the rows with these ids, in the order of `ids`, each as a compact JSON array of
        these columns; what the table lacks is null. None where a cell is neither a text nor a whole
        number nor NULL, or nobody can tell."""

    async def ids_by_time(self) -> Sequence[int]:
        """Returns all ids by `provision_ts` as SQLite compares it, then id, both descending.
        Slow."""

    async def ids_of_duid(self, duid: str) -> Sequence[int]:
        """Returns the ids of the rows with exactly this DUID, descending. Slow."""
