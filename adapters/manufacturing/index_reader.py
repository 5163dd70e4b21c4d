"""A reader of the record index: one connection in one thread of its own."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from adapters.foreign_file import STEPS_BETWEEN_LOOKS, Job
from adapters.manufacturing.projection import mended
from adapters.manufacturing.text_matches import TextMatches
from domain.manufacturing.record_index import RecordIndexUnavailable

T = TypeVar("T")
Work = Callable[[sqlite3.Connection, TextMatches], T]

_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_ERROR,
    }
)
CACHE_KIB = 4096
BUSY_SECONDS = 2.0


class IndexReader:
    """Answers questions to whichever index is the present one. No question takes longer than
    `limit_seconds`. Raises `RecordIndexUnavailable`; `logical` is what it calls the index."""

    def __init__(self, logical: str, *, limit_seconds: float) -> None:
        self._logical = logical
        self._limit_seconds = limit_seconds
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="record-index-reader")
        self._jobs: set[Job] = set()
        self._running = Job()
        self._connection: sqlite3.Connection | None = None
        self._path: Path | None = None
        self._matches = TextMatches()
        self._closed = False

    async def read(self, path: Path, work: Work[T]) -> T:
        """Returns what `work` finds in the index at `path`, in one read transaction."""
        if self._closed:
            raise unavailable(self._logical, "it is closed, because the service is stopping")
        job = Job()
        self._jobs.add(job)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limit_seconds):
                return await loop.run_in_executor(self._worker, self._read, job, path, work)
        except TimeoutError as error:
            reason = f"it did not answer within {self._limit_seconds:g} s"
            raise unavailable(self._logical, reason) from error
        except (sqlite3.Error, OSError) as error:
            raise unavailable(self._logical, str(error)) from error
        finally:
            # Whoever stops waiting, for time or because it was cancelled, frees the thread.
            job.given_up = True
            self._jobs.discard(job)

    async def aclose(self) -> None:
        """Ends what runs, closes the file and ends the thread; later questions raise."""
        if self._closed:
            return
        self._closed = True
        for job in self._jobs:
            job.given_up = True
        await asyncio.get_running_loop().run_in_executor(self._worker, self._close)
        self._worker.shutdown()

    def _read(self, job: Job, path: Path, work: Work[T]) -> T:
        self._running = job
        if path != self._path or self._connection is None:
            self._close()
            self._connection, self._path = self._open(path), path
        connection = self._connection
        connection.execute("BEGIN")
        try:
            return work(connection, self._matches)
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _open(self, path: Path) -> sqlite3.Connection:
        # Not `mode=ro`: the first reader of a log makes its side file.
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
        )
        connection.text_factory = mended
        connection.set_progress_handler(lambda: self._running.given_up, STEPS_BETWEEN_LOOKS)
        connection.executescript(
            f"PRAGMA query_only = 1; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{CACHE_KIB}"
        )
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._path, self._matches = None, None, TextMatches()


def unavailable(logical: str, reason: str) -> RecordIndexUnavailable:
    """Returns what the users of the index at the logical path are told."""
    return RecordIndexUnavailable(
        f"The index of the manufacturing records in {logical} cannot be used: {reason}. Check "
        "the disk and the folder's rights; the folder may be removed.",
        detail=reason,
    )


def is_damage(error: RecordIndexUnavailable) -> bool:
    """Whether the file itself is to blame, and another one would do: it is damaged, or somebody
    moved it away."""
    code = getattr(error.__cause__, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    return code in _DAMAGE
