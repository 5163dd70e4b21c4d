"""What people and programs ask about devices."""

from collections.abc import AsyncIterator, Sequence

from domain.caller import Role
from domain.devices.projection import Device
from domain.devices.states import StateRow
from domain.paging import Page, PageRequest
from resolvers.operation import Call, Effect, operation


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.devices")
async def list_devices(call: Call, *, page: PageRequest) -> Page[Device]:
    """Returns a page of boards, the one that changed last first."""
    return await call.station.devices.list_page(page)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.device")
async def get_device(call: Call, *, serial: str | None, port: str | None) -> Device:
    """Returns one board by either of its serials, or the one last seen at a port."""
    return await call.station.devices.get(serial=serial, port=port)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.stateRows")
async def list_state_rows(call: Call) -> AsyncIterator[Sequence[StateRow]]:
    """Returns every state row in batches, newest first."""
    return call.station.devices.history()


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.stateRows")
async def page_state_rows(call: Call, *, page: PageRequest) -> Page[StateRow]:
    """Returns a page of the state rows as they were written, oldest first."""
    return await call.station.devices.rows_page(page)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.latestStateRow")
async def get_latest_state_row(call: Call, *, identifier: str) -> StateRow:
    """Returns the newest row whose serial, else whose port, is exactly `identifier`."""
    return await call.station.devices.latest_row(identifier)
