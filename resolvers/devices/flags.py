"""What people and programs ask about the flags of devices, and change of them."""

from collections.abc import AsyncGenerator

from domain.caller import Role
from domain.devices.flag_kinds import flag_order
from domain.devices.flag_states import DeviceFlags, Flag
from domain.events import Update
from domain.paging import Page, PageRequest
from resolvers.operation import Call, Effect, operation, watch


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.deviceFlags")
async def get_device_flags(call: Call, *, identifier: str) -> DeviceFlags:
    """Returns all flags of one device."""
    return await call.station.flags.get(identifier)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.flags")
async def list_flags(call: Call, *, page: PageRequest) -> Page[Flag]:
    """Returns a page of the flags that are set on this station."""
    return await call.station.flags.list_page(page)


@operation(role=Role.OPERATOR, effect=Effect.CHANGE, graphql="Mutation.setDeviceFlag")
async def set_device_flag(
    call: Call, *, identifier: str, flag: str, mode: str, unseen: bool
) -> DeviceFlags:
    """Sets a flag of a device or takes it away, and returns all its flags; `unseen` allows serials
    that the station has not seen."""
    kind, wanted = flag_order(flag, mode)
    return await call.station.flags.set(
        identifier, kind, wanted, unseen=unseen, caller=call.caller, note=call.file_access
    )


@watch(role=Role.VIEWER, graphql="Subscription.flagChanges")
def watch_flags(call: Call) -> AsyncGenerator[Update[list[Flag]], None]:
    """Yields all flags that are set, then each one that changes."""
    return call.station.flags.watch()
