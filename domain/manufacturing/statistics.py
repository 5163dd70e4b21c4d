"""Statistics: how many records there are for each hour, day, board or image."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from domain.errors import Invalid
from domain.manufacturing.filters import EVERYTHING, RecordFilter

MOST_BUCKETS = 1000
MOST_OFFSET = timedelta(hours=14)
"""No time zone is farther from UTC (tz database: Pacific/Kiritimati)."""


class UtcOffsetInvalid(Invalid):
    """A local time that no place has."""

    code = "INVALID_UTC_OFFSET"
    title = "Invalid UTC Offset"
    meaning = "The offset of local time from UTC is more than 14 hours."
    remedy = "Give the offset in minutes, such as 60 or -300."


class StatisticsBy(StrEnum):
    """What records are counted by."""

    HOUR = "HOUR"
    DAY = "DAY"
    BOARD = "BOARD"
    IMAGE = "IMAGE"

    @property
    def step(self) -> timedelta | None:
        """How long a bucket of time is; None for what is no time."""
        return _STEPS.get(self)


_STEPS = {StatisticsBy.HOUR: timedelta(hours=1), StatisticsBy.DAY: timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class StatisticsQuestion:
    """Counts of the wanted records. `utc_offset` is local time's: it says when a day begins.
    Raises `UtcOffsetInvalid`."""

    by: StatisticsBy
    wanted: RecordFilter = EVERYTHING
    utc_offset: timedelta = timedelta()

    def __post_init__(self) -> None:
        if abs(self.utc_offset) > MOST_OFFSET:
            raise UtcOffsetInvalid(
                "Local time is at most 14 hours from UTC.", field="utcOffsetMinutes"
            )


@dataclass(frozen=True, slots=True)
class Bucket:
    """One count. `start` is set for hours and days, else `name`, which is None for records that
    tell none.

    `boards` counts a board once, however often it was provisioned; `secure`, `not_secure` and
    `connect_failed` count records.
    """

    start: datetime | None
    name: str | None
    records: int
    boards: int
    secure: int
    not_secure: int
    connect_failed: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Buckets, the newest or the largest first. `complete` is false when there were more than
    `MOST_BUCKETS`."""

    buckets: tuple[Bucket, ...]
    complete: bool


def bucket_start(number: int, question: StatisticsQuestion) -> datetime | None:
    """Returns when bucket `number` since the epoch in local time begins, in UTC."""
    step = question.by.step
    if step is None:
        return None
    try:
        return datetime.fromtimestamp(0, UTC) + number * step - question.utc_offset
    except OverflowError:
        return None
