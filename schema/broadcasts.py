"""Broadcasts: subscriptions that are run once, and followed by every socket that asked the same.

A socket opens its own subscription and sends its own first snapshot. The first of a scope
(`schema.shared_subscriptions`) hands its subscription over to a broadcast; the others leave theirs
as soon as they have sent a frame that the broadcast has told as well, and go on from there. So an
event goes once through GraphQL, and to each socket as a text that is ready.

Who falls behind opens its own subscription again, and begins with a fresh snapshot. A subscription
that promises more than that says so (`restartable`) and is run for each socket.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

from strawberry.schema.schema import StreamResult
from strawberry.types import StreamExecutionResult

from schema.shared_subscriptions import FrameKey, Scope, SharedResult

Open = Callable[[], Awaitable[StreamResult]]

LATEST = 16
"""So many frames are kept for those who come."""
MOST_WAITING = 256
"""So many frames wait for a socket before it has fallen behind."""

log = logging.getLogger("provisioner.graphql.broadcasts")


class FellBehind(Exception):
    """The follower missed frames and needs a snapshot."""


class Follower:
    """One socket's place in a broadcast."""

    def __init__(self, waiting: list[StreamExecutionResult]) -> None:
        self._waiting = deque(waiting)
        self._filled = asyncio.Event()
        self._is_behind = self._is_over = False
        if waiting:
            self._filled.set()

    def tell(self, result: StreamExecutionResult) -> None:
        """Takes a result, unless too many wait."""
        if len(self._waiting) >= MOST_WAITING:
            self.part()
        else:
            self._waiting.append(result)
            self._filled.set()

    def part(self) -> None:
        """Notes that the broadcast is nothing for this follower any more."""
        self._is_behind = True
        self._filled.set()

    def end(self) -> None:
        """Notes that nothing more will come."""
        self._is_over = True
        self._filled.set()

    async def next(self) -> StreamExecutionResult | None:
        """Waits for the next result and returns it, None at the end; raises `FellBehind`."""
        await self._filled.wait()
        if self._is_behind:
            raise FellBehind
        result = self._waiting.popleft() if self._waiting else None
        if not self._waiting and not self._is_over:
            self._filled.clear()
        return result


class Broadcast:
    """One subscription that is under way. `first` is the frame that its opener has sent."""

    def __init__(
        self, first: FrameKey, source: StreamResult, ended: Callable[[], None] = lambda: None
    ) -> None:
        self._latest: deque[tuple[int, StreamExecutionResult | None]] = deque(
            [(first.sequence, None)], LATEST
        )
        self._followers: set[Follower] = set()
        self._source = source
        self._ended = ended
        self._task = asyncio.create_task(self._run())

    def join(self, sequence: int) -> Follower | None:
        """Returns a follower that gets what comes after this frame; None where it was not told,
        or too long ago."""
        places = [place for place, (told, _) in enumerate(self._latest) if told == sequence]
        if not places or self._task.done():
            return None
        later = list(self._latest)[places[-1] + 1 :]
        follower = Follower([result for _, result in later if result is not None])
        self._followers.add(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        """Takes a follower out; the last one ends the broadcast."""
        self._followers.discard(follower)
        if not self._followers:
            self.stop()

    def stop(self) -> None:
        """Ends the subscription."""
        self._task.cancel()
        self._ended()

    async def stopped(self) -> None:
        """Returns when the subscription is closed."""
        await asyncio.wait([self._task])

    @property
    def is_over(self) -> bool:
        """Whether the subscription is closed."""
        return self._task.done()

    async def _run(self) -> None:
        try:
            async with aclosing(self._source) as results:
                async for result in results:
                    if not self._tell(result):
                        return
        except Exception:
            log.exception("a subscription that sockets share failed")
            self._part()
        finally:
            self._ended()
            for follower in self._followers:
                follower.end()

    def _tell(self, result: StreamExecutionResult) -> bool:
        key = key_of_result(result)
        if key is None and getattr(result, "data", None) is not None:
            # This frame is of one subscriber alone.
            self._part()
            return False
        if key is not None:
            self._latest.append((key.sequence, result))
        for follower in self._followers:
            follower.tell(result)
        return True

    def _part(self) -> None:
        for follower in self._followers:
            follower.part()


class Broadcasts:
    """The broadcasts that are under way."""

    def __init__(self) -> None:
        self._running: dict[Scope, Broadcast] = {}
        self._open: set[Broadcast] = set()
        self.fallen_behind = 0
        """How often a socket had to begin again."""

    def __len__(self) -> int:
        return len(self._running)

    async def results(self, open: Open) -> AsyncGenerator[StreamExecutionResult, None]:
        """Yields the results of the subscription, query or mutation that `open` begins; nothing is
        left out, but for what a fresh snapshot makes up for."""
        while True:
            try:
                async with aclosing(self._results(await open())) as results:
                    async for result in results:
                        yield result
            except FellBehind:
                self.fallen_behind += 1
                continue
            return

    async def aclose(self) -> None:
        """Ends all broadcasts."""
        still_open = list(self._open)
        for broadcast in still_open:
            broadcast.stop()
        for broadcast in still_open:
            await broadcast.stopped()

    async def _results(self, own: StreamResult) -> AsyncGenerator[StreamExecutionResult, None]:
        joined: tuple[Broadcast, Follower] | None = None
        is_handed_over = False
        try:
            async for result in own:
                yield result
                key = key_of_result(result)
                if key is None:
                    continue
                # Those who are told of the same event in this turn of the loop come first.
                await asyncio.sleep(0)
                is_handed_over = key.scope not in self._running
                broadcast = self._begin(key, own) if is_handed_over else self._running[key.scope]
                follower = broadcast.join(key.sequence)
                if follower is not None:
                    joined = broadcast, follower
                    break
        finally:
            if not is_handed_over:
                with suppress(Exception):
                    await own.aclose()
        if joined is None:
            return
        broadcast, follower = joined
        try:
            while (told := await follower.next()) is not None:
                yield told
        finally:
            broadcast.leave(follower)

    def _begin(self, key: FrameKey, own: StreamResult) -> Broadcast:
        def ended() -> None:
            if self._running.get(key.scope) is broadcast:
                del self._running[key.scope]

        broadcast = self._running[key.scope] = Broadcast(key, own, ended)
        # The last follower ends it, and then it takes a moment.
        self._open = {each for each in self._open if not each.is_over} | {broadcast}
        return broadcast


def key_of_result(result: StreamExecutionResult) -> FrameKey | None:
    """Returns which frame this is for all who asked the same, None where it is of one subscriber
    alone."""
    if not isinstance(result, SharedResult) or result.extensions:
        return None
    return result.frame.key if result.frame.is_restartable else None
