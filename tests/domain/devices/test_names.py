"""One board, its names: which serial, port and folders belong to what was asked for."""

import pytest

from domain.devices.devices import Devices, SerialMissing
from domain.devices.names import DeviceNames, Known, folder_names, one_of, required, sanitised
from domain.devices.states import StateDatabaseNotOpen
from domain.events import Hub
from tests.fakes.presence import FakePresence
from tests.fakes.state_rows import FakeStateRows, Written

LONG, SHORT = "10000000a0b0c0d0", "a0b0c0d0"


def names(*rows: Written) -> DeviceNames:
    states = FakeStateRows()
    states.write(*rows)
    return DeviceNames(Devices(Hub(), states), FakePresence())


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("1-1.2", "1-1_2"),
        ("..", "__"),
        ("a/../b", "a____b"),
        ("é", "__"),
        ("\udcff", "_"),
        ("a\0b", "a_b"),
        ("x" * 10_000, "x" * 255),
        (LONG, LONG),
    ],
)
def test_each_byte_that_is_not_safe_becomes_an_underscore(identifier: str, expected: str) -> None:
    assert sanitised(identifier) == expected


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("1-1.2", ("1-1_2", "1-1.2")),
        ("..", ("__",)),
        (".", ("_",)),
        ("a b", ("a_b",)),
        (LONG, (LONG,)),
    ],
)
def test_a_safe_name_is_tried_with_its_dots(identifier: str, expected: tuple[str, ...]) -> None:
    assert folder_names(identifier) == expected


def test_an_empty_identifier_is_refused() -> None:
    with pytest.raises(SerialMissing):
        required("")


@pytest.mark.parametrize(("serial", "port"), [(None, None), ("", ""), (LONG, "1-1")])
def test_a_device_is_named_one_way(serial: str | None, port: str | None) -> None:
    with pytest.raises(SerialMissing):
        one_of(serial, port)


async def test_a_board_is_known_by_both_serials_and_its_port() -> None:
    found = names(Written(SHORT, "1-1.2"), Written(LONG, "1-1.2"))
    assert await found.known(LONG) == Known(LONG, (LONG, SHORT), "1-1.2")
    assert await found.known(SHORT) == Known(SHORT, (SHORT, LONG), "1-1.2")
    assert await found.known("1-1.2") == Known(LONG, (LONG, SHORT), "1-1.2")


async def test_a_serial_written_otherwise_is_not_the_rows_but_the_boards() -> None:
    found = names(Written(LONG, "1-1.2"))
    assert await found.known(LONG.upper()) == Known(None, (LONG, SHORT), "1-1.2")


async def test_a_port_is_no_longer_that_of_a_board_that_another_one_followed() -> None:
    found = names(Written(LONG, "1-1"), Written("20000000ffffffff", "1-1"))
    assert (await found.known(LONG)).port is None
    assert (await found.known("1-1")).serial == "20000000ffffffff"


async def test_a_nameless_board_has_its_port_and_its_node() -> None:
    found = names(Written(LONG, "1-1"), Written("/dev/bus/usb/001/004", "1-1"))
    assert await found.known("1-1") == Known(port="1-1", node="/dev/bus/usb/001/004")
    assert (await found.known(LONG)).port is None


@pytest.mark.parametrize("serial", ["/dev/../../etc", "/dev/bus/./x/..", "/dev/a b", ""])
async def test_a_node_that_could_lead_elsewhere_is_none(serial: str) -> None:
    assert (await names(Written(serial, "1-1")).known("1-1")).node is None


@pytest.mark.parametrize("stage", ["bootstrap", "triage"])
async def test_a_stage_is_no_port(stage: str) -> None:
    found = names(Written(SHORT, stage, "PORT-EXCLUDED"))
    assert await found.known(stage) == Known()
    assert (await found.known(SHORT)).serial == SHORT


async def test_the_boot_roms_placeholder_is_no_serial() -> None:
    assert (await names(Written("Broadcom", "1-1")).known("1-1")).serial is None


async def test_a_database_that_fails_knows_nothing() -> None:
    rows = FakeStateRows()
    rows.failure = StateDatabaseNotOpen("It cannot be opened.")
    assert await DeviceNames(Devices(Hub(), rows), FakePresence()).known(LONG) == Known()
