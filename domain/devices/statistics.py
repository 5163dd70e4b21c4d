"""Line statistics: how many attempts finished, failed and stalled, how long they took, and
where."""

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Generic, TypeVar

from domain.devices.attempt_list import Attempts, unhurried
from domain.devices.attempts import Attempt, Outcome, attempt_of
from domain.devices.device_filters import within
from domain.devices.devices import Devices
from domain.devices.stages import Stage
from domain.devices.statuses import Statuses
from domain.errors import Invalid

K = TypeVar("K", bound=Hashable)

MOST_GROUPS = 1000
"""Of hours and days the newest are told, of ports and images those with the most attempts."""
FURTHEST_OFFSET = 14 * 60
"""Minutes: no place on earth is further from UTC."""


class StatisticsQuestionInvalid(Invalid):
    """A time range or an offset that makes no sense."""

    code = "INVALID_STATISTICS_QUESTION"
    title = "Invalid Statistics Question"
    meaning = "`from` is not before `to`, or the offset from UTC is more than 14 hours."
    remedy = "Ask for a range that begins before it ends, and for an offset in minutes."


@dataclass(slots=True)
class Tally:
    """Counts of attempts or of stages by outcome, and the seconds that the finished ones took.

    Attempts that were skipped or still run are counted beside; they are no part of `total`.
    """

    finished: int = 0
    failed: int = 0
    stalled: int = 0
    unknown: int = 0
    skipped: int = 0
    running: int = 0
    _seconds: list[float] = field(default_factory=list)

    def add(self, outcome: Outcome, seconds: float | None) -> None:
        """Counts one; `seconds` matters of a finished one."""
        name = outcome.value.lower()
        setattr(self, name, getattr(self, name) + 1)
        if outcome is Outcome.FINISHED and seconds is not None:
            self._seconds.append(seconds)

    @property
    def total(self) -> int:
        """How many came to an end, or should have."""
        return self.finished + self.failed + self.stalled + self.unknown

    @property
    def share(self) -> float | None:
        """The share that finished, 0 to 1; None where there is nothing to count."""
        return self.finished / self.total if self.total else None

    def percentile(self, percent: int) -> float | None:
        """Returns the seconds within which so many percent of the finished ones were done (nearest
        rank), None where none has a time."""
        if not self._seconds:
            return None
        rank = -(-len(self._seconds) * percent // 100)
        return sorted(self._seconds)[max(rank, 1) - 1]


@dataclass(frozen=True, slots=True)
class Group(Generic[K]):
    """The attempts that have something in common."""

    key: K
    tally: Tally


@dataclass(frozen=True, slots=True)
class LineStatistics:
    """What the line did. `boards` is how many different ones were worked on, `first_time` how many
    of those finished with their first attempt of the range. Hours and days are named by their
    beginning, UTC, the oldest first. `untimed` counts attempts whose rows have no time: they are
    nowhere else.
    """

    whole: Tally
    boards: int
    first_time: int
    untimed: int
    ports: list[Group[str | None]]
    images: list[Group[str]]
    stages: list[Group[Stage]]
    hours: list[Group[datetime]]
    days: list[Group[datetime]]


class Statistics:
    """Counts out of what is folded from the rows. Raises what `Devices` raises."""

    def __init__(self, devices: Devices, statuses: Statuses, attempts: Attempts) -> None:
        self._devices = devices
        self._statuses = statuses
        self._attempts = attempts

    async def count(
        self, *, since: datetime | None, until: datetime | None, offset_minutes: int = 0
    ) -> LineStatistics:
        """Returns the statistics of the attempts whose last row was written from `since` on and
        before `until`; hours and days begin as clocks `offset_minutes` ahead of UTC say.

        Raises `StatisticsQuestionInvalid`.
        """
        _check(since, until, offset_minutes)
        await self._statuses.ready()
        runs = self._devices.projection.runs
        counting = Counting(timezone(timedelta(minutes=offset_minutes)))
        async for run in unhurried(list(runs.all)):
            at = runs.newest(run).at
            if within(at, since, until) or at is None:
                counting.add(attempt_of(runs, run, self._attempts.ending(run)), at)
        return counting.result()


class Counting:
    """Counts attempts one by one, the oldest first."""

    def __init__(self, zone: timezone) -> None:
        self._zone = zone
        self._whole = Tally()
        self._untimed = 0
        self._boards: dict[str, bool] = {}
        self._ports: dict[str | None, Tally] = defaultdict(Tally)
        self._images: dict[str, Tally] = defaultdict(Tally)
        self._stages: dict[Stage, Tally] = defaultdict(Tally)
        self._hours: dict[datetime, Tally] = defaultdict(Tally)
        self._days: dict[datetime, Tally] = defaultdict(Tally)

    def add(self, attempt: Attempt, at: datetime | None) -> None:
        """Counts an attempt whose last row is of the moment `at`."""
        if at is None:
            self._untimed += 1
            return
        local = at.astimezone(self._zone).replace(minute=0, second=0, microsecond=0)
        tallies = (
            self._whole,
            self._ports[attempt.port],
            self._images[attempt.image],
            self._hours[local.astimezone(UTC)],
            self._days[local.replace(hour=0).astimezone(UTC)],
        )
        for tally in tallies:
            tally.add(attempt.outcome, attempt.seconds)
        for stage in attempt.stages:
            self._stages[stage.stage].add(stage.outcome, stage.seconds)
        if attempt.outcome not in (Outcome.SKIPPED, Outcome.RUNNING):
            self._boards.setdefault(attempt.board, attempt.outcome is Outcome.FINISHED)

    def result(self) -> LineStatistics:
        """Returns what was counted."""
        return LineStatistics(
            whole=self._whole,
            boards=len(self._boards),
            first_time=sum(self._boards.values()),
            untimed=self._untimed,
            ports=_largest(self._ports),
            images=_largest(self._images),
            stages=[Group(stage, self._stages[stage]) for stage in Stage if stage in self._stages],
            hours=_newest(self._hours),
            days=_newest(self._days),
        )


def _largest(tallies: dict[K, Tally]) -> list[Group[K]]:
    groups = [Group(key, tally) for key, tally in tallies.items()]
    groups.sort(key=lambda group: (-group.tally.total, str(group.key)))
    return groups[:MOST_GROUPS]


def _newest(tallies: dict[datetime, Tally]) -> list[Group[datetime]]:
    return [Group(key, tallies[key]) for key in sorted(tallies)[-MOST_GROUPS:]]


def _check(since: datetime | None, until: datetime | None, offset_minutes: int) -> None:
    if since is not None and until is not None and since >= until:
        raise StatisticsQuestionInvalid("`from` must be before `to`.", field="from")
    if abs(offset_minutes) > FURTHEST_OFFSET:
        message = f"`utcOffsetMinutes` is {offset_minutes}; no clock is more than 14 hours off."
        raise StatisticsQuestionInvalid(message, field="utcOffsetMinutes")
