"""What people and programs ask about labels."""

from datetime import UTC, datetime

from domain.caller import Role
from domain.paging import Page, PageRequest
from domain.verification.scans import Scan, ScanFilter
from domain.verification.verification import Verdict
from resolvers.operation import Call, Effect, operation


@operation(role=Role.OPERATOR, effect=Effect.CHANGE, graphql="Mutation.verifyQrCode")
async def verify_label(call: Call, *, code: str) -> Verdict:
    """Returns what is known of a label, and keeps the scan."""
    place = await call.station.records.place()
    call.file_access("READ", place.path, success=place.present)
    now = datetime.now(UTC)
    return await call.station.verification.verify(code, caller=call.caller, now=now)


@operation(role=Role.OPERATOR, effect=Effect.READ, graphql="Query.qrScans")
async def page_scans(
    call: Call, *, wanted: ScanFilter, page: PageRequest, counted: bool
) -> Page[Scan]:
    """Returns a page of the scans, the newest first."""
    return await call.station.verification.page(wanted, page, counted=counted)


@operation(role=Role.VIEWER, effect=Effect.UNRECORDED, graphql="Mutation.verifyQrCode")
async def open_scanner(call: Call) -> None:
    """Shows the page of the scanner; it tells nothing of any board."""
    del call
