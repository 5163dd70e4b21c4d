"""Boards by their port, on both surfaces: who is plugged in goes before who was there last."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rest_compat.devices.live import message
from tests.fakes.usb import BOARD, KEYBOARD, Sysfs
from tests.surfaces.conftest import Service
from tests.surfaces.jig import running_jig
from tests.surfaces.test_story import write_row

GONE, THERE, PORT = "10000000a0b0c0d0", "10000000a1b1c1d1", "1-1.2"
DEVICE = '{ device(port: "1-1.2") { serial port status } }'
DEVICES = '{ devices(filter: {port: "1-1.2"}) { nodes { serial } } }'
FLAG = (
    'mutation { setDeviceFlag(input: {port: "1-1.2", flag: SKIP_EEPROM, mode: ONCE}) { '
    "... on DeviceFlags { serial } ... on Problem { code } } }"
)


@pytest.fixture
async def jig(tmp_path: Path) -> AsyncIterator[tuple[Service, Sysfs]]:
    """A jig whose port 1-1.2 is empty; the board that finished there is gone."""
    async with running_jig(tmp_path) as made:
        for state in ("FDE-PROVISIONER-STARTED", "FDE-PROVISIONER-FINISHED"):
            write_row(tmp_path, GONE, PORT, state)
        yield made


async def asked(service: Service, query: str) -> Any:
    await service.station.usb.rescan()
    return await service.graphql(query)


async def test_an_empty_port_answers_the_board_that_was_there_last(
    jig: tuple[Service, Sysfs],
) -> None:
    service, sysfs = jig
    assert (await asked(service, DEVICE))["data"]["device"]["serial"] == GONE
    sysfs.plug(PORT, **KEYBOARD, serial="keys")
    assert (await asked(service, DEVICE))["data"]["device"]["serial"] == GONE


async def test_a_board_without_a_row_is_not_the_one_before_it(jig: tuple[Service, Sysfs]) -> None:
    service, sysfs = jig
    sysfs.plug(PORT, **BOARD, serial=THERE)
    (error,) = (await asked(service, DEVICE))["errors"]
    assert error["extensions"]["code"] == "DEVICE_NOT_FOUND"
    assert THERE in error["message"]
    sysfs.plug(PORT, **BOARD, serial="Broadcom")
    (error,) = (await asked(service, DEVICE))["errors"]
    assert error["extensions"]["code"] == "DEVICE_NOT_FOUND"


async def test_a_board_whose_rows_are_of_another_port_is_found_where_it_is(
    jig: tuple[Service, Sysfs], tmp_path: Path
) -> None:
    service, sysfs = jig
    write_row(tmp_path, THERE, "1-1.3", "FDE-PROVISIONER-STARTED")
    sysfs.plug(PORT, **BOARD, serial=THERE)
    assert (await asked(service, DEVICE))["data"]["device"] == {
        "serial": THERE,
        "port": PORT,
        "status": "ACTIVE",
    }
    serials = (await asked(service, DEVICES))["data"]["devices"]["nodes"]
    assert serials == [{"serial": THERE}, {"serial": GONE}]


async def test_a_flag_by_port_is_for_the_board_in_it(
    jig: tuple[Service, Sysfs], tmp_path: Path
) -> None:
    service, sysfs = jig
    sysfs.plug(PORT, **BOARD, serial=THERE)
    assert (await asked(service, FLAG))["data"]["setDeviceFlag"] == {"serial": THERE}
    rest = await service.client.get(f"/devices/{PORT}/flags")
    assert rest.json()["serial"] == THERE
    sysfs.plug(PORT, **BOARD)
    refused = (await asked(service, FLAG))["data"]["setDeviceFlag"]
    assert refused == {"code": "SERIAL_NOT_RESOLVED"}
    write_row(tmp_path, "/dev/bus/usb/001/009", PORT, "BOOTSTRAP-STARTED")
    sysfs.plug(PORT, **BOARD, serial=THERE)
    assert (await asked(service, FLAG))["data"]["setDeviceFlag"] == {"serial": THERE}
    nameless = (await asked(service, DEVICE))["data"]["device"]
    assert nameless == {"serial": None, "port": PORT, "status": "ACTIVE"}


async def test_the_boot_roms_placeholder_is_told_as_no_serial(jig: tuple[Service, Sysfs]) -> None:
    service, sysfs = jig
    sysfs.plug(PORT, **BOARD, serial="Broadcom")
    nodes = (await asked(service, "{ topology { nodes { id serial } } }"))["data"]["topology"]
    (graphql,) = [node["serial"] for node in nodes["nodes"] if node["id"] == PORT]
    told = message(service.station.usb.current)["nodes"]
    assert isinstance(told, list)
    (old,) = [node for node in told if node["id"] == PORT]
    assert (graphql, "serial" in old) == (None, False)
