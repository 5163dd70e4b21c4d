"""Occupancy: since when something is plugged in, and when a port was last empty."""

from datetime import UTC, datetime, timedelta

from domain.devices.joining import Since
from domain.devices.occupancy import ANY_ROW, Occupancy
from domain.devices.topology import Node, NodeKind
from domain.devices.usb_tree import UsbDevice

SHORT, LONG = "a0b0c0d0", "10000000a0b0c0d0"


def moment(scan: int) -> Since:
    return Since(datetime(2026, 8, 1, tzinfo=UTC) + timedelta(seconds=scan), scan * 10)


def board(path: str = "1-1.1", serial: str = "", number: int = 5) -> Node:
    usb = UsbDevice(path, vendor="0a5c", product="2712", serial=serial, number=number)
    return Node(path, "1-1", NodeKind.DEVICE, usb)


def empty(path: str = "1-1.1") -> Node:
    return Node(path, "1-1", NodeKind.PLACEHOLDER)


def seen(*scans: Node | None) -> Occupancy:
    """Returns what was seen when each of these was the only node of its scan, None without any."""
    occupancy = Occupancy()
    for number, node in enumerate(scans, 1):
        occupancy.see({node.id: node} if node else {}, moment(number))
    return occupancy


def test_what_was_there_at_the_start_has_no_since() -> None:
    plugged = seen(board(serial=SHORT), board(serial=SHORT)).plugged["1-1.1"]
    assert (plugged.since, plugged.serial, plugged.target) == (None, SHORT, True)


def test_what_comes_later_has_one_and_keeps_it() -> None:
    occupancy = seen(empty(), board(), board())
    assert occupancy.plugged["1-1.1"].since == moment(2).at
    assert occupancy.emptied["1-1.1"] == moment(1)


def test_an_empty_port_was_last_empty_at_the_last_scan() -> None:
    assert seen(empty(), empty()).emptied["1-1.1"] == moment(2)
    assert "1-1.1" not in seen(board()).emptied


def test_a_port_that_goes_with_its_hub_is_empty() -> None:
    occupancy = seen(board(), None, board())
    assert occupancy.emptied["1-1.1"] == moment(2)
    assert occupancy.plugged["1-1.1"].since == moment(3).at


def test_a_board_that_comes_back_with_its_longer_serial_stayed() -> None:
    occupancy = seen(board(serial=SHORT, number=5), board(serial=LONG, number=6))
    assert occupancy.plugged["1-1.1"].since is None
    assert occupancy.plugged["1-1.1"].serial == LONG
    assert occupancy.emptied == {}


def test_another_board_between_two_scans_came_after_the_first_of_them() -> None:
    occupancy = seen(empty(), board(serial=SHORT, number=5), board(serial="ffffffff", number=6))
    assert occupancy.plugged["1-1.1"].since == moment(3).at
    assert occupancy.emptied["1-1.1"] == moment(2)


def test_a_nameless_one_under_another_number_is_another() -> None:
    assert seen(board(number=5), board(number=6)).emptied["1-1.1"] == moment(1)
    assert seen(board(number=5), board(number=5)).emptied == {}


def test_broadcom_is_no_serial() -> None:
    assert seen(board(serial="Broadcom")).plugged["1-1.1"].serial is None


def test_another_databases_rows_are_compared_by_time_alone() -> None:
    occupancy = seen(empty())
    occupancy.forget_rows()
    assert occupancy.emptied["1-1.1"] == Since(moment(1).at, ANY_ROW)
