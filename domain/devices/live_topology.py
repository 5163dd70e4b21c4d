"""The live topology: the USB tree with what is known of each board, and what changed of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from domain.devices.boards import is_target
from domain.devices.joining import NO_FACTS, Facts, real_serial
from domain.devices.topology import CompanionPair, Node, NodeKind
from domain.events import Event

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LiveNode:
    """A node of the tree and what is known of it; `is_permitted` is what the port rules say of
    its USB path."""

    node: Node
    is_permitted: bool
    facts: Facts = NO_FACTS

    @property
    def id(self) -> str:
        """The node's id."""
        return self.node.id

    @property
    def serial(self) -> str:
        """The serial that it tells; the empty text where that names no board."""
        return real_serial(self.node)

    @property
    def is_target(self) -> bool:
        """Whether this is a board that the station works on, as opposed to a keyboard."""
        usb = self.node.usb
        is_device = self.node.kind is NodeKind.DEVICE
        return is_device and is_target(usb.vendor, usb.product, usb.manufacturer)


class PortContents(StrEnum):
    """What is plugged into a port."""

    EMPTY = "EMPTY"
    HUB = "HUB"
    BOARD = "BOARD"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Port:
    """One socket of the station or of a hub, with both its halves.

    `hub_id` is the port of the hub that it belongs to, None for the station's own. `occupant` is
    what is plugged in, the faster half of a hub; None while the port is empty. `is_permitted` is
    for the path that is in use, of an empty port for the one that boards would get.
    """

    id: str
    usb2_path: str | None
    usb3_path: str | None
    hub_id: str | None
    name: str | None
    is_permitted: bool
    occupant: LiveNode | None

    @property
    def contents(self) -> PortContents:
        """What is plugged in, in one word."""
        if self.occupant is None:
            return PortContents.EMPTY
        if self.occupant.node.kind is NodeKind.HUB:
            return PortContents.HUB
        is_board = self.occupant.is_target or self.occupant.facts.state
        return PortContents.BOARD if is_board else PortContents.OTHER

    @property
    def speed(self) -> int:
        """The connection's speed in Mbit/s, 0 while empty or unknown."""
        return self.occupant.node.usb.speed if self.occupant else 0


@dataclass(frozen=True, slots=True)
class LiveTopology:
    """All of it at one moment. Nodes and ports are by id, in the order of their numbers.

    `patterns` are those of the port rules that count. `problem` says why the USB tree cannot be
    read, empty when it can; then the rest is what was last seen. `scanned_at` is UTC, None before
    the first scan; a difference in it alone is none.
    """

    nodes: Mapping[str, LiveNode] = field(default_factory=dict)
    ports: Mapping[str, Port] = field(default_factory=dict)
    companions: tuple[CompanionPair, ...] = ()
    patterns: tuple[str, ...] = ()
    problem: str = ""
    scanned_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class TopologyChange:
    """What is another way than before; None where nothing of that kind is.

    `nodes` and `ports` are whole values in place of those with the same ids.
    """

    nodes: tuple[LiveNode, ...]
    removed_nodes: tuple[str, ...]
    ports: tuple[Port, ...]
    removed_ports: tuple[str, ...]
    companions: tuple[CompanionPair, ...] | None
    patterns: tuple[str, ...] | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class TopologyChanged(Event):
    """Something was plugged in or out, or more or else is known of it, or the rules changed."""

    change: TopologyChange


NOTHING = LiveTopology()


def change_between(before: LiveTopology, after: LiveTopology) -> TopologyChange:
    """Returns what leads from one topology to the other."""
    return TopologyChange(
        nodes=_changed(before.nodes, after.nodes),
        removed_nodes=_removed(before.nodes, after.nodes),
        ports=_changed(before.ports, after.ports),
        removed_ports=_removed(before.ports, after.ports),
        companions=after.companions if after.companions != before.companions else None,
        patterns=after.patterns if after.patterns != before.patterns else None,
        problem=after.problem if after.problem != before.problem else None,
    )


def whole_of(topology: LiveTopology) -> TopologyChange:
    """Returns everything as one change, for who knows nothing yet."""
    return TopologyChange(
        nodes=tuple(topology.nodes.values()),
        removed_nodes=(),
        ports=tuple(topology.ports.values()),
        removed_ports=(),
        companions=topology.companions,
        patterns=topology.patterns,
        problem=topology.problem,
    )


def _changed(before: Mapping[str, T], after: Mapping[str, T]) -> tuple[T, ...]:
    return tuple(value for id, value in after.items() if before.get(id) != value)


def _removed(before: Mapping[str, T], after: Mapping[str, T]) -> tuple[str, ...]:
    return tuple(id for id in before if id not in after)
