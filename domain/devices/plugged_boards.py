"""Plugged boards: which thing in a port is a board that the rows know, and its address."""

from domain.devices.boards import Traits, generation_of
from domain.devices.joining import ROW_TOLD
from domain.devices.live_topology import LiveNode, LiveTopology
from domain.devices.projection import Device
from domain.devices.row_names import is_nameless
from domain.devices.topology import NodeKind
from domain.serials import board_key

NOT_PLUGGED_IN = (
    "No state row names an address, and the board is not plugged in: a log's address is only told "
    "of the visit that it was written on."
)


def find_plugged(topology: LiveTopology, board: Device) -> LiveNode | None:
    """Returns the board where it is plugged in now, None where it is not; of one that has told no
    serial what is in its port, as long as its rows are about that."""
    if is_nameless(board.key):
        node = topology.nodes.get(board.port or "")
        is_it = node is not None and not node.serial and node.facts.state
        return node if is_it else None
    return next((node for node in topology.nodes.values() if _is(node, board.key)), None)


def address_of(board: Device, plugged: LiveNode | None) -> tuple[str, str]:
    """Returns a board's IP address, the empty text while none is known, and where it is from or
    why there is none."""
    if board.ip_address:
        return board.ip_address, ROW_TOLD
    if plugged is None:
        return "", NOT_PLUGGED_IN
    return plugged.facts.ip_address, plugged.facts.address_source


def generation_by_rows(board: Device) -> int | None:
    """Returns 4 or 5 where the rows alone tell it: by the board type, else by the image."""
    return generation_of(Traits(board.board_type, "", "", "", "", "", board.image))


def _is(node: LiveNode, key: str) -> bool:
    is_device = node.node.kind is NodeKind.DEVICE
    return is_device and bool(node.serial) and board_key(node.serial) == key
