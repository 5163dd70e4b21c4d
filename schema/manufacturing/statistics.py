"""The counts of manufacturing records as GraphQL clients see them."""

from datetime import datetime

import strawberry

from domain.manufacturing import statistics as domain
from schema.enums import describe_enum

describe_enum(
    domain.StatisticsBy,
    name="ManufacturingStatisticsBy",
    description="What manufacturing records are counted by.",
    values={
        domain.StatisticsBy.HOUR: "By hour, the newest first.",
        domain.StatisticsBy.DAY: "By day, the newest first.",
        domain.StatisticsBy.BOARD: "By the board's type, the commonest first.",
        domain.StatisticsBy.IMAGE: "By image, the commonest first.",
    },
)


@strawberry.type(description="How many records an hour, a day, a type of board or an image has.")
class ManufacturingCount:
    """A bucket."""

    start: datetime | None = strawberry.field(
        description="When the hour or day begins; null for boards and images."
    )
    name: str | None = strawberry.field(
        description="The board's type or the image; null for times, and where records tell none."
    )
    records: int = strawberry.field(description="How many records.")
    boards: int = strawberry.field(
        description="How many different boards; one that was provisioned twice counts once."
    )
    secure: int = strawberry.field(description="How many records say that the board is secure.")
    not_secure: int = strawberry.field(description="How many records say that it is not.")
    connect_failed: int = strawberry.field(
        description="How many records say that Connect could not be reached."
    )


@strawberry.type(
    description="Counts of manufacturing records. Hours and days without a record are left out."
)
class ManufacturingStatistics:
    """The statistics."""

    counts: list[ManufacturingCount] = strawberry.field(
        description=f"The counts; {domain.MOST_BUCKETS} at most."
    )
    complete: bool = strawberry.field(description="False when there are more than these.")


def statistics_of(statistics: domain.Statistics) -> ManufacturingStatistics:
    """Returns the statistics as clients see them."""
    return ManufacturingStatistics(
        counts=[_count(bucket) for bucket in statistics.buckets], complete=statistics.complete
    )


def _count(bucket: domain.Bucket) -> ManufacturingCount:
    return ManufacturingCount(
        start=bucket.start,
        name=bucket.name,
        records=bucket.records,
        boards=bucket.boards,
        secure=bucket.secure,
        not_secure=bucket.not_secure,
        connect_failed=bucket.connect_failed,
    )
