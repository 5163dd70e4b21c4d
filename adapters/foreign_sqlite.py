"""A SQLite file that belongs to the shell side: read, and never written, created or switched to
another journal mode (design 5)."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from adapters.foreign_failures import Failures
from adapters.foreign_file import FileStamp, ForeignFile, Job
from adapters.foreign_table import Row, Select, Table
from domain.host_paths import HostPaths

T = TypeVar("T")

BUSY_SECONDS = 2.0
LIMIT_SECONDS = 10.0


class ForeignDatabase:
    """Asks the table `devices` of a file that others write, in one worker thread of its own.

    `logical` tells the file's path at each use, in the worker thread; the empty text is a missing
    file. A missing file or table has no rows. No call waits longer than `limit_seconds`, and none
    for a lock longer than `busy_seconds`. Everything raises what `failures` names.

    A file in WAL mode gets SQLite's `-wal` and `-shm` beside it while it is held, as with every
    reader; in rollback mode nothing is made.
    """

    def __init__(
        self,
        paths: HostPaths,
        logical: Callable[[], str],
        *,
        failures: Failures,
        busy_seconds: float = BUSY_SECONDS,
        limit_seconds: float = LIMIT_SECONDS,
    ) -> None:
        self._file = ForeignFile(paths, logical, failures=failures, busy_seconds=busy_seconds)
        self._failures = failures
        self._limit_seconds = limit_seconds
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="foreign-sqlite")
        self._jobs: set[Job] = set()
        self._closed = False

    async def read(self, work: Callable[[Table], T]) -> T:
        """Returns what `work` finds in one read transaction; it runs in the worker thread."""
        return await self._run(lambda: self._file.read(work))

    async def rows(self, select: Select) -> list[Row]:
        """Returns the selected rows."""
        return await self.read(lambda table: table.rows(select))

    async def count(self) -> int:
        """Returns how many rows there are."""
        return await self.read(lambda table: table.number("SELECT count(*) FROM devices") or 0)

    async def present(self) -> bool:
        """Whether the file is there, with a table or without."""
        return await self._run(self._file.present)

    async def probe(self) -> None:
        """Raises while the file is there and its table cannot be read."""
        await self.rows(Select(limit=1))

    async def stamp(self) -> FileStamp:
        """Returns the present stamp; it costs microseconds, whatever the number of rows."""
        return await self._run(self._file.stamp)

    async def aclose(self) -> None:
        """Ends what runs, closes the file and ends the thread; later calls raise."""
        if self._closed:
            return
        for job in self._jobs:
            job.given_up = True
        try:
            await self._run(self._file.close)
            # The thread has nothing left to do: this joins it at once.
            self._worker.shutdown()
        finally:
            self._closed = True
            self._worker.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise self._failures.closed()
        job = Job()
        self._jobs.add(job)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limit_seconds):
                return await loop.run_in_executor(self._worker, self._file.run, job, work)
        except TimeoutError as error:
            raise self._failures.too_slow(self._file.path, self._limit_seconds) from error
        finally:
            # Whoever stops waiting, for time or because it was cancelled, frees the thread.
            job.given_up = True
            self._jobs.discard(job)
