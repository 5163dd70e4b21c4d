"""Lines of a unit's journal as GraphQL clients see them, and which of them are wanted."""

from datetime import datetime
from enum import Enum

import strawberry

from domain.services.journal import LONGEST_MESSAGE
from domain.services.journal import JournalLine as Line
from domain.services.line_filters import LONGEST_TEXT, LineFilter, Origin, Priority
from domain.services.shown_text import shown
from schema.enums import describe_enum

describe_enum(
    Priority,
    name="JournalPriority",
    description="How serious a line is, as syslog counts it; the worst first.",
    values={
        Priority.EMERGENCY: "The machine is unusable (0).",
        Priority.ALERT: "Something must be done at once (1).",
        Priority.CRITICAL: "A critical condition (2).",
        Priority.ERROR: "An error (3).",
        Priority.WARNING: "A warning (4).",
        Priority.NOTICE: "Normal, but worth a look (5).",
        Priority.INFO: "Information; what scripts print (6).",
        Priority.DEBUG: "For finding faults (7).",
    },
)
describe_enum(
    Origin,
    name="JournalOrigin",
    description="Who wrote a line.",
    values={
        Origin.ALL: "Both of them.",
        Origin.UNIT: "The unit's own processes.",
        Origin.SYSTEMD: "systemd, about the unit: its start, how it ended, why it failed.",
    },
)


@strawberry.enum(description="In which order lines are listed.")
class JournalOrder(Enum):
    """An order."""

    NEWEST_FIRST = strawberry.enum_value("NEWEST_FIRST", description="The newest line first.")
    OLDEST_FIRST = strawberry.enum_value("OLDEST_FIRST", description="As they were written.")


@strawberry.type(description="One line of a unit's journal.")
class JournalLine:
    """A line."""

    cursor: str = strawberry.field(
        description="Its place in the journal, as `journalctl --cursor` takes it."
    )
    at: datetime = strawberry.field(description="When it was written.")
    message: str | None = strawberry.field(
        description="The text, with its line breaks. Other control characters are shown by their "
        f"pictures (␛), what is no text as �; cut after {LONGEST_MESSAGE} bytes. Null where the "
        "entry has none."
    )
    is_cut: bool = strawberry.field(description="Whether the text was longer.")
    priority: Priority | None = strawberry.field(
        description="How serious it is; null where the entry does not say."
    )
    identifier: str | None = strawberry.field(
        description="The program that wrote it; null where the entry does not say."
    )
    process_id: int | None = strawberry.field(
        description="The process that wrote it; null where the entry does not say."
    )
    origin: Origin = strawberry.field(description="The unit itself, or systemd about it.")
    invocation_id: str | None = strawberry.field(
        description="The run that it belongs to; null where the entry does not say."
    )
    boot_id: str | None = strawberry.field(
        description="The boot in which it was written; null where the entry does not say."
    )


@strawberry.input(description="Which lines are wanted: every member given narrows.")
class JournalFilter:
    """A filter."""

    origin: Origin = strawberry.field(default=Origin.ALL, description="Who wrote them.")
    priority: Priority | None = strawberry.field(
        default=None, description="At least so serious; null for all."
    )
    text: str | None = strawberry.field(
        default=None,
        description="Occurs in the message, upper and lower case are the same; 1 to "
        f"{LONGEST_TEXT} characters. Null for all.",
    )
    since: datetime | None = strawberry.field(
        default=None, description="Not before this moment; null for all."
    )
    until: datetime | None = strawberry.field(
        default=None, description="Not after this moment; null for all."
    )
    boot_id: str | None = strawberry.field(
        default=None, description="Of this boot, 32 hex digits; null for all."
    )
    invocation_id: str | None = strawberry.field(
        default=None, description="Of this run, 32 hex digits; null for all."
    )


def filter_of(given: JournalFilter | None) -> LineFilter:
    """Returns the checked filter; raises `JournalFilterInvalid`."""
    if given is None:
        return LineFilter()
    return LineFilter(
        origin=given.origin,
        priority=given.priority,
        text=given.text,
        since=given.since,
        until=given.until,
        boot=given.boot_id,
        invocation=given.invocation_id,
    )


def line_of(line: Line) -> JournalLine:
    """Returns the line as clients see it."""
    return JournalLine(
        cursor=line.cursor,
        at=line.at,
        message=None if line.message is None else shown(line.message),
        is_cut=line.cut,
        priority=priority_of(line.priority),
        identifier=line.identifier,
        process_id=line.pid,
        origin=Origin.SYSTEMD if line.by_systemd else Origin.UNIT,
        invocation_id=line.invocation,
        boot_id=line.boot,
    )


def priority_of(number: int | None) -> Priority | None:
    """Returns the priority of this number, None where there is no such."""
    return tuple(Priority)[number] if number is not None and 0 <= number <= 7 else None
