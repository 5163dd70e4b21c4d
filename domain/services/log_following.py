"""Following a unit's log: its last lines, then each new one, through rotation and vacuum."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from domain.events import Hub, Subscription
from domain.paging import PageInvalid
from domain.services.journal import Journal, JournalGrew, JournalLine, JournalQuestion
from domain.services.line_filters import LineFilter
from domain.services.unit_logs import Collected, collect
from domain.services.unit_names import permitted

MOST_LINES = 500
MOST_FULL_FRAMES = 10
"""Who has not caught up after so many full frames is shown the end of the log again."""
LOOK_SECONDS = 2.0
"""The net under the kernel's word that the journal was written to."""
GATHER_SECONDS = 0.1
"""For so long is gathered what comes together, before the journal is read."""


@dataclass(frozen=True, slots=True)
class UnitLogUpdate:
    """One frame of a log that is followed.

    `sequence` counts the frames of this follower. `snapshot` is true where `lines` are the end of
    the log to begin with: the first frame, after the place that was read vanished from the
    journal, or after the follower was too far behind.
    """

    sequence: int
    snapshot: bool
    lines: tuple[JournalLine, ...]


class LogFollowing:
    """Lets logs be followed. Each follower reads the journal for itself when it is asked for more:
    nothing is kept for a slow one, and it holds up nobody."""

    def __init__(self, hub: Hub, journal: Journal, *, look: float = LOOK_SECONDS) -> None:
        self._hub = hub
        self._journal = journal
        self._look = look

    async def follow(
        self, name: str, *, tail: int, wanted: LineFilter
    ) -> AsyncGenerator[UnitLogUpdate, None]:
        """Yields the last `tail` lines that `wanted` accepts, then new ones, also of a unit that
        runs later for the first time.

        Raises `ServiceUnauthorized`, `PageInvalid` and `JournalUnavailable`.
        """
        follower = _Follower(self._journal, permitted(name), tail=_checked(tail), wanted=wanted)
        # Subscribed before the first look: what is written in between is told again, never lost.
        with self._hub.subscribe(JournalGrew) as news:
            yield await follower.begin()
            while True:
                update = await follower.go_on()
                if update is not None:
                    yield update
                if follower.is_up_to_date:
                    await self._wait(news)

    async def _wait(self, news: Subscription) -> None:
        try:
            async with asyncio.timeout(self._look):
                await news.next()
        except TimeoutError:
            return
        await asyncio.sleep(GATHER_SECONDS)
        news.skip_to_newest()


class _Follower:
    """Where one follower is in the journal."""

    def __init__(self, journal: Journal, unit: str, *, tail: int, wanted: LineFilter) -> None:
        self._journal = journal
        self._unit = unit
        self._tail = tail
        self._wanted = wanted
        self._place: str | None = None
        self._at_line = False
        self._sequence = 0
        self._full_frames = 0
        self.is_up_to_date = False

    async def begin(self) -> UnitLogUpdate:
        """Returns the end of the log."""
        # The end first: what comes while the tail is read is read again after it.
        end = await self._journal.end()
        found = await self._read(self._tail, backwards=True) if self._tail else None
        lines = found.lines[::-1] if found else ()
        self._at_line = bool(lines)
        self._place = lines[-1].cursor if lines else end
        self._full_frames = 0
        self.is_up_to_date = True
        return self._frame(lines, snapshot=True)

    async def go_on(self) -> UnitLogUpdate | None:
        """Returns the next frame, None when there is nothing new."""
        found = await self._read(MOST_LINES, backwards=False)
        if self._at_line and not found.found:
            return await self.begin()
        self.is_up_to_date = found.resume is None
        self._full_frames = 0 if self.is_up_to_date else self._full_frames + 1
        if self._full_frames > MOST_FULL_FRAMES:
            return await self.begin()
        if found.lines:
            self._place, self._at_line = found.lines[-1].cursor, True
        elif found.resume is not None:
            self._place, self._at_line = found.resume, False
        return self._frame(found.lines, snapshot=False) if found.lines else None

    async def _read(self, count: int, *, backwards: bool) -> Collected:
        question = JournalQuestion(
            unit=self._unit,
            count=count,
            cursor=None if backwards else self._place,
            backwards=backwards,
            wanted=self._wanted,
        )
        return await collect(self._journal, question)

    def _frame(self, lines: tuple[JournalLine, ...], *, snapshot: bool) -> UnitLogUpdate:
        self._sequence += 1
        return UnitLogUpdate(self._sequence, snapshot, lines)


def _checked(tail: int) -> int:
    if not 0 <= tail <= MOST_LINES:
        message = f"`tail` is {tail}; it must be from 0 to {MOST_LINES}."
        raise PageInvalid(message, field="tail")
    return tail
