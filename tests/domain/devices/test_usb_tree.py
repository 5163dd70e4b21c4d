"""The USB tree is read from the kernel's folder, whatever goes or lies there."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from domain.devices.usb_tree import UsbDevice, UsbTreeUnreadable, read_usb_tree
from tests.fakes.usb import BOARD, Sysfs


@pytest.fixture
def sysfs(tmp_path: Path) -> Sysfs:
    tree = Sysfs(tmp_path)
    tree.bus(1, ports=2)
    return tree


def device(sysfs: Sysfs, path: str = "1-1") -> UsbDevice:
    return read_usb_tree(sysfs.paths).devices[path]


def test_a_device_tells_what_it_is(sysfs: Sysfs) -> None:
    sysfs.plug("1-1", **BOARD, serial="a0b0c0d0", manufacturer="Broadcom", devnum=7)
    assert device(sysfs) == UsbDevice(
        path="1-1",
        vendor="0a5c",
        product="2712",
        product_name="BCM2712 Boot",
        manufacturer="Broadcom",
        serial="a0b0c0d0",
        speed=480,
        is_hub=False,
        ports=0,
        number=7,
    )
    assert device(sysfs).node == "/dev/bus/usb/001/007"


def test_another_number_alone_is_no_difference(sysfs: Sysfs) -> None:
    sysfs.plug("1-1", **BOARD, devnum=7)
    before = device(sysfs)
    sysfs.plug("1-1", **BOARD, devnum=8)
    assert device(sysfs) == before
    assert device(sysfs).number == 8


@pytest.mark.parametrize("hub_class", ["09", "9", "0x09"])
@pytest.mark.parametrize("place", ["1-1/bDeviceClass", "1-1:1.0/bInterfaceClass"])
def test_a_hub_is_known_by_its_class_or_its_interfaces(
    sysfs: Sysfs, hub_class: str, place: str
) -> None:
    sysfs.plug("1-1", maxchild=4)
    (sysfs.links / place).write_text(f"{hub_class}\n")
    assert (device(sysfs).is_hub, device(sysfs).ports) == (True, 4)


def test_a_root_hub_counts_its_ports_by_their_folders(sysfs: Sysfs) -> None:
    root_hub = device(sysfs, "1-0")
    assert (root_hub.is_hub, root_hub.ports) == (True, 2)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"<script>alert(1)</script>\n", "<script>alert(1)</script>"),
        (b"A\x1b[31mB\x00C\n", "A\ufffd[31mB\ufffdC"),
        (b"first \t\nsecond\n", "first"),
        (b"\xff\xfeok", "\ufffd\ufffdok"),
        ("\u202egnp.exe".encode(), "\ufffdgnp.exe"),
        ("Gerät\u00a0ü".encode(), "Gerät ü"),
        (b"x" * 4096, "x" * 126),
        (b"", ""),
    ],
)
def test_a_text_is_shown_safely_and_bounded(sysfs: Sysfs, raw: bytes, shown: str) -> None:
    sysfs.plug("1-1", **BOARD)
    for fact in ("product", "serial", "manufacturer"):
        sysfs.write("1-1", fact, raw)
    found = device(sysfs)
    assert {found.product_name, found.serial, found.manufacturer} == {shown}


@pytest.mark.parametrize(
    ("speed", "wanted"), [("1.5", 1), ("480", 480), ("10000", 10000), ("unknown", 0), ("-5", 0)]
)
def test_a_speed_is_its_whole_number(sysfs: Sysfs, speed: str, wanted: int) -> None:
    sysfs.plug("1-1", speed=speed)
    assert device(sysfs).speed == wanted


def test_a_hub_cannot_claim_more_ports_than_usb_has(sysfs: Sysfs) -> None:
    sysfs.hub("1-1", ports=999_999)
    assert device(sysfs).ports == 255


def test_a_link_that_leads_nowhere_is_left_out(sysfs: Sysfs) -> None:
    sysfs.plug("1-1", **BOARD)
    sysfs.plug("1-2", **BOARD)
    shutil.rmtree((sysfs.links / "1-2").resolve())
    shutil.rmtree((sysfs.links / "1-2:1.0").resolve())
    assert set(read_usb_tree(sysfs.paths).devices) == {"1-0", "1-1"}


def test_a_fact_that_cannot_be_read_is_none(sysfs: Sysfs) -> None:
    sysfs.plug("1-1", **BOARD)
    (sysfs.links / "1-1/product").unlink()
    (sysfs.links / "1-1/product").mkdir()
    os.mkfifo(sysfs.links / "1-1/serial")
    assert (device(sysfs).product_name, device(sysfs).serial) == ("", "")
    assert device(sysfs).vendor == "0a5c"


def test_names_that_are_no_usb_path_are_passed_over(sysfs: Sysfs) -> None:
    for name in ("ep_00", "1-", "a-1", "usb", "usbx", "1-1.", "..1-1"):
        (sysfs.links / name).mkdir()
    (sysfs.links / "1-2").write_text("a file")
    assert set(read_usb_tree(sysfs.paths).devices) == {"1-0"}


def test_an_absolute_link_stays_below_the_root(sysfs: Sysfs, tmp_path: Path) -> None:
    (tmp_path / "sys/devices/pci0/elsewhere").mkdir()
    (tmp_path / "sys/devices/pci0/elsewhere/idVendor").write_text("0a5c\n")
    (sysfs.links / "1-1").symlink_to("/sys/devices/pci0/elsewhere")
    assert device(sysfs).vendor == "0a5c"


def test_buses_know_their_controller_and_their_other_halves(sysfs: Sysfs) -> None:
    sysfs.bus(2, ports=1, speed=5000)
    sysfs.bus(3, ports=1, controller="pci1")
    sysfs.peers("1-2", "2-1")
    one, two, three = read_usb_tree(sysfs.paths).buses
    assert one.controller == two.controller == "/sys/devices/pci0" != three.controller
    assert (one.is_super_speed, two.is_super_speed) == (False, True)
    assert (one.peers, two.peers, three.peers) == (((2, 2, 1),), ((1, 1, 2),), ())


def test_no_folder_of_devices_is_told_with_its_logical_path(tmp_path: Path) -> None:
    tree = Sysfs(tmp_path)
    shutil.rmtree(tree.links)
    with pytest.raises(UsbTreeUnreadable, match="/sys/bus/usb/devices") as caught:
        read_usb_tree(tree.paths)
    assert str(tmp_path) not in caught.value.message


def test_a_tree_that_changes_all_the_time_is_read_whole(sysfs: Sysfs) -> None:
    """The facts of two devices are never mixed, whichever is there when one is read."""
    one = {"idVendor": "1111", "product": "one", "serial": "1"}
    two = {"idVendor": "2222", "product": "two", "serial": "2"}
    ended = threading.Event()

    def swap() -> None:
        while not ended.is_set():
            for facts in (one, two):
                sysfs.plug("1-1", **facts)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        seen = [read_usb_tree(sysfs.paths).devices.get("1-1") for _ in range(300)]
    finally:
        ended.set()
        swapping.join()
    facts = {(d.vendor[:1], d.serial) for d in seen if d is not None and d.vendor and d.serial}
    assert facts <= {("1", "1"), ("2", "2")}
