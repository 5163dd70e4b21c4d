"""The topology: nodes, placeholders and pairs of buses (contract devices section 7.4)."""

from domain.devices.topology import (
    CompanionPair,
    Node,
    NodeKind,
    companion_pairs,
    nodes_of,
    port_order,
)
from domain.devices.usb_tree import UsbBus, UsbDevice, UsbTree


def tree(*devices: UsbDevice) -> UsbTree:
    return UsbTree({device.path: device for device in devices})


def hub(path: str, ports: int) -> UsbDevice:
    return UsbDevice(path, is_hub=True, ports=ports)


def kinds(nodes: dict[str, Node]) -> dict[str, NodeKind]:
    return {id: node.kind for id, node in nodes.items()}


def test_an_empty_tree_is_the_server_alone() -> None:
    assert nodes_of(UsbTree()) == {"server": Node("server", None, NodeKind.SERVER)}


def test_root_hubs_are_hidden_and_their_ports_hang_on_the_server() -> None:
    nodes = nodes_of(tree(hub("1-0", 2), UsbDevice("1-1")))
    assert kinds(nodes) == {
        "server": NodeKind.SERVER,
        "1-1": NodeKind.DEVICE,
        "1-2": NodeKind.PLACEHOLDER,
    }
    assert {node.parent_id for node in nodes.values()} == {None, "server"}


def test_each_port_of_a_hub_without_a_device_is_a_placeholder() -> None:
    nodes = nodes_of(tree(hub("1-1", 3), UsbDevice("1-1.2")))
    assert kinds(nodes) == {
        "server": NodeKind.SERVER,
        "1-1": NodeKind.HUB,
        "1-1.1": NodeKind.PLACEHOLDER,
        "1-1.2": NodeKind.DEVICE,
        "1-1.3": NodeKind.PLACEHOLDER,
    }
    assert nodes["1-1.2"].parent_id == "1-1"


def test_what_is_no_hub_has_no_ports_whatever_it_claims() -> None:
    assert list(nodes_of(tree(UsbDevice("1-1", ports=4)))) == ["server", "1-1"]


def test_a_device_behind_an_unseen_hub_hangs_on_that_hubs_path() -> None:
    assert nodes_of(tree(UsbDevice("3-1.4.2")))["3-1.4.2"].parent_id == "3-1.4"


def test_ports_are_in_the_order_in_which_people_count() -> None:
    paths = ["1-10", "2-1", "1-2.1", "1-2", "server", "1-2.10", "1-2.9"]
    ordered = ["server", "1-2", "1-2.1", "1-2.9", "1-2.10", "1-10", "2-1"]
    assert sorted(paths, key=port_order) == ordered


def bus(number: int, controller: str, *, fast: bool = False, ports: int = 2) -> UsbBus:
    return UsbBus(number, controller, 5000 if fast else 480, ports)


def test_the_two_buses_of_a_controller_are_a_pair() -> None:
    buses = [
        bus(4, "b", fast=True, ports=1),
        bus(1, "a"),
        bus(3, "b"),
        bus(2, "a", fast=True, ports=4),
    ]
    assert companion_pairs(buses) == (CompanionPair(1, 2, 4), CompanionPair(3, 4, 1))


def test_a_bus_without_its_other_half_is_in_no_pair() -> None:
    assert companion_pairs([bus(1, "a"), bus(2, "b", fast=True), bus(3, "b", fast=True)]) == ()


def test_several_halves_of_one_controller_are_paired_in_their_order() -> None:
    buses = [bus(number, "a", fast=number > 2) for number in (1, 2, 3, 4)]
    assert companion_pairs(buses) == (CompanionPair(1, 3, 2), CompanionPair(2, 4, 2))
