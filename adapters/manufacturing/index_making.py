"""The making of the record index: begun, caught up, doubted and made anew as the shell side's
database changes."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from adapters.foreign_file import FileStamp
from adapters.foreign_sqlite import ForeignDatabase
from adapters.manufacturing.index_keeper import Fit, IndexKeeper
from adapters.manufacturing.index_reader import is_damage, unavailable
from domain.errors import ProvisionerError
from domain.manufacturing.record_index import Added, RecordIndexUnavailable, RecordsIndexing

T = TypeVar("T")

log = logging.getLogger("provisioner.manufacturing")

WAIT_SECONDS = 2.0
"""So long after its beginning who asks waits for a new index: enough for 100,000 records."""
RETRY_SECONDS = 10.0
"""An index that could not be made is not tried again before, unless the database changed."""
RESTING_SECONDS = 60.0
RESTING_TIMES = 20
"""An index that is in doubt is made anew, at most one part in so many of the time."""
COUNTING_SECONDS = 10.0
"""So often rows are counted while others are added: that some are gone shows."""
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why the index of the database that looked so could not be made."""

    stamp: FileStamp
    error: ProvisionerError
    until: float


class IndexMaking:
    """Belongs to the event loop; the work is done in one thread. `database` is a connection of
    its own on the shell side's file, which it closes.

    While an index of the same file is in doubt, it answers on and a new one is made beside it.
    Only one call of `catch_up` at a time.
    """

    def __init__(
        self, database: ForeignDatabase, keeper: IndexKeeper, *, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._database = database
        self._keeper = keeper
        self._wait_seconds = wait_seconds
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="record-index")
        self._path: Path | None = None
        self._nothing = False
        self._stamp: FileStamp | None = None
        self._highest: int | None = None
        self._added: Added | None = None
        self._task: asyncio.Task[None] | None = None
        self._progress = 0.0
        self._failure: _Failure | None = None
        self._settled = self._in_doubt = self._distrusted = self._closed = False
        self._counted = self._rested = self._began = 0.0

    @property
    def path(self) -> Path | None:
        """The present index; None where there are no records. Raises why there is no index."""
        if self._path is not None or self._nothing:
            return self._path
        if self._failure is not None and self._task is None:
            raise self._failure.error
        raise RecordsIndexing(
            f"The index of the manufacturing records is being made: {self._progress:.0%} are "
            "done. Ask again in some seconds."
        )

    async def catch_up(self) -> Added | None:
        """Takes in what was recorded since; returns what was added since the last call."""
        stamp = await self._database.stamp()
        if stamp != self._stamp:
            await self._follow(stamp)
        elif self._in_doubt and self._task is None and time.monotonic() > self._rested:
            self._begin(stamp)
        added, self._added = self._added, None
        return added

    def distrust(self) -> None:
        """Says that the present index is damaged: the next `catch_up` makes another."""
        self._path, self._stamp, self._distrusted = None, None, True

    async def aclose(self) -> None:
        """Ends what runs, closes all files and ends the threads; later calls raise."""
        if self._closed:
            return
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        self._keeper.interrupt()
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._worker, self._keeper.close)
            self._worker.shutdown()
        finally:
            await self._database.aclose()

    async def _follow(self, stamp: FileStamp) -> None:
        if not stamp.identity:
            self._have_nothing(stamp)
            return
        same = self._stamp is not None and stamp.identity == self._stamp.identity
        if self._path is None and self._task is None and not self._distrusted:
            await self._open()
        elif self._path is not None and not same:
            # The numbers of another file say nothing: nobody may find by them.
            await self._check(stamp, same_file=False)
        if self._path is not None:
            await self._extend(stamp)
        if self._path is None:
            await self._make(stamp)

    def _have_nothing(self, stamp: FileStamp) -> None:
        known, self._highest = self._nothing, None
        self._path, self._nothing, self._stamp = None, True, stamp
        if not known:
            self._tell_anew()

    async def _open(self) -> None:
        self._path = await self._work(self._keeper.open)
        if self._path is not None:
            self._nothing, self._settled = False, False
            self._tell_anew()
            # Rows may have been edited while nobody looked.
            self._in_doubt = await self._work(self._keeper.fit) is not Fit.EXACT

    async def _extend(self, stamp: FileStamp) -> None:
        """Takes in new rows until none came meanwhile: rows that are read before their stamp is
        seen must not look like an edit."""
        total = 0
        for _ in range(ROUNDS):
            taken = await self._take()
            if taken is None:
                self._path = None
                return
            total, self._stamp = total + taken, stamp
            again = await self._database.stamp()
            if again == stamp or again.identity != stamp.identity:
                break
            stamp = again
        settled, self._settled = self._settled, True
        now = time.monotonic()
        if total == 0 and settled:
            await self._check(stamp, same_file=True)
        elif now - self._counted > COUNTING_SECONDS:
            doubted = self._in_doubt
            await self._check(stamp, same_file=True)
            self._in_doubt = doubted

    async def _take(self) -> int | None:
        """Takes all rows above the last one known; returns how many, None where the database is
        not that of the index any more."""
        total = 0
        while True:
            try:
                step = await self._work(self._keeper.catch_up)
            except RecordIndexUnavailable as error:
                if is_damage(error):
                    self.distrust()
                raise
            if step.lost:
                return None
            total, self._highest = total + step.added, step.highest
            if step.added:
                self._tell(step.boards)
            if step.progress == 1:
                return total

    def _tell(self, boards: frozenset[str]) -> None:
        if self._added is None:
            self._added = Added(boards, self._highest, anew=False)
            return
        known = self._added.boards
        both = known | boards if known and boards else frozenset()
        self._added = Added(both, self._highest, anew=self._added.anew)

    def _tell_anew(self) -> None:
        self._added = Added(frozenset(), self._highest, anew=True)

    async def _check(self, stamp: FileStamp, *, same_file: bool) -> None:
        fit = await self._work(self._keeper.fit)
        self._counted = time.monotonic()
        self._in_doubt = fit is Fit.ALIKE
        if fit is Fit.NO and same_file:
            await self._make(stamp)
        elif fit is Fit.NO:
            self._path = None
        elif not same_file:
            self._tell_anew()

    async def _make(self, stamp: FileStamp) -> None:
        """Has an index made; raises `RecordsIndexing` when that takes long and there is no
        other."""
        task = self._task
        if task is None and not self._has_failed(stamp):
            task = self._begin(stamp)
        if task is not None:
            # What has not ended by then is long: nobody else is held up.
            left = self._began + self._wait_seconds - time.monotonic()
            await asyncio.wait({task}, timeout=max(0.0, left))
        # Raises why there is none, unless the old one answers on.
        _ = self.path

    def _has_failed(self, stamp: FileStamp) -> bool:
        failed = self._failure
        return failed is not None and failed.stamp == stamp and time.monotonic() < failed.until

    def _begin(self, stamp: FileStamp) -> asyncio.Task[None]:
        self._progress, self._nothing, self._began = 0.0, False, time.monotonic()
        self._task = asyncio.create_task(self._build(stamp), name="the making of the record index")
        return self._task

    async def _build(self, stamp: FileStamp) -> None:
        try:
            await self._run(stamp)
        except ProvisionerError as error:
            self._failure = _Failure(stamp, error, time.monotonic() + RETRY_SECONDS)
            log.warning("the record index could not be made: %s", error)
        except Exception:
            log.exception("the record index could not be made")
            unexpected = unavailable("its folder", "an unexpected failure, which the log has")
            self._failure = _Failure(stamp, unexpected, time.monotonic() + RETRY_SECONDS)
        finally:
            self._task = None
            now = time.monotonic()
            self._rested = now + max(RESTING_SECONDS, RESTING_TIMES * (now - self._began))

    async def _run(self, stamp: FileStamp) -> None:
        step = await self._work(self._keeper.begin)
        if step.lost:
            self._have_nothing(stamp)
            return
        highest = step.highest
        while not step.lost and step.progress < 1:
            step = await self._work(self._keeper.go_on)
            self._progress, highest = step.progress, step.highest
        path = None if step.lost else await self._work(self._keeper.finish)
        if path is None:
            # Another file took its place meanwhile: the next look begins anew.
            self._stamp = None
            return
        self._path, self._stamp, self._highest, self._failure = path, stamp, highest, None
        self._tell_anew()
        self._nothing = self._in_doubt = self._distrusted = self._settled = False

    async def _work(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise unavailable("its folder", "it is closed, because the service is stopping")
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)
