"""The intake: bytes on their way from a socket in the event loop to a thread that works on them."""

import asyncio
import queue
from collections.abc import AsyncIterator, Callable, Iterator

from domain.uploads.refusals import UploadCancelled

MOST_WAITING = 4 << 20
"""Bytes that may wait for the thread; then the socket has to wait (back-pressure)."""
Chunk = bytes | memoryview


class Intake:
    """Made in the event loop's thread; `chunks` belongs to the working thread, all else to the
    loop's."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[Chunk | BaseException | None] = queue.SimpleQueue()
        self._room = asyncio.Event()
        self._room.set()
        self._put = self._taken = 0
        self._ended = False

    async def fill(self, source: AsyncIterator[Chunk], counted: Callable[[int], None]) -> None:
        """Hands over all that the source yields; `counted` hears each chunk's size.

        What the source raises is raised here and in the thread. Ends early, without raising, when
        the thread has ended.
        """
        try:
            async for chunk in source:
                if self._ended:
                    return
                counted(len(chunk))
                self._put += len(chunk)
                self._queue.put(chunk)
                await self._wait_for_room()
        except BaseException as error:
            self._queue.put(error)
            raise
        self._queue.put(None)

    async def _wait_for_room(self) -> None:
        # Cleared before it is looked at: the thread sets it again whenever it finds it cleared.
        self._room.clear()
        if self._put - self._taken > MOST_WAITING and not self._ended:
            await self._room.wait()

    def end(self) -> None:
        """Tells the filling side that nobody takes chunks any more, and whoever still waits for
        some that none will come."""
        self._ended = True
        self._queue.put(UploadCancelled("The upload was given up before its end."))
        self._room.set()

    def cancel(self) -> None:
        """Makes the thread give up, whatever the source still yields."""
        self._queue.put(UploadCancelled("The upload was cancelled."))
        self._ended = True
        self._room.set()

    def chunks(self) -> Iterator[Chunk]:
        """Yields the chunks; blocks while none is there. Raises `UploadCancelled`, or what the
        source raised."""
        while (item := self._queue.get()) is not None:
            if isinstance(item, BaseException):
                if isinstance(item, Exception):
                    raise item
                raise UploadCancelled("The upload was given up before its end.") from item
            yield item
            self._taken += len(item)
            if not self._room.is_set() and self._put - self._taken <= MOST_WAITING // 2:
                self._loop.call_soon_threadsafe(self._room.set)
