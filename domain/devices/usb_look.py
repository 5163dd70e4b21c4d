"""A look: everything that one scan reads from the disk, already put into its shape."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.devices.board_addresses import BoardAddresses
from domain.devices.joining import Evidence, FoundAddress, facts_of, real_serial
from domain.devices.live_topology import LiveNode, LiveTopology, Port
from domain.devices.port_places import PortPlace, PortPlaces
from domain.devices.port_rules import PortRules, read_port_rules
from domain.devices.presence import Plugged
from domain.devices.topology import (
    SERVER,
    CompanionPair,
    Node,
    NodeKind,
    companion_pairs,
    nodes_of,
)
from domain.devices.usb_tree import UsbTree, UsbTreeUnreadable, read_usb_tree
from domain.host_paths import HostPaths


@dataclass(frozen=True, slots=True)
class UsbLook:
    """What was read, and when that began (UTC). `problem` says why the USB tree could not be."""

    at: datetime
    nodes: Mapping[str, Node]
    companions: tuple[CompanionPair, ...]
    places: Mapping[str, PortPlace]
    rules: PortRules
    addresses: Mapping[str, FoundAddress] = field(default_factory=dict)
    problem: str = ""

    @property
    def serials(self) -> frozenset[str]:
        """The serials of all that is plugged in and tells one."""
        devices = (node for node in self.nodes.values() if node.kind is NodeKind.DEVICE)
        return frozenset(serial for serial in map(real_serial, devices) if serial)

    def after(self, before: "UsbLook | None") -> "UsbLook":
        """Returns this look in place of the one before.

        Where the tree could not be read, what was seen before stays: it is no unplugging. Equal
        rules stay the same ones, with the decisions that they remember.
        """
        if before is None:
            return self
        rules = before.rules if before.rules == self.rules else self.rules
        if not self.problem:
            return replace(self, rules=rules)
        return replace(before, rules=rules, addresses=self.addresses, problem=self.problem)


class UsbLooks:
    """Takes looks at the station's files."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths
        self._addresses = BoardAddresses(paths)

    def take(self, at: datetime) -> UsbLook:
        """Returns a look without addresses. Blocks."""
        problem = ""
        try:
            tree = read_usb_tree(self._paths)
        except UsbTreeUnreadable as error:
            tree, problem = UsbTree(), error.message
        nodes, pairs = nodes_of(tree), companion_pairs(tree.buses)
        return UsbLook(
            at=at,
            nodes=nodes,
            companions=pairs,
            places=PortPlaces(nodes, tree, pairs).all(),
            rules=read_port_rules(self._paths),
            problem=problem,
        )

    def find_addresses(self, plugged: Iterable[Plugged]) -> Mapping[str, FoundAddress]:
        """Returns what logs tell of the boards that are plugged in, by serial. Blocks."""
        return self._addresses.find(plugged)


def live(look: UsbLook, evidence: Evidence, *, names: Mapping[str, str]) -> LiveTopology:
    """Returns the look with what is known of each node, and the ports with their names."""
    nodes = {node.id: _live_node(node, look.rules, evidence) for node in look.nodes.values()}
    return LiveTopology(
        nodes=nodes,
        ports={
            place.id: _port(place, nodes, look.rules, names.get(place.id))
            for place in look.places.values()
        },
        companions=look.companions,
        patterns=look.rules.patterns,
        problem=look.problem,
        scanned_at=look.at,
    )


def _live_node(node: Node, rules: PortRules, evidence: Evidence) -> LiveNode:
    is_permitted = node.id == SERVER or rules.permission(node.id).is_permitted
    return LiveNode(node, is_permitted, facts_of(node, evidence))


def _port(
    place: PortPlace, nodes: Mapping[str, LiveNode], rules: PortRules, name: str | None
) -> Port:
    halves = [nodes[path] for path in (place.usb2_path, place.usb3_path) if path]
    plugged = [half for half in halves if half.node.kind is not NodeKind.PLACEHOLDER]
    occupant = max(plugged, key=lambda half: half.node.usb.speed, default=None)
    return Port(
        id=place.id,
        usb2_path=place.usb2_path,
        usb3_path=place.usb3_path,
        hub_id=place.hub_id,
        name=name,
        is_permitted=rules.permission(occupant.id if occupant else place.id).is_permitted,
        occupant=occupant,
    )
