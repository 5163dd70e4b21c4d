"""Occupancy: since when what is plugged in is there, and when each port was last seen empty."""

from collections.abc import Mapping
from datetime import UTC, datetime

from domain.devices.boards import is_target
from domain.devices.joining import Since, real_serial
from domain.devices.presence import Plugged
from domain.devices.topology import Node, NodeKind
from domain.serials import same_board

ANY_ROW = -(2**63)


class Occupancy:
    """What was seen in the ports, scan by scan. Belongs to the event loop."""

    def __init__(self) -> None:
        self.plugged: Mapping[str, Plugged] = {}
        self.emptied: Mapping[str, Since] = {}
        self._nodes: Mapping[str, Node] = {}
        self._last: Since | None = None

    def see(self, nodes: Mapping[str, Node], now: Since) -> None:
        """Takes one scan: the nodes, when it began, and the last row that was written by then."""
        devices = {id: node for id, node in nodes.items() if node.kind is NodeKind.DEVICE}
        emptied = dict(self.emptied)
        empty = (id for id, node in nodes.items() if node.kind is NodeKind.PLACEHOLDER)
        emptied.update(dict.fromkeys(empty, now))
        # Behind a hub that went, ports go with their boards: those boards are gone as well.
        emptied.update(dict.fromkeys(self._nodes.keys() - devices.keys(), now))
        replaced = [id for id in devices if self._is_replaced(id, devices[id])]
        # It was empty between two scans; from the first of them on rows may be the newcomer's.
        emptied.update(dict.fromkeys(replaced, self._last or now))
        self.plugged = {
            id: self._plugged(node, now, is_new=id in replaced) for id, node in devices.items()
        }
        self.emptied, self._nodes, self._last = emptied, devices, now

    def forget_rows(self) -> None:
        """Forgets which rows were there: another database took the place of the one before."""
        self.emptied = {id: Since(since.at, ANY_ROW) for id, since in self.emptied.items()}

    def _is_replaced(self, id: str, node: Node) -> bool:
        before = self._nodes.get(id)
        if before is None or before.usb.number == node.usb.number:
            return False
        # A board comes back under a new number and with a longer serial on its way to fastboot.
        return not same_board(real_serial(before), real_serial(node))

    def _plugged(self, node: Node, now: Since, *, is_new: bool) -> Plugged:
        known = self.plugged.get(node.id)
        since = known.since if known else now.at if self._last else None
        usb = node.usb
        return Plugged(
            port=node.id,
            serial=real_serial(node) or None,
            target=is_target(usb.vendor, usb.product, usb.manufacturer),
            since=now.at if is_new else since,
        )


NEVER = Since(datetime.min.replace(tzinfo=UTC), ANY_ROW)
"""Before every row."""
