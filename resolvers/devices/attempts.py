"""What people and programs ask about attempts and about what failed."""

from domain.caller import Role
from domain.devices.attempt_keys import RecordedKey, find_key
from domain.devices.attempts import Attempt, AttemptFilter
from domain.devices.device_filters import DeviceView
from domain.paging import Page, PageRequest
from resolvers.operation import Call, Effect, operation


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.attempts")
async def list_attempts(call: Call, *, page: PageRequest, wanted: AttemptFilter) -> Page[Attempt]:
    """Returns a page of the wanted attempts, the one that began last first."""
    return await call.station.attempts.list_page(page, wanted)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.attempts")
async def list_attempts_of_board(call: Call, *, board: str, page: PageRequest) -> Page[Attempt]:
    """Returns a page of one board's attempts, the one that began last first."""
    return await call.station.attempts.of_board(board, page)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.device")
async def explain_device(call: Call, *, view: DeviceView) -> str | None:
    """Returns the line of a log that says why a board failed or stalled."""
    return await call.station.statuses.explain(view)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.attempts")
async def find_attempt_key(call: Call, *, attempt: Attempt) -> RecordedKey | None:
    """Returns the key that the attempt's manufacturing record names."""
    return await find_key(call.station.records, attempt)
