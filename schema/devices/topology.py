"""The live topology as GraphQL clients ask for it, watch it and change it."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated

import strawberry

from domain.devices.live_topology import LiveTopology
from domain.devices.live_topology import TopologyChange as Change
from domain.events import Update
from resolvers.devices.topology import (
    get_port,
    get_topology,
    name_port,
    rescan_usb,
    watch_topology_changes,
)
from schema.context import Info, who
from schema.devices.topology_types import (
    CompanionPair,
    Port,
    TopologyNode,
    node_of,
    pair_of,
    port_of,
)
from schema.errors import Problem, Problems


@strawberry.type(description="Everything that is plugged into the station, and every empty port.")
class Topology:
    """The topology at one moment."""

    sequence: int = strawberry.field(
        description="The place in the order of events; frames of `topologyChanges` with a greater "
        "one are newer."
    )
    scanned_at: datetime | None = strawberry.field(
        description="When USB was last looked at; null before the first time."
    )
    problem: str | None = strawberry.field(
        description="Why USB cannot be looked at, so that this is what was last seen; else null."
    )
    nodes: list[TopologyNode] = strawberry.field(
        description="The tree as the kernel shows it, in the order of the paths; the server first."
    )
    ports: list[Port] = strawberry.field(description="The sockets, in the order of their paths.")
    companion_pairs: list[CompanionPair] = strawberry.field(
        description="Which buses are the two halves of one controller."
    )
    port_patterns: list[str] = strawberry.field(
        description="The patterns of the port rules that count; see `portRules` for their files."
    )
    restricted: bool = strawberry.field(
        description="Whether there are port rules; without any, every port is permitted."
    )


@strawberry.type(
    description="What changed of the topology. Each node and port replaces the one with its id."
)
class TopologyChange:
    """One frame of `topologyChanges`."""

    sequence: int = strawberry.field(description="Grows with each frame; gaps are normal.")
    snapshot: bool = strawberry.field(
        description="True for the first frame, and after the client was too slow: then this is "
        "everything, and what is not in it is gone."
    )
    nodes: list[TopologyNode] = strawberry.field(description="New nodes, and those that changed.")
    removed_nodes: list[strawberry.ID] = strawberry.field(
        description="Nodes that are gone. A port that became empty is a placeholder instead."
    )
    ports: list[Port] = strawberry.field(description="New ports, and those that changed.")
    removed_ports: list[strawberry.ID] = strawberry.field(description="Ports that are gone.")
    companion_pairs: list[CompanionPair] | None = strawberry.field(
        description="All pairs of buses; null while they are as before."
    )
    port_patterns: list[str] | None = strawberry.field(
        description="All patterns of the port rules that count; null while they are as before."
    )
    problem: str | None = strawberry.field(
        description="Why USB cannot be looked at, empty when it can be again; null while that is "
        "as before."
    )


@strawberry.input(description="What a port is called.")
class NamePortInput:
    """Input of `namePort`."""

    port: strawberry.ID = strawberry.field(description="The port's id, or either of its paths.")
    name: str = strawberry.field(
        description="At most 40 printable characters, which no other port has; an empty text "
        "takes the name away."
    )


@strawberry.type(description="The port has its name, or none any more.")
class PortNamed:
    """Success of `namePort`."""

    id: strawberry.ID = strawberry.field(description="The port's id.")
    name: str | None = strawberry.field(description="Its name; null if it was taken away.")
    port: Port | None = strawberry.field(
        description="The port; null while the hub that it belongs to is not plugged in."
    )


@strawberry.type(description="USB was looked at again.")
class UsbRescanned:
    """Success of `rescanUsb`."""

    topology: Topology = strawberry.field(description="What is plugged in now.")


NamePortResult = Annotated[
    PortNamed | Problem,
    strawberry.union("NamePortResult", description="The named port, or why it was not named."),
]
RescanUsbResult = Annotated[
    UsbRescanned | Problem,
    strawberry.union("RescanUsbResult", description="What is plugged in, or why nobody can look."),
]


def _topology(update: Update[LiveTopology]) -> Topology:
    value = update.value
    return Topology(
        sequence=update.sequence,
        scanned_at=value.scanned_at,
        problem=value.problem or None,
        nodes=[node_of(node) for node in value.nodes.values()],
        ports=[port_of(port) for port in value.ports.values()],
        companion_pairs=[pair_of(pair) for pair in value.companions],
        port_patterns=list(value.patterns),
        restricted=bool(value.patterns),
    )


def _change(update: Update[Change]) -> TopologyChange:
    change = update.value
    pairs, patterns = change.companions, change.patterns
    return TopologyChange(
        sequence=update.sequence,
        snapshot=update.snapshot,
        nodes=[node_of(node) for node in change.nodes],
        removed_nodes=[strawberry.ID(id) for id in change.removed_nodes],
        ports=[port_of(port) for port in change.ports],
        removed_ports=[strawberry.ID(id) for id in change.removed_ports],
        companion_pairs=None if pairs is None else [pair_of(pair) for pair in pairs],
        port_patterns=None if patterns is None else list(patterns),
        problem=change.problem,
    )


@strawberry.type
class TopologyQueries:
    """Root fields about USB."""

    @strawberry.field(description="What is plugged in where, and every empty port.")
    async def topology(self, info: Info) -> Topology:
        """Resolves the topology."""
        return _topology(await get_topology(*who(info)))

    @strawberry.field(description="One port, by its id or either of its USB paths.")
    async def port(
        self,
        info: Info,
        id: Annotated[
            strawberry.ID,
            strawberry.argument(description="The port's id, or either of its paths."),
        ],
    ) -> Port:
        """Resolves one port."""
        return port_of(await get_port(*who(info), port=id))


@strawberry.type
class TopologyMutations:
    """Changes about USB."""

    @strawberry.mutation(
        description="Names a port, such as a head of the jig (role engineer).",
        extensions=[Problems()],
    )
    async def name_port(self, info: Info, input: NamePortInput) -> NamePortResult:
        """Names a port."""
        named = await name_port(*who(info), port=input.port, name=input.name)
        return PortNamed(
            id=strawberry.ID(named.id),
            name=named.name,
            port=port_of(named.port) if named.port else None,
        )

    @strawberry.mutation(
        description="Looks at USB again without waiting for an event (role operator).",
        extensions=[Problems()],
    )
    async def rescan_usb(self, info: Info) -> RescanUsbResult:
        """Looks again."""
        return UsbRescanned(topology=_topology(await rescan_usb(*who(info))))


@strawberry.type
class TopologySubscriptions:
    """What one can watch of USB."""

    @strawberry.subscription(
        description="Everything that is plugged in, then what changes: plugging, states, names "
        "and rules. A client that comes back gets everything again."
    )
    async def topology_changes(self, info: Info) -> AsyncGenerator[TopologyChange, None]:
        """Yields frames."""
        updates = watch_topology_changes(*who(info))
        try:
            async for update in updates:
                yield _change(update)
        finally:
            await updates.aclose()
