"""The legacy WebSocket of the topology (contract devices section 7)."""

import time
from collections import OrderedDict
from collections.abc import AsyncGenerator

from domain.devices.live_topology import LiveNode, LiveTopology
from domain.devices.topology import NodeKind
from domain.events import Update
from resolvers.devices.topology import watch_topology
from rest_compat.errors import json_bytes
from rest_compat.route import Json
from rest_compat.sockets import SocketRoute, Told, pushed

MOST_TEXTS = 8


class TopologyTexts:
    """Frames as text, each made once for all sockets."""

    def __init__(self) -> None:
        self._made: OrderedDict[tuple[int, tuple[str, ...]], _Made] = OrderedDict()

    async def frames(
        self, updates: AsyncGenerator[Update[LiveTopology], None]
    ) -> AsyncGenerator[str, None]:
        """Yields a frame for each update that shows here; `removed` is against the one before of
        this socket."""
        before: _Made | None = None
        async for update in updates:
            made = self._make(update.value, before.topology if before else None)
            # A port's name, say, is no part of this message.
            if before is None or made.content != before.content:
                yield made.text
                before = made

    def _make(self, topology: LiveTopology, before: LiveTopology | None) -> "_Made":
        removed = () if before is None else tuple(set(before.nodes) - set(topology.nodes))
        # A topology in here is kept alive, so its id is nobody else's.
        key = (id(topology), tuple(sorted(removed)))
        if key not in self._made:
            self._made[key] = _Made(topology, message(topology), removed=key[1])
            while len(self._made) > MOST_TEXTS:
                self._made.popitem(last=False)
        return self._made[key]


class _Made:
    """One frame: its content without what differs each time, and all of it as text."""

    __slots__ = ("content", "text", "topology")

    def __init__(
        self, topology: LiveTopology, told: dict[str, Json], *, removed: tuple[str, ...]
    ) -> None:
        self.topology = topology
        self.content = json_bytes(told)
        told |= {"timestamp": time.time_ns() // 1_000_000}
        told |= {"removed": list(removed)} if removed else {}
        self.text = json_bytes(told).decode() + "\n"


def message(topology: LiveTopology) -> dict[str, Json]:
    """Returns the one message of this socket (contract devices 7.1), without `timestamp` and
    `removed`."""
    told: dict[str, Json] = {
        "type": "topology",
        "nodes": [node(topology.nodes[id]) for id in sorted(topology.nodes)],
        "usbPortRules": list(topology.patterns),
        "usbPortRestrictionActive": bool(topology.patterns),
    }
    if topology.companions:
        told["companionPairs"] = [
            {"hsBus": pair.usb2_bus, "ssBus": pair.usb3_bus, "ssPortCount": pair.usb3_ports}
            for pair in topology.companions
        ]
    return told


def node(live: LiveNode) -> dict[str, Json]:
    """Returns a node with the members that it has (contract devices 7.2): a placeholder few, and
    none that is empty."""
    kind = live.node.kind
    told: dict[str, Json] = {
        "id": live.id,
        "parentId": live.node.parent_id,
        "isHub": kind in (NodeKind.HUB, NodeKind.SERVER),
    }
    if kind is NodeKind.SERVER:
        return told | {"vendor": "Provisioner", "product": "Server"}
    told["portPermitted"] = live.is_permitted
    if kind is NodeKind.PLACEHOLDER:
        return told | {"placeholder": True}
    return told | {name: value for name, value in _facts(live).items() if value}


def _facts(live: LiveNode) -> dict[str, Json]:
    usb, facts = live.node.usb, live.facts
    return {
        "vendor": usb.vendor,
        "product": usb.product,
        "productName": usb.product_name,
        "serial": live.serial,
        "state": facts.state,
        "image": facts.image,
        "ip": facts.ip_address,
        "model": facts.model,
        "modelGen": facts.generation,
        "boardType": facts.board_type,
        "speed": usb.speed,
    }


SOCKETS: tuple[SocketRoute, ...] = (
    SocketRoute(
        path="/ws/devices",
        summary="The whole topology at once and after each change; what the client says is "
        "ignored.",
        contract="devices 7",
        serves=pushed(watch_topology, TopologyTexts().frames),
        tells=(
            Told(
                "the topology, at once and after each change",
                (
                    "type",
                    "nodes",
                    "usbPortRules",
                    "usbPortRestrictionActive",
                    "companionPairs",
                    "timestamp",
                    "removed",
                ),
            ),
        ),
    ),
)
