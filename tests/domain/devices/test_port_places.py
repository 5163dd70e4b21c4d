"""Port places: USB 2 and USB 3 paths of one socket are one port, also below hubs."""

from pathlib import Path

import pytest

from domain.devices.port_places import PortPlace, PortPlaces
from domain.devices.topology import companion_pairs, nodes_of
from domain.devices.usb_tree import read_usb_tree
from tests.fakes.usb import BOARD, KEYBOARD, Sysfs


@pytest.fixture
def sysfs(tmp_path: Path) -> Sysfs:
    """A Raspberry Pi 5: two controllers, each with two slow ports and one fast one."""
    tree = Sysfs(tmp_path)
    for slow, controller in ((1, "xhci0"), (3, "xhci1")):
        tree.bus(slow, ports=2, controller=controller)
        tree.bus(slow + 1, ports=1, speed=5000, controller=controller)
    return tree


def places(sysfs: Sysfs) -> dict[str, tuple[str | None, str | None, str | None]]:
    """Returns USB 2 path, USB 3 path and hub of each place."""
    tree = read_usb_tree(sysfs.paths)
    nodes = nodes_of(tree)
    found = PortPlaces(nodes, tree, companion_pairs(tree.buses)).all()
    assert all(isinstance(place, PortPlace) for place in found.values())
    return {id: (p.usb2_path, p.usb3_path, p.hub_id) for id, p in found.items()}


def test_each_socket_of_two_controllers_is_one_port(sysfs: Sysfs) -> None:
    assert places(sysfs) == {
        "1-1": ("1-1", "2-1", None),
        "1-2": ("1-2", None, None),
        "3-1": ("3-1", "4-1", None),
        "3-2": ("3-2", None, None),
    }


def test_a_usb3_hub_is_one_hub_with_ports_of_two_paths(sysfs: Sysfs) -> None:
    sysfs.hub("3-1", ports=2)
    sysfs.hub("4-1", ports=2, usb3=True)
    sysfs.plug("3-1.2", **BOARD)
    found = places(sysfs)
    assert found["3-1"] == ("3-1", "4-1", None)
    assert found["3-1.1"] == ("3-1.1", "4-1.1", "3-1")
    assert found["3-1.2"] == ("3-1.2", "4-1.2", "3-1")
    assert not any(id.startswith("4-") for id in found)


def test_hubs_on_hubs_are_paired_all_the_way_down(sysfs: Sysfs) -> None:
    for slow, fast in (("1-1", "2-1"), ("1-1.4", "2-1.4")):
        sysfs.hub(slow)
        sysfs.hub(fast, usb3=True)
    found = places(sysfs)
    assert found["1-1.4.3"] == ("1-1.4.3", "2-1.4.3", "1-1.4")
    assert len(found) == 4 + 4 + 4


def test_halves_with_different_numbers_of_ports_keep_all_of_them(sysfs: Sysfs) -> None:
    sysfs.hub("1-1", ports=4)
    sysfs.hub("2-1", ports=2, usb3=True)
    found = places(sysfs)
    assert [found[f"1-1.{port}"][1] for port in (1, 2, 3, 4)] == ["2-1.1", "2-1.2", None, None]


def test_a_usb2_hub_in_a_usb3_socket_has_usb2_ports(sysfs: Sysfs) -> None:
    sysfs.hub("1-1", ports=1)
    found = places(sysfs)
    assert found["1-1"] == ("1-1", "2-1", None)
    assert found["1-1.1"] == ("1-1.1", None, "1-1")


def test_two_things_that_cannot_be_in_one_socket_are_in_two(sysfs: Sysfs) -> None:
    sysfs.plug("1-1", **KEYBOARD)
    sysfs.hub("2-1", ports=1, usb3=True)
    found = places(sysfs)
    assert found["1-1"] == ("1-1", None, None)
    assert found["2-1"] == (None, "2-1", None)
    assert found["2-1.1"] == (None, "2-1.1", "2-1")


def test_what_the_kernel_knows_goes_before_the_numbers(tmp_path: Path) -> None:
    tree = Sysfs(tmp_path)
    tree.bus(1, ports=3)
    tree.bus(2, ports=2, speed=5000)
    tree.peers("1-2", "2-1")
    tree.peers("1-3", "2-2")
    assert places(tree) == {
        "1-1": ("1-1", None, None),
        "1-2": ("1-2", "2-1", None),
        "1-3": ("1-3", "2-2", None),
    }


def test_the_sockets_of_a_raspberry_pi_4_hang_on_its_own_hub(tmp_path: Path) -> None:
    tree = Sysfs(tmp_path)
    tree.bus(1, ports=1)
    tree.bus(2, ports=4, speed=5000)
    tree.peers("1-1", "2-1")
    tree.plug("1-1", idVendor="2109", idProduct="3431", bDeviceClass="09", maxchild=4)
    found = places(tree)
    assert found["1-1"] == ("1-1", None, None)
    assert [found[f"1-1.{port}"] for port in (1, 4)] == [
        ("1-1.1", "2-1", "1-1"),
        ("1-1.4", "2-4", "1-1"),
    ]
    assert len(found) == 5


def test_a_bus_without_companion_has_ports_of_its_own_kind(tmp_path: Path) -> None:
    tree = Sysfs(tmp_path)
    tree.bus(1, ports=1, controller="a")
    tree.bus(2, ports=1, speed=10000, controller="b")
    assert places(tree) == {"1-1": ("1-1", None, None), "2-1": (None, "2-1", None)}


def test_devices_without_any_bus_have_ports_all_the_same(tmp_path: Path) -> None:
    tree = Sysfs(tmp_path)
    (tree.links / "7-1.2").mkdir()
    (tree.links / "7-1").mkdir()
    (tree.links / "7-1/bDeviceClass").write_text("09\n")
    assert places(tree) == {"7-1": ("7-1", None, None), "7-1.2": ("7-1.2", None, "7-1")}
