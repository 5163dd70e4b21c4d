"""What people and programs ask about devices."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from domain.caller import Role
from domain.devices.device_filters import EVERY_DEVICE, DeviceFilter, DeviceView
from domain.devices.live_topology import LiveNode, TopologyChanged
from domain.devices.plugged_boards import find_plugged
from domain.devices.projection import Device
from domain.devices.states import StateRow
from domain.devices.status_following import DeviceFrame, watch_devices
from domain.events import Update
from domain.paging import Page, PageRequest
from resolvers.operation import Call, Effect, operation, watch


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.devices")
async def list_devices(
    call: Call, *, page: PageRequest, wanted: DeviceFilter = EVERY_DEVICE
) -> Page[DeviceView]:
    """Returns a page of the wanted boards, the one that changed last first."""
    return await call.station.statuses.list_page(page, wanted)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.device")
async def get_device(call: Call, *, serial: str | None, port: str | None) -> DeviceView:
    """Returns one board by either of its serials, or the one last seen at a port."""
    return await call.station.statuses.get(serial=serial, port=port)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.device")
async def find_plugged_board(call: Call, *, board: Device) -> LiveNode | None:
    """Returns a board where it is plugged in now, None where it is not."""
    return find_plugged(call.station.usb.current, board)


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


@watch(role=Role.VIEWER, graphql="Subscription.deviceChanges")
def watch_boards(
    call: Call, *, serial: str | None, port: str | None, most: int
) -> AsyncGenerator[Update[DeviceFrame], None]:
    """Yields the boards that changed last, then those that change."""
    station = call.station
    return watch_devices(
        station.hub,
        station.statuses,
        serial=serial,
        port=port,
        most=most,
        places=(TopologyChanged,),
    )
