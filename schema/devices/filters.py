"""What GraphQL clients filter devices and attempts by."""

from datetime import datetime

import strawberry

from domain.devices.attempts import AttemptFilter, Outcome
from domain.devices.device_filters import DeviceFilter
from domain.devices.stages import Stage, Style
from domain.devices.status import Status

SINCE = "Only what is of this moment or later."
UNTIL = "Only what is before this moment."
EACH = "Every condition that is given must hold; of a list, one of its values."


@strawberry.input(description=f"Which boards. {EACH}")
class DeviceFilterInput:
    """Conditions on boards."""

    status: list[Status] | None = strawberry.field(
        default=None, description="How they stand; absent means any."
    )
    stage: list[Stage] | None = strawberry.field(
        default=None, description="How far they are; absent means any."
    )
    style: list[Style] | None = strawberry.field(
        default=None, description="How they are provisioned; absent means any."
    )
    port: str | None = strawberry.field(
        default=None,
        description="The USB path where they are plugged in, or were last seen; absent means any.",
    )
    text: str | None = strawberry.field(
        default=None,
        description="What stands in serial, port, state, image or address, in whatever case; "
        "absent or empty means anything.",
    )
    since: datetime | None = strawberry.field(
        default=None, description=f"{SINCE} The last change counts; absent means any."
    )
    until: datetime | None = strawberry.field(
        default=None, description=f"{UNTIL} The last change counts; absent means any."
    )


@strawberry.input(description=f"Which attempts. {EACH}")
class AttemptFilterInput:
    """Conditions on attempts."""

    serial: str | None = strawberry.field(
        default=None, description="One of the board's serials, 8 or 16 digits; absent means any."
    )
    port: str | None = strawberry.field(
        default=None, description="The USB path, such as 1-1.4; absent means any."
    )
    outcome: list[Outcome] | None = strawberry.field(
        default=None, description="How they ended; absent means any."
    )
    style: list[Style] | None = strawberry.field(
        default=None, description="How the boards were provisioned; absent means any."
    )
    image: str | None = strawberry.field(
        default=None, description="The image's name as written; absent means any."
    )
    since: datetime | None = strawberry.field(
        default=None, description=f"{SINCE} When it began counts; absent means any."
    )
    until: datetime | None = strawberry.field(
        default=None, description=f"{UNTIL} When it began counts; absent means any."
    )
    text: str | None = strawberry.field(
        default=None,
        description="What stands in the serials, the port or the image, in whatever case; absent "
        "or empty means anything.",
    )


def device_filter(asked: DeviceFilterInput | None) -> DeviceFilter:
    """Returns the conditions; none where nothing is asked."""
    if asked is None:
        return DeviceFilter()
    return DeviceFilter(
        statuses=frozenset(asked.status or ()),
        stages=frozenset(asked.stage or ()),
        styles=frozenset(asked.style or ()),
        port=asked.port,
        text=asked.text or "",
        since=asked.since,
        until=asked.until,
    )


def attempt_filter(asked: AttemptFilterInput | None) -> AttemptFilter:
    """Returns the conditions; none where nothing is asked."""
    if asked is None:
        return AttemptFilter()
    return AttemptFilter(
        serial=asked.serial,
        port=asked.port,
        outcomes=frozenset(asked.outcome or ()),
        styles=frozenset(asked.style or ()),
        image=asked.image,
        since=asked.since,
        until=asked.until,
        text=asked.text or "",
    )
