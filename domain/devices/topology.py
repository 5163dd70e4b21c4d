"""The topology: hubs, devices and empty ports of the station as one tree (contract devices
sections 7.2, 7.4)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from domain.devices.usb_tree import UsbBus, UsbDevice, UsbTree

SERVER = "server"
ROOT_HUB = "0"
NO_DEVICE = UsbDevice("")


class NodeKind(Enum):
    """What a node is."""

    SERVER = "server"
    HUB = "hub"
    DEVICE = "device"
    PLACEHOLDER = "placeholder"


@dataclass(frozen=True, slots=True)
class Node:
    """A place in the tree. `id` is `server` or a USB path; `parent_id` is None for `server` alone.

    `usb` is what is plugged in; without any facts for the server and for placeholders, which are
    ports that are known and empty.
    """

    id: str
    parent_id: str | None
    kind: NodeKind
    usb: UsbDevice = NO_DEVICE


@dataclass(frozen=True, slots=True)
class CompanionPair:
    """The two buses of one controller: the USB 2 half, the USB 3 half and the ports of that."""

    usb2_bus: int
    usb3_bus: int
    usb3_ports: int


def nodes_of(tree: UsbTree) -> dict[str, Node]:
    """Returns all nodes by id, in the order of their ports: devices, hubs, and a placeholder for
    each port of a hub that holds nothing. Root hubs are hidden; their ports hang on the server."""
    nodes = [Node(SERVER, None, NodeKind.SERVER)]
    for path, device in tree.devices.items():
        if not _is_root_hub(path):
            kind = NodeKind.HUB if device.is_hub else NodeKind.DEVICE
            nodes.append(Node(path, parent_of(path), kind, device))
        empty = (port for port in _ports_of(device) if port not in tree.devices)
        nodes.extend(Node(port, parent_of(port), NodeKind.PLACEHOLDER) for port in empty)
    return {node.id: node for node in sorted(nodes, key=lambda node: port_order(node.id))}


def companion_pairs(buses: Iterable[UsbBus]) -> tuple[CompanionPair, ...]:
    """Returns the pairs of buses, by the number of the USB 2 half.

    Buses belong together when their controller is the same; where one has several halves of a
    kind, they are paired in the order of their numbers.
    """
    controllers: dict[str, list[UsbBus]] = {}
    for bus in sorted(buses, key=lambda bus: bus.number):
        controllers.setdefault(bus.controller, []).append(bus)
    pairs = [
        CompanionPair(slow.number, fast.number, fast.ports)
        for halves in controllers.values()
        for slow, fast in zip(
            [bus for bus in halves if not bus.is_super_speed],
            [bus for bus in halves if bus.is_super_speed],
            strict=False,
        )
    ]
    return tuple(sorted(pairs, key=lambda pair: pair.usb2_bus))


def parent_of(path: str) -> str:
    """Returns the id of the node that a USB path hangs on."""
    above, dot, _ = path.rpartition(".")
    return above if dot else SERVER


def port_below(hub: str, number: int) -> str:
    """Returns the USB path of a hub's port; the hub `B-0` is a root hub."""
    bus, _, place = hub.partition("-")
    return f"{bus}-{number}" if place == ROOT_HUB else f"{hub}.{number}"


def port_order(path: str) -> tuple[int, ...]:
    """Returns what sorts USB paths as people count: port 2 before port 10, the server first."""
    return tuple(int(part) for part in re.findall(r"\d{1,9}", path))


def children_of(nodes: Mapping[str, Node]) -> dict[str, list[str]]:
    """Returns the ids of each hub's ports, root hubs as `B-0`."""
    children: dict[str, list[str]] = {}
    for node in nodes.values():
        if node.kind is not NodeKind.SERVER:
            hub = node.parent_id
            if hub is None or hub == SERVER:
                hub = f"{node.id.partition('-')[0]}-{ROOT_HUB}"
            children.setdefault(hub, []).append(node.id)
    return children


def _ports_of(device: UsbDevice) -> list[str]:
    if not device.is_hub:
        return []
    return [port_below(device.path, number) for number in range(1, device.ports + 1)]


def _is_root_hub(path: str) -> bool:
    return path.partition("-")[2] == ROOT_HUB
