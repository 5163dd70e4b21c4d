"""Joining: which row is about what is plugged in (contract devices section 8, a table of cases)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.devices.joining import NO_ADDRESS, Evidence, Facts, FoundAddress, Since, facts_of
from domain.devices.last_rows import LastRows
from domain.devices.states import StateRow
from domain.devices.topology import Node, NodeKind
from domain.devices.usb_tree import UsbDevice
from domain.manufacturing.board_records import BoardRecord
from domain.serials import board_key

LONG, SHORT = "10000000a0b0c0d0", "a0b0c0d0"
OTHER, ENDS_ALIKE = "10000000ffffffff", "20000000a0b0c0d0"
NODE = "/dev/bus/usb/001/007"
START = datetime(2026, 8, 1, 10, 0, 0, 400_000, tzinfo=UTC)
BEFORE, AFTER = START - timedelta(hours=1), START + timedelta(seconds=5)
THAT_SECOND = START.replace(microsecond=0)
EMPTIED = START + timedelta(seconds=3)


def row(
    id: int,
    serial: str,
    endpoint: str = "1-1",
    *,
    at: datetime | None = AFTER,
    state: str = "",
    image: str = "",
    ip_address: str = "",
    board_type: str = "",
) -> StateRow:
    return StateRow(id, serial, endpoint, state or f"S{id}", image, ip_address, board_type, at)


def node(serial: str = "", *, vendor: str = "0a5c", product_name: str = "") -> Node:
    usb = UsbDevice("1-1", vendor, "2712", product_name, serial=serial, number=7)
    return Node("1-1", "server", NodeKind.DEVICE, usb)


def evidence(
    *rows: StateRow,
    emptied: Mapping[str, Since] | None = None,
    records: Mapping[str, BoardRecord] | None = None,
    addresses: Mapping[str, FoundAddress] | None = None,
) -> Evidence:
    last = LastRows()
    for each in rows:
        last.take(each)
    return Evidence(last, Since(START, 0), emptied or {}, records or {}, addresses or {})


@dataclass(frozen=True)
class Case:
    """A node, rows, and the state that is told."""

    fact: str
    serial: str
    rows: tuple[StateRow, ...]
    state: str
    emptied: Since | None = None
    vendor: str = "0a5c"


def state(text: str) -> StateRow:
    """A row of a board that told its serial, from before the service."""
    return row(1, LONG, at=BEFORE, state=text)


CASES = (
    Case("nothing was written", LONG, (), ""),
    Case("the port's newest row", LONG, (row(1, LONG), row(2, LONG)), "S2"),
    Case("a serial in other letters", LONG.upper(), (row(1, LONG),), "S1"),
    Case("short row, long device", LONG, (row(1, SHORT),), "S1"),
    Case("long row, short device", SHORT, (row(1, LONG),), "S1"),
    Case("another board's row at the port", LONG, (row(1, OTHER),), ""),
    Case("another board whose serial ends alike", LONG, (row(1, ENDS_ALIKE),), ""),
    Case("another board came here, own elsewhere", LONG, (row(1, LONG, "2"), row(2, OTHER)), "S1"),
    Case("the own rows elsewhere: the newest", LONG, (row(1, LONG, "2"), row(2, SHORT, "3")), "S2"),
    Case("the port before a newer one", LONG, (row(1, LONG), row(2, LONG, "1-2")), "S1"),
    Case("an excluded port", LONG, (row(1, LONG, "bootstrap"),), "S1"),
    Case("an excluded port after older states", LONG, (row(1, LONG), row(2, LONG, "triage")), "S2"),
    Case("a state after an exclusion", LONG, (row(1, LONG, "triage"), row(2, LONG)), "S2"),
    Case("an exclusion of another board", LONG, (row(1, OTHER, "bootstrap"),), ""),
    Case("a path not found out", LONG, (row(1, LONG), row(2, LONG, "unknown-usb-path")), "S2"),
    Case("no path", LONG, (row(1, LONG, ""),), "S1"),
    Case("nameless row since the start", LONG, (row(1, NODE),), "S1"),
    Case("nameless row before the start", LONG, (row(1, NODE, at=BEFORE),), ""),
    Case("Broadcom is no serial of a row", LONG, (row(1, "Broadcom", at=BEFORE),), ""),
    Case("nameless row in the second of the start", "", (row(1, "", at=THAT_SECOND),), "S1"),
    Case("nameless row without a time", "", (row(1, "", at=None),), "S1"),
    Case("nameless row before the port was empty", "", (row(1, NODE),), "", Since(EMPTIED, 1)),
    Case("nameless row since the port was empty", "", (row(2, NODE),), "S2", Since(EMPTIED, 1)),
    Case("nameless row by its time alone", "", (row(2, NODE, at=START),), "", Since(EMPTIED, 1)),
    Case("Broadcom is no serial of a device", "Broadcom", (row(1, LONG, "1-2"),), ""),
    Case("a nameless board, a named row", "", (row(1, LONG, at=BEFORE),), "S1"),
    Case("a nameless board at work", "", (state("BOOTSTRAP-STARTED"),), "BOOTSTRAP-STARTED"),
    Case("a nameless board after a finished one", "", (state("SB-PROVISIONER-FINISHED"),), ""),
    Case("a nameless board after one at work", "", (state("TRIAGE-STARTED"),), ""),
    Case("a nameless board after a failed one", "", (state("BOOTSTRAP-ABORTED"),), ""),
    Case("a nameless board that came after it", "", (row(1, LONG),), "", Since(EMPTIED, 1)),
    Case("a nameless stranger, a named row", "", (row(1, LONG),), "", vendor="046d"),
    Case("a stranger with the row's serial", LONG, (row(1, LONG),), "S1", vendor="046d"),
    Case("a nameless board at an excluded port", "", (row(1, NODE, "bootstrap"),), "S1"),
    Case("the same, of a board before", "", (row(1, NODE, "bootstrap", at=BEFORE),), ""),
    Case("the same, of another port", "", (row(1, NODE, "1-2"),), ""),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fact)
def test_the_state_is_of_the_row_that_is_about_it(case: Case) -> None:
    emptied = {"1-1": case.emptied} if case.emptied else {}
    told = facts_of(node(case.serial, vendor=case.vendor), evidence(*case.rows, emptied=emptied))
    assert told.state == case.state


@pytest.mark.parametrize("kind", [NodeKind.HUB, NodeKind.PLACEHOLDER, NodeKind.SERVER])
def test_hubs_and_empty_ports_carry_no_state(kind: NodeKind) -> None:
    told = facts_of(replace(node(LONG), kind=kind), evidence(row(1, LONG, board_type="17")))
    assert told == Facts(model="")


def test_a_hub_tells_its_products_name_as_its_model() -> None:
    hub = replace(node(product_name="USB2.1 Hub"), kind=NodeKind.HUB)
    assert facts_of(hub, evidence()).model == "USB2.1 Hub"


def test_the_board_type_is_the_newest_that_was_read() -> None:
    known = evidence(row(1, SHORT, board_type="18"), row(2, LONG, state="TRIAGE-STARTED"))
    told = facts_of(node(LONG), known)
    assert (told.state, told.board_type, told.generation) == ("TRIAGE-STARTED", "18", 5)


def test_a_nameless_row_lends_no_other_boards_type() -> None:
    known = evidence(row(1, "", board_type="18"), row(2, ""))
    assert facts_of(node(), known).board_type == ""


def record(
    serial: str, *, boardname: str = "", processor: str = "", image: str = ""
) -> dict[str, BoardRecord]:
    known = BoardRecord(1, serial, boardname, processor, image, secure=None, at=None)
    return {board_key(serial): known}


@pytest.mark.parametrize(
    ("serial", "texts", "product_name", "wanted"),
    [
        (LONG, {"boardname": "CM5", "processor": "BCM2712"}, "Boot", "CM5"),
        (LONG, {"processor": "BCM2712"}, "Boot", "Boot"),
        (LONG, {"processor": "BCM2712"}, "", "BCM2712"),
        (SHORT, {"boardname": "CM5"}, "", "CM5"),
        (OTHER, {"boardname": "CM5"}, "", ""),
        (ENDS_ALIKE, {"boardname": "CM5"}, "", ""),
        ("", {"boardname": "CM5"}, "", ""),
    ],
)
def test_the_model_is_the_records_then_usbs(
    serial: str, texts: dict[str, str], product_name: str, wanted: str
) -> None:
    told = facts_of(
        node(serial, product_name=product_name), evidence(records=record(LONG, **texts))
    )
    assert told.model == wanted


def test_a_record_is_joined_without_any_state() -> None:
    told = facts_of(node(LONG), evidence(records=record(LONG, boardname="500", image="done.img")))
    assert (told.state, told.image, told.generation) == ("", "done.img", 5)


def test_the_rows_image_goes_before_the_records() -> None:
    records = record(LONG, image="done.img")
    assert facts_of(node(LONG), evidence(row(1, LONG, image="now.img"), records=records)).image == (
        "now.img"
    )
    assert facts_of(node(LONG), evidence(row(1, LONG), records=records)).image == "done.img"


def test_an_address_says_where_it_is_from_or_why_there_is_none() -> None:
    found = {LONG: FoundAddress("fe80::1", "/var/log/rpi-sb-provisioner/x/triage.log")}
    written = facts_of(node(LONG), evidence(row(1, LONG, ip_address="10.0.0.9"), addresses=found))
    logged = facts_of(node(LONG), evidence(addresses=found))
    unknown = facts_of(node(OTHER), evidence(addresses=found))
    assert (written.ip_address, logged.ip_address, unknown.ip_address) == (
        "10.0.0.9",
        "fe80::1",
        "",
    )
    assert "triage.log" in logged.address_source
    assert unknown.address_source == NO_ADDRESS
