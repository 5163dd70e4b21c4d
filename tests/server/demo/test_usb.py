"""The simulated USB tree reads like sysfs (contract devices section 7.4)."""

from pathlib import Path

import pytest

from domain.host_paths import HostPaths
from server.demo.boards import CM5, BoardBox
from server.demo.usb import KEYBOARD, UsbTree


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    return tmp_path / "sys/bus/usb/devices"


@pytest.fixture
def usb(tmp_path: Path) -> UsbTree:
    tree = UsbTree(HostPaths(tmp_path))
    tree.build()
    return tree


def _fact(sysfs: Path, name: str, fact: str) -> str:
    return (sysfs / name / fact).read_text().strip()


def test_each_controller_has_a_slow_and_a_fast_bus(usb: UsbTree, sysfs: Path) -> None:
    pairs: dict[Path, list[tuple[int, str]]] = {}
    for root in sorted(sysfs.glob("usb*")):
        pairs.setdefault(root.resolve().parent, []).append(
            (int(root.name[3:]), _fact(sysfs, root.name, "speed"))
        )
    assert list(pairs.values()) == [[(1, "480"), (2, "5000")], [(3, "480"), (4, "5000")]]


def test_root_hubs_show_their_ports(usb: UsbTree, sysfs: Path) -> None:
    assert (sysfs / "1-0:1.0/usb1-port2").is_dir()
    assert _fact(sysfs, "1-0:1.0", "bInterfaceClass") == "09"


def test_hubs_are_hubs_and_the_keyboard_is_a_stranger(usb: UsbTree, sysfs: Path) -> None:
    hubs = {link.name for link in sysfs.glob("*-*") if ":" not in link.name}
    assert hubs - {KEYBOARD} == {"1-1", "2-1", "3-1", "4-1", "3-1.4"}
    assert all(_fact(sysfs, hub, "bDeviceClass") == "09" for hub in hubs - {KEYBOARD})
    assert _fact(sysfs, KEYBOARD, "idVendor") == "046d"


def test_a_board_changes_its_id_and_serial_on_the_way_to_fastboot(
    usb: UsbTree, sysfs: Path
) -> None:
    board = BoardBox(1).take([CM5])
    usb.attach_rom("3-1.4.2", board)
    rom = [_fact(sysfs, "3-1.4.2", fact) for fact in ("idVendor", "idProduct", "serial")]
    usb.detach("3-1.4.2")
    usb.attach_fastboot("3-1.4.2", board)
    fastboot = [_fact(sysfs, "3-1.4.2", fact) for fact in ("idVendor", "idProduct", "serial")]
    assert rom == ["0a5c", "2712", board.serial[-8:]]
    assert fastboot == ["18d1", "4e40", board.serial]


def test_an_emptied_port_leaves_nothing(usb: UsbTree, sysfs: Path) -> None:
    before = sorted(sysfs.parent.parent.parent.parent.rglob("*"))
    usb.attach_rom("1-1.3", BoardBox(1).take([CM5]))
    usb.detach("1-1.3")
    assert sorted(sysfs.parent.parent.parent.parent.rglob("*")) == before


def test_each_board_gets_another_device_node_until_the_numbers_come_round(usb: UsbTree) -> None:
    box, nodes = BoardBox(1), []
    for _ in range(126):
        usb.attach_rom("1-1.1", box.take([CM5]))
        nodes.append(usb.node("1-1.1"))
    assert nodes[0].startswith("/dev/bus/usb/001/")
    assert len(set(nodes)) == 125  # 127 less the root hub and the hub


def test_a_path_outside_the_station_is_refused(usb: UsbTree) -> None:
    for port in ("../x", "9-1", "1-1/../../x"):
        with pytest.raises(ValueError, match="no USB path"):
            usb.attach_rom(port, BoardBox(1).take([CM5]))
