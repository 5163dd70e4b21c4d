"""Hash jobs: calculations that wait for one of a few threads, report their progress and can be
stopped."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from domain.images.hashing import Hashed, HashStopped, hash_stored
from domain.images.names import ImageName
from domain.images.store_folder import Stamp, StoreFolder

STEP = 5
"""Percent between two reports (contract images 7)."""


class HashJob:
    """One calculation. `stamp` is that of the file when it was asked for; `is_for_listeners` tells
    that it goes on only for as long as somebody listens.

    Belongs to the event loop's thread, but for `at_block`.
    """

    def __init__(self, name: ImageName, stamp: Stamp, *, is_for_listeners: bool) -> None:
        self.name = name
        self.stamp = stamp
        self.is_for_listeners = is_for_listeners
        self.progress: float | None = None
        self.is_parked = self.is_running = False
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._stopping = threading.Event()
        self._told = 0

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Tells it to stop; it does so after the block that is being read."""
        self._stopping.set()

    async def at_rest(self) -> None:
        """Returns when no thread works on it."""
        await self._at_rest.wait()

    def begin(self) -> None:
        """Notes that a thread works on it."""
        self.is_running, self.progress = True, None
        self._at_rest.clear()

    def rest(self) -> None:
        """Notes that no thread works on it any more."""
        self.is_running = False
        self._at_rest.set()

    def at_block(self, part: float, report: Callable[[float], None]) -> None:
        """Calls `report` where 5 % more are done than the last time; raises `HashStopped`."""
        if self._stopping.is_set():
            raise HashStopped
        percent = int(part * 100)
        if percent < self._told:
            # The file changed meanwhile, and is read once more.
            self._told = 0
        if percent >= self._told + STEP:
            self._told = percent // STEP * STEP
            report(part)


class HashThreads:
    """Does jobs in a bounded number of threads, in the order in which they came.

    `run` must go on for anything to be done; what comes before it waits.
    """

    def __init__(
        self,
        folder: StoreFolder,
        *,
        count: int,
        progressed: Callable[[HashJob, float], None],
        ended: Callable[[HashJob, Hashed | Exception], None],
    ) -> None:
        self._folder = folder
        self._count = count
        self._progressed = progressed
        self._ended = ended
        self._waiting: asyncio.Queue[HashJob] = asyncio.Queue()

    def add(self, job: HashJob) -> None:
        """Queues a job."""
        job.is_parked = False
        self._waiting.put_nowait(job)

    async def run(self) -> None:
        """Does jobs until it is cancelled."""
        with ThreadPoolExecutor(self._count, thread_name_prefix="hash") as threads:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(self._count):
                    tasks.create_task(self._do_jobs(threads))

    async def _do_jobs(self, threads: ThreadPoolExecutor) -> None:
        while True:
            job = await self._waiting.get()
            if job.is_stopping:
                continue
            job.begin()
            try:
                result = await self._do(job, threads)
            finally:
                job.rest()
            self._ended(job, result)

    async def _do(self, job: HashJob, threads: ThreadPoolExecutor) -> Hashed | Exception:
        loop = asyncio.get_running_loop()

        def report(part: float) -> None:
            loop.call_soon_threadsafe(self._progressed, job, part)

        def told(part: float) -> None:
            job.at_block(part, report)

        try:
            return await loop.run_in_executor(threads, hash_stored, self._folder, job.name, told)
        except asyncio.CancelledError:
            # The thread cannot be interrupted; it ends with its block.
            job.stop()
            raise
        except Exception as error:  # noqa: BLE001 -- a job's top: who gets the result logs it
            return error
