"""The in-process hub of past-tense events, and how a watcher follows it without ever holding
it up."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

BUFFER = 256
"""How many events wait for one subscriber before it is told that it lagged."""


class Event:
    """Something that happened; concrete events are frozen dataclasses beside the feature that
    publishes them."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Published:
    """An event and its place in the order of all events of this hub."""

    sequence: int
    event: Event


@dataclass(frozen=True, slots=True)
class Lagged:
    """The subscriber was too slow: `missed` events are gone and it must read a fresh snapshot."""

    missed: int


class Subscription:
    """One subscriber's bounded buffer."""

    def __init__(self, kinds: tuple[type[Event], ...], size: int) -> None:
        self._kinds = kinds
        self._size = size
        self._waiting: deque[Published] = deque()
        self._missed = 0
        self._filled = asyncio.Event()

    def wants(self, kind: type[Event]) -> bool:
        """Whether it takes events of this kind."""
        return issubclass(kind, self._kinds)

    def offer(self, published: Published) -> bool:
        """Takes the event if it is wanted; returns False when it overflowed the buffer."""
        if not isinstance(published.event, self._kinds):
            return True
        self._filled.set()
        if self._missed or len(self._waiting) >= self._size:
            self._missed += len(self._waiting) + 1
            self._waiting.clear()
            return False
        self._waiting.append(published)
        return True

    async def next(self) -> Published | Lagged:
        """Waits for the next event; after an overflow answers `Lagged` once."""
        await self._filled.wait()
        if self._missed:
            answer: Published | Lagged = Lagged(self._missed)
            self._missed = 0
        else:
            answer = self._waiting.popleft()
        if not self._waiting:
            self._filled.clear()
        return answer

    def skip_to_newest(self) -> None:
        """Drops all waiting events but the newest, for watchers that show the whole view again
        each time."""
        while len(self._waiting) > 1:
            self._waiting.popleft()


class Hub:
    """Delivers each event to every subscriber of its kind. Publishing is plain and never waits
    (style 9).

    Belongs to the event loop's thread; a foreign thread publishes through
    `loop.call_soon_threadsafe`.
    """

    def __init__(self) -> None:
        self.sequence = 0
        self.lagged = 0
        self._subscriptions: set[Subscription] = set()
        self._newest: dict[type[Event], int] = {}

    @property
    def subscribers(self) -> int:
        """How many subscriptions are open."""
        return len(self._subscriptions)

    def hears(self, kind: type[Event]) -> bool:
        """Whether anybody is subscribed to events of this kind."""
        return any(subscription.wants(kind) for subscription in self._subscriptions)

    def newest_of(self, *kinds: type[Event]) -> int:
        """Returns the sequence of the newest event of these kinds, 0 before the first: what all
        who follow them and are told everything have in common."""
        told = (place for kind, place in self._newest.items() if issubclass(kind, kinds))
        return max(told, default=0)

    def publish(self, event: Event) -> None:
        """Tells every subscriber; call it after the fact is stored, never before."""
        self.sequence += 1
        self._newest[type(event)] = self.sequence
        published = Published(self.sequence, event)
        for subscription in self._subscriptions:
            if not subscription.offer(published):
                self.lagged += 1

    @contextmanager
    def subscribe(self, *kinds: type[Event], size: int = BUFFER) -> Iterator[Subscription]:
        """Opens a subscription for events of `kinds`; leaving the context closes it."""
        subscription = Subscription(kinds, size)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)


@dataclass(frozen=True, slots=True)
class Update(Generic[T]):
    """One frame of a live view.

    `sequence` is the hub's and only grows; gaps are normal, since a view follows some kinds of
    event only. `snapshot` is true for the present as a whole: the first frame, and any frame
    after the watcher lagged. Two updates of one view with the same `sequence` and `snapshot` hold
    the same present.
    """

    sequence: int
    snapshot: bool
    value: T


async def watch_view(
    hub: Hub, *kinds: type[Event], view: Callable[[], Awaitable[T]], size: int = BUFFER
) -> AsyncGenerator[Update[T], None]:
    """Yields the view at once and again after events of `kinds`; several events may share one
    frame."""
    with hub.subscribe(*kinds, size=size) as subscription:
        # The sequence is read before the view: a change in between is told again, never lost.
        sequence = hub.newest_of(*kinds)
        yield Update(sequence, snapshot=True, value=await view())
        while True:
            news = await subscription.next()
            subscription.skip_to_newest()
            sequence = hub.newest_of(*kinds)
            yield Update(sequence, snapshot=isinstance(news, Lagged), value=await view())


async def watch_changes(
    hub: Hub,
    *kinds: type[Event],
    snapshot: Callable[[], Awaitable[T]],
    change: Callable[[Event], T | None],
    size: int = BUFFER,
) -> AsyncGenerator[Update[T], None]:
    """Yields the snapshot, then `change(event)` for each event (None: nothing for this watcher).

    After an overflow the next frame is a fresh snapshot.
    """
    with hub.subscribe(*kinds, size=size) as subscription:
        told = hub.newest_of(*kinds)
        yield Update(told, snapshot=True, value=await snapshot())
        while True:
            news = await subscription.next()
            if isinstance(news, Lagged):
                told = hub.newest_of(*kinds)
                yield Update(told, snapshot=True, value=await snapshot())
                continue
            # Events that the snapshot already holds may still wait in the buffer.
            value = change(news.event) if news.sequence > told else None
            if value is not None:
                yield Update(news.sequence, snapshot=False, value=value)
