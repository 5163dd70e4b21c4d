"""What people and programs ask about USB: what is plugged in where, and which ports are for
boards."""

from collections.abc import AsyncGenerator

from domain.caller import Role
from domain.devices.live_topology import LiveTopology, Port, TopologyChange
from domain.devices.port_rules import Permission, PortRules
from domain.devices.usb_ports import NamedPort
from domain.events import Update
from domain.internal_token import RowsAnnounced
from resolvers.operation import Call, Effect, operation, watch


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.topology")
async def get_topology(call: Call) -> Update[LiveTopology]:
    """Returns what is plugged in where, and the place of that in the order of events."""
    topology = await call.station.usb.view()
    return Update(call.station.hub.sequence, snapshot=True, value=topology)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.port")
async def get_port(call: Call, *, port: str) -> Port:
    """Returns one port, by its id or either of its USB paths."""
    return await call.station.usb.port(port)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.portRules")
async def get_port_rules(call: Call) -> PortRules:
    """Returns the files of port rules as the station's scripts read them now."""
    return await call.station.usb.current_rules()


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.portPermitted")
async def get_port_permission(call: Call, *, port: str) -> Permission:
    """Returns whether the scripts would take a board at this USB path, and by which pattern."""
    return await call.station.usb.permission(port)


@watch(role=Role.VIEWER, graphql="Subscription.topologyChanges")
def watch_topology(call: Call) -> AsyncGenerator[Update[LiveTopology], None]:
    """Yields the whole topology now and after each change."""
    return call.station.usb.watch()


@watch(role=Role.VIEWER, graphql="Subscription.topologyChanges")
def watch_topology_changes(call: Call) -> AsyncGenerator[Update[TopologyChange], None]:
    """Yields the whole topology as one change, then what changes."""
    return call.station.usb.watch_changes()


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.namePort")
async def name_port(call: Call, *, port: str, name: str) -> NamedPort:
    """Gives a port a name, or takes it away."""
    named = await call.station.usb.name(port, name)
    told = f"port {named.id} is called {named.name}" if named.name else f"port {named.id} unnamed"
    call.file_access("WRITE", call.station.paths.service_db, info=told)
    return named


@operation(role=Role.OPERATOR, effect=Effect.READ, graphql="Mutation.rescanUsb")
async def rescan_usb(call: Call) -> Update[LiveTopology]:
    """Looks again what is plugged in, without waiting for an event, and returns it."""
    topology = await call.station.usb.rescan()
    return Update(call.station.hub.sequence, snapshot=True, value=topology)


@operation(role=Role.NOBODY, effect=Effect.UNRECORDED, graphql="Mutation.rescanUsb")
async def announce_rows(call: Call, *, token: str) -> None:
    """Takes the scripts' word that they wrote a row; raises `InternalCallRefused`."""
    call.station.internal_token.check(peer=call.caller.peer_address, token=token)
    call.station.hub.publish(RowsAnnounced())
