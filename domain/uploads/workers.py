"""Workers: the threads in which uploads are worked on, a bounded number, so that nobody else ever
waits for a slow client or a slow disk."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from domain.uploads.failures import translated
from domain.uploads.intake import Chunk, Intake
from domain.uploads.progress import TELL_SECONDS, Tracker, UploadBoard
from domain.uploads.refusals import TooManyUploads

R = TypeVar("R")
Discard = Callable[[R], None]
END_SECONDS = 10.0
"""How long one waits for a thread that was told to end: it may be in the middle of a slow disk's
work."""


@dataclass(slots=True)
class _Place:
    """One upload that is being worked on; `stop` makes that end, `tracker` tells what it has done.
    `heard_at` is when its client
    last sent something, None when nothing is expected of it."""

    stop: Callable[[], None]
    tracker: Tracker
    heard_at: float | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Workers:
    """Belongs to the event loop's thread."""

    def __init__(self, board: UploadBoard, *, at_once: int) -> None:
        self._board, self._at_once = board, at_once
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="upload")
        self._places: dict[str, _Place] = {}
        self.is_closed = False

    def close(self) -> None:
        """Gives up what is under way."""
        self.is_closed = True
        for place in self._places.values():
            place.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def is_busy(self, id: str) -> bool:
        """Whether an upload is being worked on."""
        return id in self._places

    def promised(self) -> int:
        """Returns the bytes that uploads under way may still write of what they were promised."""
        return sum(place.tracker.owed for place in self._places.values())

    async def end(self, id: str) -> bool:
        """Makes the work on an upload end, and returns when it has, or the disk takes too long for
        that; tells whether there was any."""
        place = self._places.get(id)
        if place is None:
            return False
        place.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await place.ended.wait()
        return True

    def is_silent(self, id: str, seconds: float) -> bool:
        """Whether an upload's client is expected to send, and has not for so long."""
        place = self._places.get(id)
        if place is None or place.heard_at is None:
            return False
        return asyncio.get_running_loop().time() - place.heard_at >= seconds

    @contextmanager
    def place(self, tracker: Tracker) -> Iterator[None]:
        """Has a thread ready for an upload within the context; raises `TooManyUploads`."""
        if len(self._places) >= self._at_once:
            message = f"{self._at_once} uploads are under way; wait until one of them ends."
            raise TooManyUploads(message)
        place = self._places[tracker.id] = _Place(tracker.cancel, tracker)
        try:
            yield
        finally:
            del self._places[tracker.id]
            place.ended.set()

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
        intake, place = Intake(), self._places[tracker.id]
        clock = asyncio.get_running_loop().time
        working = self._begin(lambda: work(tracker.watched(intake.chunks())))
        working.add_done_callback(lambda _: intake.end())

        def stop() -> None:
            tracker.cancel()
            intake.cancel()

        def counted(size: int) -> None:
            place.heard_at = clock()
            tracker.received += size
            self._board.show_if_time(tracker)

        place.stop, place.heard_at = stop, clock()
        filling = asyncio.ensure_future(intake.fill(chunks, counted))
        both: tuple[asyncio.Future[None] | asyncio.Future[R], ...] = (filling, working)
        try:
            # What has ended does not wait for a client that is silent.
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            place.heard_at = None
            if filling.done():
                filling.result()
                tracker.all_came()
        except BaseException:
            filling.cancel()
            # When the client hears of it, nothing is left.
            working.add_done_callback(lambda done: _discard(done, discard))
            await asyncio.wait(both)
            raise
        filling.cancel()
        await asyncio.wait([filling])
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
