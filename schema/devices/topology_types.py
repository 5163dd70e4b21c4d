"""What is plugged in where, as GraphQL clients see it: nodes, ports and pairs of buses."""

import strawberry

from domain.devices.boards import board_name
from domain.devices.live_topology import LiveNode, PortContents
from domain.devices.live_topology import Port as Socket
from domain.devices.topology import CompanionPair as Pair
from domain.devices.topology import NodeKind
from schema.enums import describe_enum

describe_enum(
    NodeKind,
    name="NodeKind",
    description="What a place in the USB tree is.",
    values={
        NodeKind.SERVER: "The station itself, the root of the tree.",
        NodeKind.HUB: "A hub.",
        NodeKind.DEVICE: "Whatever else is plugged in: a board, a keyboard.",
        NodeKind.PLACEHOLDER: "A port that is empty.",
    },
)
describe_enum(
    PortContents,
    name="PortContents",
    description="What is plugged into a port.",
    values={
        PortContents.EMPTY: "Nothing.",
        PortContents.HUB: "A hub, which has ports of its own.",
        PortContents.BOARD: "A board: by its USB id, or by its serial in the state rows.",
        PortContents.OTHER: "Something else, such as a keyboard.",
    },
)


@strawberry.type(description="A place in the USB tree as the kernel shows it.")
class TopologyNode:
    """A node."""

    id: strawberry.ID = strawberry.field(description="`server`, or the USB path such as 1-1.4.")
    parent_id: strawberry.ID | None = strawberry.field(
        description="The node that it hangs on; null for the server alone."
    )
    kind: NodeKind = strawberry.field(description="What it is.")
    target: bool = strawberry.field(
        description="Whether it is a board that the station works on, by its USB id."
    )
    permitted: bool = strawberry.field(
        description="Whether the port rules let a board at this path in."
    )
    vendor_id: str | None = strawberry.field(
        description="The USB vendor, four hex digits; null where nothing is plugged in."
    )
    product_id: str | None = strawberry.field(
        description="The USB product, four hex digits; null where nothing is plugged in."
    )
    product_name: str | None = strawberry.field(
        description="What it calls itself over USB; null where it does not."
    )
    manufacturer: str | None = strawberry.field(
        description="Whom it names as its maker over USB; null where it names none."
    )
    serial: str | None = strawberry.field(
        description="The serial that it tells over USB; null where it tells none."
    )
    speed: int | None = strawberry.field(
        description="The connection's speed in Mbit/s; null while unknown."
    )
    port_count: int | None = strawberry.field(
        description="How many ports it has; null for what is no hub."
    )
    state: str | None = strawberry.field(
        description="Its last state in the station's own words; null where no row is about it."
    )
    image: str | None = strawberry.field(
        description="The image that is or was meant for it; null while unknown."
    )
    ip_address: str | None = strawberry.field(
        description="Its IP address; null while none is known, see `ipAddressReason`."
    )
    ip_address_reason: str | None = strawberry.field(
        description="Where the address is from, or why there is none; null for hubs and the like."
    )
    board_type: str | None = strawberry.field(
        description="Two hex digits of its revision code (17 is a Pi 5); null while unknown."
    )
    board_name: str | None = strawberry.field(
        description="What the board type is called; null while it is unknown."
    )
    model: str | None = strawberry.field(
        description="Its name in the manufacturing record, else over USB, else its processor; "
        "null while none is known."
    )
    generation: int | None = strawberry.field(
        description="4 or 5 for boards of that generation; null for others and while unknown."
    )


@strawberry.type(
    description="A socket of the station or of a hub. A USB 3 socket has two USB paths, one for "
    "each kind of device, and is one port here."
)
class Port:
    """A port."""

    id: strawberry.ID = strawberry.field(
        description="The USB 2 path, else the USB 3 path; names are kept under it."
    )
    name: str | None = strawberry.field(
        description="What people call it; null while nobody named it."
    )
    usb2_path: str | None = strawberry.field(
        name="usb2Path", description="The path of USB 2 devices in it, boards too; null without."
    )
    usb3_path: str | None = strawberry.field(
        name="usb3Path", description="The path of USB 3 devices in it; null without."
    )
    hub_id: strawberry.ID | None = strawberry.field(
        description="The port that holds the hub it belongs to; null for the station's own."
    )
    contents: PortContents = strawberry.field(description="What is plugged in, in one word.")
    speed: int | None = strawberry.field(
        description="The connection's speed in Mbit/s; null while empty or unknown."
    )
    permitted: bool = strawberry.field(
        description="Whether the port rules let a board in: at the path in use, or while the port "
        "is empty at the one that a board would get."
    )
    occupant: TopologyNode | None = strawberry.field(
        description="What is plugged in, of a hub its faster half; null while the port is empty."
    )


@strawberry.type(description="The two buses of one USB controller.")
class CompanionPair:
    """A pair of buses."""

    usb2_bus: int = strawberry.field(name="usb2Bus", description="The number of the USB 2 bus.")
    usb3_bus: int = strawberry.field(name="usb3Bus", description="The number of the USB 3 bus.")
    usb3_port_count: int = strawberry.field(
        name="usb3PortCount", description="How many ports the USB 3 bus has."
    )


def node_of(live: LiveNode) -> TopologyNode:
    """Returns the node as clients see it."""
    node, usb, facts = live.node, live.node.usb, live.facts
    return TopologyNode(
        id=strawberry.ID(node.id),
        parent_id=strawberry.ID(node.parent_id) if node.parent_id else None,
        kind=node.kind,
        target=live.is_target,
        permitted=live.is_permitted,
        vendor_id=usb.vendor or None,
        product_id=usb.product or None,
        product_name=usb.product_name or None,
        manufacturer=usb.manufacturer or None,
        serial=live.serial or None,
        speed=usb.speed or None,
        port_count=usb.ports if usb.is_hub else None,
        state=facts.state or None,
        image=facts.image or None,
        ip_address=facts.ip_address or None,
        ip_address_reason=facts.address_source or None,
        board_type=facts.board_type or None,
        board_name=board_name(facts.board_type) or None,
        model=facts.model or None,
        generation=facts.generation,
    )


def port_of(socket: Socket) -> Port:
    """Returns the port as clients see it."""
    return Port(
        id=strawberry.ID(socket.id),
        name=socket.name,
        usb2_path=socket.usb2_path,
        usb3_path=socket.usb3_path,
        hub_id=strawberry.ID(socket.hub_id) if socket.hub_id else None,
        contents=socket.contents,
        speed=socket.speed or None,
        permitted=socket.is_permitted,
        occupant=node_of(socket.occupant) if socket.occupant else None,
    )


def pair_of(pair: Pair) -> CompanionPair:
    """Returns the pair as clients see it."""
    return CompanionPair(
        usb2_bus=pair.usb2_bus, usb3_bus=pair.usb3_bus, usb3_port_count=pair.usb3_ports
    )
