"""The audit rows on disk for those who read: two threads, so that a slow question holds up no
other."""

import asyncio
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from adapters.audit.reader import AuditReader, Effort
from adapters.audit.table import PLACE, file_identity
from adapters.foreign_failures import Failures
from domain.audit.entries import StoredEntry
from domain.audit.filters import AuditFilter
from domain.audit.retention import Extent
from domain.audit.trail import (
    LARGEST_ID,
    AuditDatabaseNotOpen,
    AuditDatabaseNotRead,
    AuditQueryTooSlow,
    ChainState,
    NewestFirst,
)

T = TypeVar("T")

THREADS = 2
MOST_COUNTS = 64
FAILURES = Failures(AuditDatabaseNotOpen, AuditDatabaseNotRead, AuditDatabaseNotRead)


@dataclass(frozen=True, slots=True)
class _Counted:
    """An exact count of the rows `oldest` to `newest` of one file."""

    identity: tuple[int, int] | None
    oldest: int
    newest: int
    count: int


class SqliteAuditRows:
    """Satisfies `domain.audit.trail.AuditRows` and `domain.audit.retention.Extents`.

    `path` is asked at each question, so that a replaced file is noticed.
    """

    def __init__(self, path: Callable[[], Path], effort: Effort | None = None) -> None:
        self._path = path
        self._effort = effort
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="audit-reader")
        self._mine = threading.local()
        self._opened: list[AuditReader] = []
        self._counts: OrderedDict[AuditFilter, _Counted] = OrderedDict()

    async def aclose(self) -> None:
        """Ends the threads and closes the file."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
        for reader in self._opened:
            reader.close()

    async def older(self, wanted: AuditFilter, *, below: int, most: int) -> Sequence[StoredEntry]:
        """Returns the newest entries with ids under `below`, newest first."""
        return await self._asked(
            lambda r: r.entries(wanted, -LARGEST_ID, below - 1, most=most, newest_first=True)
        )

    async def newer(self, wanted: AuditFilter, *, above: int, most: int) -> Sequence[StoredEntry]:
        """Returns the oldest entries with ids over `above`, oldest first."""
        return await self._asked(
            lambda r: r.entries(wanted, above + 1, LARGEST_ID, most=most, newest_first=False)
        )

    async def count(self, wanted: AuditFilter) -> int | None:
        """Returns how many entries there are; None where counting takes too long."""
        try:
            return await self._asked(lambda r: self._counted(r, wanted))
        except AuditQueryTooSlow:
            return None

    async def find(self, id: int) -> StoredEntry | None:
        """Returns one entry, None if there is none."""
        return await self._asked(lambda r: r.find(id))

    async def newest(
        self, asked: NewestFirst, *, after: StoredEntry | None, most: int
    ) -> Sequence[StoredEntry]:
        """Returns entries by `timestamp`, then id, both descending; those after `after`."""
        return await self._asked(lambda r: r.newest(asked, after, most))

    async def chain(self) -> ChainState:
        """Returns where the chain stands."""
        return await self._asked(lambda r: r.chain())

    async def extent(self) -> Extent:
        """Returns what is there."""
        return await self._asked(lambda r: r.extent())

    async def last_before(self, moment: datetime) -> int:
        """Returns the highest id of which it and all before it are older than `moment`."""
        first = await self.newer(AuditFilter(since=moment), above=0, most=1)
        return first[0].id - 1 if first else (await self.extent()).newest

    def _counted(self, reader: AuditReader, wanted: AuditFilter) -> int:
        if wanted.is_empty:
            return reader.total()
        oldest, newest = reader.bounds()
        known = self._counts.get(wanted)
        if known and (known.identity, known.oldest) == (reader.identity, oldest):
            # Rows are never changed: only the new ones are to be counted.
            count = known.count + reader.count(wanted, known.newest + 1, newest)
        else:
            count = reader.count(wanted, oldest, newest)
        self._counts[wanted] = _Counted(reader.identity, oldest, newest, count)
        if len(self._counts) > MOST_COUNTS:
            self._counts.popitem(last=False)
        return count

    async def _asked(self, question: Callable[[AuditReader], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, self._ask, question)
        except RuntimeError as error:
            # The pool is shut down: the service is stopping.
            raise FAILURES.closed() from error

    def _ask(self, question: Callable[[AuditReader], T]) -> T:
        try:
            reader = self._reader()
            reader.begin()
            return question(reader)
        except sqlite3.Error as error:
            raise FAILURES.translate(error, PLACE) from error

    def _reader(self) -> AuditReader:
        """Returns this thread's reader, opened anew where another file is there now."""
        path = self._path()
        reader: AuditReader | None = getattr(self._mine, "reader", None)
        if reader is not None and reader.identity == file_identity(path):
            return reader
        if reader is not None:
            self._opened.remove(reader)
            reader.close()
            self._mine.reader = None
        reader = AuditReader(path, self._effort)
        self._opened.append(reader)
        self._mine.reader = reader
        return reader
