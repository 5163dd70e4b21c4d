"""Port places: the sockets of the station, each with the paths that USB 2 and USB 3 give it.

A USB 3 socket and a USB 3 hub have two halves, and the kernel shows each half as a port or a hub of
its own. Halves belong together by the kernel's own links where it has them, else by number, as the
USB 3.2 specification (section 10.1) has it for hubs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.devices.topology import (
    ROOT_HUB,
    CompanionPair,
    Node,
    NodeKind,
    children_of,
    port_below,
    port_order,
)
from domain.devices.usb_tree import UsbTree

ONBOARD_HUB = ("2109", "3431")
"""The USB 2 half of a Raspberry Pi 4's four sockets: a hub at the only port of that bus, while the
USB 3 half of the sockets are the ports of the other bus itself."""


@dataclass(frozen=True, slots=True)
class PortPlace:
    """One socket. At least one of the paths is there; `id` is the USB 2 path where there is one,
    since boards are taken over USB 2. `hub_id` is the place of the hub that it belongs to, None
    for a socket of the station itself."""

    id: str
    usb2_path: str | None
    usb3_path: str | None
    hub_id: str | None


Halves = tuple[str | None, str | None]


class PortPlaces:
    """Finds the places of one tree."""

    def __init__(
        self, nodes: Mapping[str, Node], tree: UsbTree, pairs: Sequence[CompanionPair]
    ) -> None:
        self._nodes = nodes
        self._tree = tree
        self._pairs = pairs
        self._children = children_of(nodes)
        self._onboard = dict(self._onboard_hubs())

    def all(self) -> dict[str, PortPlace]:
        """Returns the places by id, in the order of their ports."""
        found = [place for halves in self._roots() for place in self._at(halves, hub_id=None)]
        return {place.id: place for place in sorted(found, key=lambda place: port_order(place.id))}

    def _at(self, halves: Halves, *, hub_id: str | None) -> Iterator[PortPlace]:
        usb2, usb3 = halves
        if usb2 and usb3 and not self._may_be_one(usb2, usb3):
            yield from self._at((usb2, None), hub_id=hub_id)
            yield from self._at((None, usb3), hub_id=hub_id)
            return
        id = usb2 or usb3 or ""
        yield PortPlace(id, usb2, usb3, hub_id)
        for below in self._below(usb2, usb3):
            yield from self._at(below, hub_id=id)

    def _may_be_one(self, usb2: str, usb3: str) -> bool:
        """Whether two ports can be one socket: a hub shows in both halves, a device in one."""
        kinds = {self._nodes[usb2].kind, self._nodes[usb3].kind}
        return NodeKind.PLACEHOLDER in kinds or kinds == {NodeKind.HUB}

    def _below(self, usb2: str | None, usb3: str | None) -> Iterator[Halves]:
        """Yields the ports of the hub at a place; its halves have the same numbers."""
        hub2 = usb2 if usb2 and self._nodes[usb2].kind is NodeKind.HUB else None
        hub3 = usb3 if usb3 and self._nodes[usb3].kind is NodeKind.HUB else None
        hub3 = hub3 or self._onboard.get(hub2 or "")
        ports2 = self._numbered(hub2)
        ports3 = self._numbered(hub3)
        for number in sorted(ports2.keys() | ports3.keys()):
            yield ports2.get(number), ports3.get(number)

    def _numbered(self, hub: str | None) -> dict[int, str]:
        return {port_order(port)[-1]: port for port in self._children.get(hub or "", ())}

    def _roots(self) -> Iterator[Halves]:
        paired: set[str] = set()
        for pair in self._pairs:
            for halves in self._root_halves(pair):
                paired |= {path for path in halves if path}
                yield halves
        fast = {bus.number for bus in self._tree.buses if bus.is_super_speed}
        hidden = {port for hub in self._onboard.values() for port in self._children.get(hub, ())}
        for hub, ports in self._children.items():
            bus, _, place = hub.partition("-")
            if place != ROOT_HUB:
                continue
            for port in ports:
                if port not in paired | hidden:
                    yield (None, port) if int(bus) in fast else (port, None)

    def _root_halves(self, pair: CompanionPair) -> Iterator[Halves]:
        ports2 = self._children.get(f"{pair.usb2_bus}-{ROOT_HUB}", [])
        root3 = f"{pair.usb3_bus}-{ROOT_HUB}"
        if root3 in self._onboard.values():
            return
        ports3 = set(self._children.get(root3, []))
        links = self._links(pair)
        for port in ports2:
            other = links.get(port) if links else port_below(root3, port_order(port)[-1])
            if other in ports3:
                yield port, other

    def _links(self, pair: CompanionPair) -> dict[str, str]:
        """Returns what the kernel itself says of a pair: USB 2 path to USB 3 path."""
        links: dict[str, str] = {}
        for bus in self._tree.buses:
            for port, other_bus, other_port in bus.peers:
                one, other = f"{bus.number}-{port}", f"{other_bus}-{other_port}"
                if (bus.number, other_bus) == (pair.usb2_bus, pair.usb3_bus):
                    links[one] = other
                elif (bus.number, other_bus) == (pair.usb3_bus, pair.usb2_bus):
                    links[other] = one
        return links

    def _onboard_hubs(self) -> Iterator[tuple[str, str]]:
        for pair in self._pairs:
            ports = self._children.get(f"{pair.usb2_bus}-{ROOT_HUB}", [])
            hub = self._nodes[ports[0]].usb if len(ports) == 1 else None
            if hub is None or (hub.vendor, hub.product) != ONBOARD_HUB:
                continue
            if hub.ports == pair.usb3_ports > 1:
                yield hub.path, f"{pair.usb3_bus}-{ROOT_HUB}"
