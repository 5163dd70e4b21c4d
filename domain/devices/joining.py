"""Joining: what the state rows and the manufacturing records tell of what is plugged in (contract
devices section 8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain.devices.boards import Traits, generation_of, is_target
from domain.devices.last_rows import LastRows
from domain.devices.projection import STAGE_NAMES
from domain.devices.stages import Stage, read_state
from domain.devices.states import StateRow
from domain.devices.topology import Node, NodeKind
from domain.manufacturing.board_records import BoardRecord
from domain.serials import board_key, is_real, same_board

NO_PORTS = (*STAGE_NAMES, "unknown-usb-path", "")
"""What rows hold in place of a USB path: such a row may be about any port."""


@dataclass(frozen=True, slots=True)
class Since:
    """From when on rows without a real serial count at a port: those after this row, written at
    or after this time (UTC, to the second, since rows have no more)."""

    at: datetime
    row_id: int

    def is_before(self, row: StateRow) -> bool:
        """Whether the row was written since."""
        if row.id <= self.row_id:
            return False
        return row.at is None or row.at >= self.at.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class FoundAddress:
    """An IP address that a log tells; `log` is that log's logical path."""

    address: str
    log: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the thing in a port beyond USB; the empty text is nothing.

    `generation` is 4 or 5, else None. `address_source` says where the address is from, or why
    there is none.
    """

    state: str = ""
    image: str = ""
    ip_address: str = ""
    address_source: str = ""
    board_type: str = ""
    model: str = ""
    generation: int | None = None


NO_FACTS = Facts()
ROW_TOLD = "The state row that the scripts wrote."
NO_ADDRESS = (
    "Neither a state row nor a log of this board names an address: boards are reached over USB, "
    "and the scripts write down no other."
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What can be told of things in ports. `records` are by `board_key`, `addresses` by serial;
    `started` is when this service began to look, `emptied` when a port was last seen empty."""

    rows: LastRows
    started: Since
    emptied: Mapping[str, Since] = field(default_factory=dict)
    records: Mapping[str, BoardRecord] = field(default_factory=dict)
    addresses: Mapping[str, FoundAddress] = field(default_factory=dict)


def facts_of(node: Node, evidence: Evidence) -> Facts:
    """Returns what is known of one node; hubs tell their product's name alone, and placeholders
    nothing."""
    if node.kind is NodeKind.HUB:
        return Facts(model=node.usb.product_name)
    if node.kind is not NodeKind.DEVICE:
        return NO_FACTS
    serial = real_serial(node)
    row = applied_row(node, evidence)
    record = _record_of(serial, evidence)
    board_type = _board_type(serial, row, evidence)
    image = (row.image if row else "") or (record.image if record else "")
    processor = record.processor if record else ""
    model = (record.boardname if record else "") or node.usb.product_name or processor
    address, source = _address(serial, row, evidence)
    usb = node.usb
    traits = Traits(board_type, processor, model, usb.vendor, usb.product, usb.product_name, image)
    return Facts(
        state=row.state if row else "",
        image=image,
        ip_address=address,
        address_source=source,
        board_type=board_type,
        model=model,
        generation=generation_of(traits),
    )


def real_serial(node: Node) -> str:
    """Returns the serial that the device itself tells; the empty text where that names no board
    (`Broadcom`, contract devices Q23)."""
    return node.usb.serial if is_real(node.usb.serial) else ""


def applied_row(node: Node, evidence: Evidence) -> StateRow | None:
    """Returns the row whose state is the node's, None where no row is about it.

    The newest row at the port, unless it is another board's or from before the board came; else
    the board's own newest row, wherever it was. A newer row of the board that names no port, such
    as that of an excluded port (Q3), goes before the port's.
    """
    serial = real_serial(node)
    at_port = evidence.rows.at(node.id)
    if at_port is not None and not _is_about(at_port, node, evidence):
        at_port = None
    own = evidence.rows.of_board(serial) if serial else _row_of_device_node(node, evidence)
    if at_port is None or own is None:
        return at_port or own
    return own if own.id > at_port.id and own.endpoint in NO_PORTS else at_port


def _is_about(row: StateRow, node: Node, evidence: Evidence) -> bool:
    """Whether a row at the node's port is about what is in it now."""
    serial, emptied = real_serial(node), evidence.emptied.get(node.id)
    if not is_real(row.serial):
        return (emptied or evidence.started).is_before(row)
    if serial:
        return same_board(row.serial, serial)
    # A board that tells no serial may be the one that the row names; a keyboard cannot be.
    usb = node.usb
    if not is_target(usb.vendor, usb.product, usb.manufacturer):
        return False
    return _may_be_at(row) if emptied is None else emptied.is_before(row)


def _may_be_at(row: StateRow) -> bool:
    """Whether a board without a serial, of which nobody saw when it came, may be at this row: only
    boot ROMs tell none, and after its end a board is as likely another one."""
    reading = read_state(row.state, row.endpoint)
    return reading.stage in (None, Stage.BOOTSTRAP) and not reading.ends


def _row_of_device_node(node: Node, evidence: Evidence) -> StateRow | None:
    """Returns the row that names the device's node in place of a serial, as the scripts do for a
    board that tells none; its port is then in no other place where the port is excluded."""
    row = evidence.rows.written_as(node.usb.node) if node.usb.number else None
    if row is None or row.endpoint not in NO_PORTS or not _is_about(row, node, evidence):
        return None
    return row


def _record_of(serial: str, evidence: Evidence) -> BoardRecord | None:
    record = evidence.records.get(board_key(serial)) if serial else None
    return record if record is not None and same_board(record.serial, serial) else None


def _board_type(serial: str, row: StateRow | None, evidence: Evidence) -> str:
    if row is not None and row.board_type:
        return row.board_type
    known = serial or (row.serial if row is not None and is_real(row.serial) else "")
    return evidence.rows.board_type_of(known) if known else ""


def _address(serial: str, row: StateRow | None, evidence: Evidence) -> tuple[str, str]:
    if row is not None and row.ip_address:
        return row.ip_address, ROW_TOLD
    found = evidence.addresses.get(serial)
    if found is not None:
        return found.address, f"The board told it; the scripts' log has it: {found.log}."
    return "", NO_ADDRESS
