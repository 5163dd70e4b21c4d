"""What people and programs ask about everything that happened to one board."""

from domain.caller import Role
from domain.manufacturing.filters import NEWEST_FIRST, find_board_filter
from domain.manufacturing.record import ManufacturingRecord
from domain.paging import Page, PageRequest
from domain.services.states import Service
from domain.timeline.entries import TimelineKind
from domain.timeline.timeline import TimelinePage
from resolvers.audit import page_audit_entries
from resolvers.manufacturing import page_records
from resolvers.operation import Call, Effect, operation


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.device")
async def page_timeline(
    call: Call, *, board: str, page: PageRequest, kinds: frozenset[TimelineKind] | None
) -> TimelinePage:
    """Returns a page of what happened to a board, of all kinds if None are named; what the audit
    log tells only for those who may read it, and not to others who name it."""
    wanted = frozenset(TimelineKind) if kinds is None else kinds
    if call.caller.role < page_audit_entries.policy.role:
        if kinds is not None and TimelineKind.AUDITED in kinds:
            call.caller.require(page_audit_entries.policy.role)
        wanted -= {TimelineKind.AUDITED}
    return await call.station.timeline.page(board, page, kinds=wanted)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.device")
async def list_units_of_board(call: Call, *, board: str) -> list[Service]:
    """Returns the units that work, or worked, on a board."""
    return await call.station.timeline.list_units(board)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.device")
async def page_records_of_board(
    call: Call, *, serial: str, page: PageRequest, counted: bool
) -> Page[ManufacturingRecord]:
    """Returns a page of a board's manufacturing records, the newest first."""
    wanted = find_board_filter(serial)
    if wanted is None:
        return Page((), (), has_next=False, has_previous=False, total=0)
    return await page_records.perform(
        call, wanted=wanted, order=NEWEST_FIRST, page=page, counted=counted
    )
