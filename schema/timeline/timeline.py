"""The timeline of a device as GraphQL clients see it, and its links to records and units."""

from datetime import datetime
from typing import Annotated, Protocol

import strawberry

from domain.manufacturing.filters import NEWEST_FIRST
from domain.paging import Page, page_request
from domain.timeline import timeline as domain
from domain.timeline.entries import TimelineEntry as Entry
from domain.timeline.entries import TimelineKind
from resolvers.parts import part_of
from resolvers.timeline import list_units_of_board, page_records_of_board, page_timeline
from schema.audit.entries import AuditEntry, entry_of
from schema.connections import Connection, Edge, PageInfo, connection
from schema.context import Info, who
from schema.devices.attempts import Attempt, attempt_of
from schema.devices.logs import DeviceLog, log_of
from schema.devices.paging import After, Before, First, Last
from schema.enums import describe_enum
from schema.manufacturing.records import ManufacturingRecord, record_of
from schema.services.lines import JournalLine, line_of
from schema.services.runs import UnitRun, run_of
from schema.services.units import Unit, unit_of
from schema.totals import asks_for

describe_enum(
    TimelineKind,
    name="TimelineKind",
    description="What happened to a device.",
    values={
        TimelineKind.ATTEMPT_ENDED: "A run of it ended: it finished, failed, or was skipped.",
        TimelineKind.RECORD_WRITTEN: "A manufacturing record of it was written.",
        TimelineKind.UNIT_ENDED: "A unit that worked on it ended.",
        TimelineKind.JOURNAL_ERROR: "A unit that worked on it, or systemd about that unit, wrote a "
        "line of the priority ERROR or worse.",
        TimelineKind.LOG_WRITTEN: "A log of it was written to for the last time until now.",
        TimelineKind.STATE_WRITTEN: "The station's scripts wrote a state of it.",
        TimelineKind.UNIT_STARTED: "A unit began to work on it.",
        TimelineKind.AUDITED: "Somebody asked about it by its serial, set a flag of it, or read "
        "its logs or keys; needs the role engineer.",
        TimelineKind.ATTEMPT_BEGAN: "A run of it began.",
    },
)
Kinds = Annotated[
    list[TimelineKind] | None,
    strawberry.argument(
        description="Only what is of one of these kinds; null for all that the caller may see."
    ),
]


@strawberry.type(description="Something that happened to a device.")
class TimelineEntry:
    """An entry."""

    at: datetime | None = strawberry.field(
        description="When; rows and records are timed to the second. Null where the source has no "
        "time for it: it stands beside what the same source told around it."
    )
    kind: TimelineKind = strawberry.field(description="What happened.")
    text: str = strawberry.field(description="What happened, in words.")
    failed: bool = strawberry.field(description="Whether it tells of a failure.")
    state: str | None = strawberry.field(
        description="The state in the station's own words; null for other kinds."
    )
    attempt: Attempt | None = strawberry.field(
        description="The attempt that began, ended, or to which the state belongs; null for other "
        "kinds."
    )
    unit_name: str | None = strawberry.field(
        description="The unit that started, ended, or wrote the line; null for other kinds."
    )
    unit_run: UnitRun | None = strawberry.field(
        description="The run of the unit that started or ended; null for other kinds."
    )
    line: JournalLine | None = strawberry.field(
        description="The line of the journal; null for other kinds."
    )
    log: DeviceLog | None = strawberry.field(
        description="The log that was written to; null for other kinds."
    )
    record: ManufacturingRecord | None = strawberry.field(
        description="The record that was written; null for other kinds."
    )
    audit_entry: AuditEntry | None = strawberry.field(
        description="The entry of the audit log; null for other kinds."
    )


@strawberry.type(description="What a page of a timeline could not tell.")
class TimelineGap:
    """A gap."""

    kinds: list[TimelineKind] = strawberry.field(description="What is not on the page.")
    code: str = strawberry.field(description="The code of the error that hindered it.")
    reason: str = strawberry.field(description="Why, in a sentence.")


@strawberry.type(description="A page of what happened to a device, the newest first.")
class TimelineConnection:
    """A Relay connection."""

    edges: list[Edge[TimelineEntry]] = strawberry.field(
        description="The entries with their places."
    )
    nodes: list[TimelineEntry] = strawberry.field(description="The entries alone.")
    page_info: PageInfo = strawberry.field(description="Where the page lies.")
    gaps: list[TimelineGap] = strawberry.field(
        description="What is not told, because what knows of it is unavailable just now; empty as "
        "a rule."
    )


class Board(Protocol):
    """What has a timeline."""

    id: strawberry.ID


class Recorded(Protocol):
    """What has records: something with a serial."""

    serial: str | None


async def timeline_of(
    root: strawberry.Parent[Board],
    info: Info,
    kinds: Kinds = None,
    first: First = None,
    after: After = None,
) -> TimelineConnection:
    """Resolves a page of what happened to a device."""
    page = page_request(domain.ORDER, first=first, after=after)
    wanted = None if kinds is None else frozenset(kinds)
    found = await part_of(
        page_timeline.policy,
        *who(info),
        lambda call: page_timeline.perform(call, board=str(root.id), page=page, kinds=wanted),
    )
    shown = connection(found.page, _entry)
    return TimelineConnection(
        edges=shown.edges,
        nodes=shown.nodes,
        page_info=shown.page_info,
        gaps=[_gap(gap) for gap in found.gaps],
    )


async def units_of(root: strawberry.Parent[Board], info: Info) -> list[Unit]:
    """Resolves the units of a device."""
    found = await part_of(
        list_units_of_board.policy,
        *who(info),
        lambda call: list_units_of_board.perform(call, board=str(root.id)),
    )
    return [unit_of(service) for service in found]


async def records_of(
    root: strawberry.Parent[Recorded],
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
) -> Connection[ManufacturingRecord]:
    """Resolves a page of a device's records; none while it has told no serial."""
    page = page_request(NEWEST_FIRST.name, first=first, after=after, last=last, before=before)
    serial, counted = root.serial, asks_for(info)
    if serial is None:
        return connection(Page((), (), has_next=False, has_previous=False, total=0), record_of)
    found = await part_of(
        page_records_of_board.policy,
        *who(info),
        lambda call: page_records_of_board.perform(call, serial=serial, page=page, counted=counted),
    )
    return connection(found, record_of)


def _entry(entry: Entry) -> TimelineEntry:
    return TimelineEntry(
        at=entry.at,
        kind=entry.kind,
        text=entry.text,
        failed=entry.failed,
        state=entry.state,
        attempt=attempt_of(entry.attempt) if entry.attempt else None,
        unit_name=entry.unit,
        unit_run=run_of(entry.run) if entry.run else None,
        line=line_of(entry.line) if entry.line else None,
        log=log_of(entry.log) if entry.log else None,
        record=record_of(entry.record) if entry.record else None,
        audit_entry=entry_of(entry.audit) if entry.audit else None,
    )


def _gap(gap: domain.Gap) -> TimelineGap:
    return TimelineGap(kinds=list(gap.kinds), code=gap.reason.code, reason=gap.reason.message)
