"""Workers: the threads in which uploads are worked on, a bounded number, so that nobody else ever
waits for a slow client or a slow disk."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from domain.uploads.failures import translated
from domain.uploads.intake import Chunk, Intake
from domain.uploads.progress import TELL_SECONDS, Tracker, UploadBoard
from domain.uploads.refusals import TooManyUploads

R = TypeVar("R")
Discard = Callable[[R], None]


class Workers:
    """Belongs to the event loop's thread."""

    def __init__(self, board: UploadBoard, *, at_once: int) -> None:
        self._board, self._at_once = board, at_once
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="upload")
        self._stops: dict[str, Callable[[], None]] = {}
        self.is_closed = False

    def close(self) -> None:
        """Gives up what is under way."""
        self.is_closed = True
        for id in list(self._stops):
            self.stop(id)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def is_busy(self, id: str) -> bool:
        """Whether an upload is being worked on."""
        return id in self._stops

    def stop(self, id: str) -> bool:
        """Makes the work on an upload end; returns whether there was any."""
        stop = self._stops.get(id)
        if stop is not None:
            stop()
        return stop is not None

    @contextmanager
    def place(self, tracker: Tracker) -> Iterator[None]:
        """Has a thread ready for an upload within the context; raises `TooManyUploads`."""
        if len(self._stops) >= self._at_once:
            message = f"{self._at_once} uploads are under way; wait until one of them ends."
            raise TooManyUploads(message)
        self._stops[tracker.id] = tracker.cancel
        try:
            yield
        finally:
            del self._stops[tracker.id]

    async def feed(
        self,
        chunks: AsyncIterator[Chunk],
        work: Callable[[Iterator[Chunk]], R],
        tracker: Tracker,
        *,
        discard: Discard[R],
    ) -> R:
        """Returns what `work` makes, in a thread, of chunks that arrive meanwhile.

        What the chunks' source raises is raised here when the thread has ended; what it made
        goes to `discard` where nobody is left to take it.
        """
        intake = Intake()
        working = self._begin(lambda: work(tracker.watched(intake.chunks())))
        working.add_done_callback(lambda _: intake.end())

        def stop() -> None:
            tracker.cancel()
            intake.cancel()

        def counted(size: int) -> None:
            tracker.received += size
            self._board.show_if_time(tracker)

        self._stops[tracker.id] = stop
        try:
            await intake.fill(chunks, counted)
        except BaseException:
            # When the client hears of it, nothing is left.
            working.add_done_callback(lambda done: _discard(done, discard))
            await asyncio.wait([working])
            raise
        return await self._finish(working, tracker, discard)

    async def run(self, work: Callable[[], R], tracker: Tracker, *, discard: Discard[R]) -> R:
        """Returns what `work` makes in a thread."""
        return await self._finish(self._begin(work), tracker, discard)

    def _begin(self, work: Callable[[], R]) -> asyncio.Future[R]:
        return asyncio.get_running_loop().run_in_executor(self._threads, _translated, work)

    async def _finish(self, working: asyncio.Future[R], tracker: Tracker, discard: Discard[R]) -> R:
        try:
            while not working.done():
                await asyncio.wait([working], timeout=TELL_SECONDS)
                self._board.show_if_time(tracker)
        except asyncio.CancelledError:
            tracker.cancel()
            working.add_done_callback(lambda done: _discard(done, discard))
            raise
        return working.result()


def _translated(work: Callable[[], R]) -> R:
    with translated():
        return work()


def _discard(working: asyncio.Future[R], discard: Discard[R]) -> None:
    if not working.cancelled() and working.exception() is None:
        discard(working.result())
