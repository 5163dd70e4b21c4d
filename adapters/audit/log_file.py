"""The audit log's file, held open by its one writer: batches, links and pruning in transactions."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from adapters.audit.chain_table import (
    append_links,
    count_blocks,
    find_head,
    holds,
    last_given_out,
    prepare_chain,
    prune_rows,
    upkeep,
    widen_blocks,
)
from adapters.audit.table import (
    INSERT,
    Row,
    file_identity,
    keep_journal,
    open_file,
    prepare_table,
    row_of,
    stored_of,
)
from domain.audit.chain import Head
from domain.audit.entries import AuditEntry, StoredEntry


class FileReplaced(OSError):
    """The file went away under the writer: what was written is in no file that anybody sees."""


@dataclass(frozen=True, slots=True)
class Written:
    """Rows that are on the disk, and the head after them.

    `cut_from` is the head of before, where the chain has lost it since.
    """

    rows: Sequence[Row]
    head: Head
    cut_from: Head | None = None

    def entries(self) -> Sequence[StoredEntry]:
        """Returns the rows as entries, for who wants to hear of them."""
        return [stored_of(row) for row in self.rows]


class LogFile:
    """Belongs to the writer's thread. Every method raises sqlite3.Error and OSError.

    `began_after` is the highest id of an old file whose chain began just now, else 0.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_file(path)
        try:
            self._identity = file_identity(path)
            keep_journal(self._connection)
            with _Transaction(self._connection):
                prepare_table(self._connection)
                self.began_after = prepare_chain(self._connection)
            self._next = last_given_out(self._connection) + 1
            self.head = find_head(self._connection)
        except sqlite3.Error:
            self._connection.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def is_at(self, path: Path) -> bool:
        """Whether this is still the file at `path`."""
        return path == self._path and file_identity(path) == self._identity

    def holds(self, head: Head) -> bool:
        """Whether the chain still has a link that was its head."""
        return holds(self._connection, head)

    def append(self, entries: Sequence[AuditEntry]) -> Written:
        """Writes the entries and their links in one transaction; raises `FileReplaced` where the
        file went away meanwhile."""
        connection = self._connection
        with _Transaction(connection):
            head = find_head(connection)
            cut = head != self.head and not holds(connection, self.head)
            first = max(last_given_out(connection), head.id or 0) + 1
            if first > self._next:
                count_blocks(connection, self._next, first - 1)
            rows = [row_of(id, entry) for id, entry in enumerate(entries, first)]
            connection.executemany(INSERT, rows)
            head = self.chain(head, first, rows)
            widen_blocks(connection, first, [str(row[-1]) for row in rows])
        if not self.is_at(self._path):
            raise FileReplaced("the file was deleted or replaced while it was written")
        old, self._next, self.head = self.head, first + len(rows), head
        return Written(rows, head, old if cut else None)

    def prune(self, up_to: int, most: int) -> None:
        """Takes out at most `most` of the oldest rows, none beyond `up_to`."""
        with _Transaction(self._connection):
            prune_rows(self._connection, up_to, most)

    def upkeep(self) -> Iterator[None]:
        """Brings an old file up to date, a short step at a time."""
        return upkeep(self._connection)

    def chain(self, head: Head, first: int, rows: Sequence[Row]) -> Head:
        """Links rows with the ids from `first` on, and returns the new head."""
        return append_links(self._connection, head, first, rows)


class _Transaction:
    """Commits at the end, takes everything back after an error."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self._connection.execute("COMMIT")
            return
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
