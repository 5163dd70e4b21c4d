"""The line's statistics as GraphQL clients see them."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.devices.stages import Stage
from domain.devices.statistics import Group, Tally
from domain.devices.statistics import LineStatistics as Counted
from resolvers.devices.statistics import count_line
from schema.context import Info, who

SHARE = "The share that finished, from 0 to 1; null where nothing came to an end."


@strawberry.type(description="How many there were by outcome, and how long the finished ones took.")
class OutcomeCounts:
    """A tally."""

    total: int = strawberry.field(
        description="How many came to an end or should have: finished, failed, stalled, unknown."
    )
    finished: int = strawberry.field(description="How many finished.")
    failed: int = strawberry.field(description="How many failed.")
    stalled: int = strawberry.field(description="How many never came to an end.")
    unknown: int = strawberry.field(description="How many ended nobody knows how.")
    skipped: int = strawberry.field(description="How many the port rules kept out; not in total.")
    running: int = strawberry.field(description="How many go on; not in total.")
    yield_: float | None = strawberry.field(name="yield", description=SHARE)
    seconds_p50: float | None = strawberry.field(
        name="secondsP50",
        description="Half of the finished ones took no longer; null where none has times.",
    )
    seconds_p95: float | None = strawberry.field(
        name="secondsP95",
        description="95 of 100 finished ones took no longer; null where none has times.",
    )


@strawberry.type(description="The attempts at one port.")
class PortCounts:
    """A port's tally."""

    port: str | None = strawberry.field(description="The USB path; null where no row names one.")
    counts: OutcomeCounts = strawberry.field(description="The counts.")


@strawberry.type(description="The attempts with one image.")
class ImageCounts:
    """An image's tally."""

    image: str | None = strawberry.field(description="The image; null where no row names one.")
    counts: OutcomeCounts = strawberry.field(description="The counts.")


@strawberry.type(description="One stage of all attempts that came so far.")
class StageCounts:
    """A stage's tally."""

    stage: Stage = strawberry.field(description="The stage.")
    counts: OutcomeCounts = strawberry.field(description="The counts.")


@strawberry.type(description="The attempts of one hour or day, by their last row.")
class TimeCounts:
    """A time's tally."""

    start: datetime = strawberry.field(description="When the hour or day begins.")
    counts: OutcomeCounts = strawberry.field(description="The counts.")


@strawberry.type(description="What the line did in a time.")
class LineStatistics:
    """The statistics."""

    counts: OutcomeCounts = strawberry.field(description="All attempts.")
    boards: int = strawberry.field(description="How many different boards came to an end.")
    first_pass_yield: float | None = strawberry.field(
        description="The share of boards that finished at their first attempt of this time, from 0 "
        "to 1; null without boards."
    )
    untimed: int = strawberry.field(
        description="How many attempts have no time and are therefore nowhere else."
    )
    by_port: list[PortCounts] = strawberry.field(
        description="By port, the busiest first; 1000 at most."
    )
    by_image: list[ImageCounts] = strawberry.field(
        description="By image, the commonest first; 1000 at most."
    )
    by_stage: list[StageCounts] = strawberry.field(description="By stage, in their order.")
    by_hour: list[TimeCounts] = strawberry.field(
        description="By hour in which anything ended, the oldest first; the newest 1000."
    )
    by_day: list[TimeCounts] = strawberry.field(
        description="By day on which anything ended, the oldest first; the newest 1000."
    )


def _counts(tally: Tally) -> OutcomeCounts:
    return OutcomeCounts(
        total=tally.total,
        finished=tally.finished,
        failed=tally.failed,
        stalled=tally.stalled,
        unknown=tally.unknown,
        skipped=tally.skipped,
        running=tally.running,
        yield_=tally.share,
        seconds_p50=tally.percentile(50),
        seconds_p95=tally.percentile(95),
    )


def _times(groups: list[Group[datetime]]) -> list[TimeCounts]:
    return [TimeCounts(start=group.key, counts=_counts(group.tally)) for group in groups]


def _statistics(counted: Counted) -> LineStatistics:
    boards = counted.boards
    return LineStatistics(
        counts=_counts(counted.whole),
        boards=boards,
        first_pass_yield=counted.first_time / boards if boards else None,
        untimed=counted.untimed,
        by_port=[PortCounts(port=one.key, counts=_counts(one.tally)) for one in counted.ports],
        by_image=[
            ImageCounts(image=one.key or None, counts=_counts(one.tally)) for one in counted.images
        ],
        by_stage=[StageCounts(stage=one.key, counts=_counts(one.tally)) for one in counted.stages],
        by_hour=_times(counted.hours),
        by_day=_times(counted.days),
    )


From = Annotated[
    datetime | None,
    strawberry.argument(
        name="from", description="Attempts whose last row is of this moment or later; absent: all."
    ),
]
To = Annotated[
    datetime | None,
    strawberry.argument(
        name="to", description="Attempts whose last row is before this moment; absent: all."
    ),
]
Offset = Annotated[
    int,
    strawberry.argument(
        description="Hours and days begin as clocks say that are so many minutes ahead of UTC."
    ),
]


@strawberry.type
class StatisticsQueries:
    """Root fields about the line."""

    @strawberry.field(description="How many attempts finished, failed and stalled, and where.")
    async def line_statistics(
        self, info: Info, from_: From = None, to: To = None, utc_offset_minutes: Offset = 0
    ) -> LineStatistics:
        """Resolves the statistics."""
        counted = await count_line(
            *who(info), since=from_, until=to, offset_minutes=utc_offset_minutes
        )
        return _statistics(counted)
