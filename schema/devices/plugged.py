"""What a device is over USB now, as GraphQL clients see it."""

import strawberry

from domain.devices.live_topology import LiveNode
from domain.devices.plugged_boards import address_of
from resolvers.devices.devices import find_plugged_board
from resolvers.parts import part_of
from schema.context import Info, who
from schema.devices.statuses import Judged
from schema.devices.topology_types import TopologyNode, node_of


async def plugged_of(root: strawberry.Parent[Judged], info: Info) -> TopologyNode | None:
    """Resolves what is plugged in of a device."""
    found = await _found(root, info)
    return None if found is None else node_of(found)


async def ip_address_of(root: strawberry.Parent[Judged], info: Info) -> str | None:
    """Resolves the address."""
    address, _ = address_of(root.view.device, await _found(root, info))
    return address or None


async def ip_address_reason_of(root: strawberry.Parent[Judged], info: Info) -> str:
    """Resolves where the address is from, or why there is none."""
    _, reason = address_of(root.view.device, await _found(root, info))
    return reason


async def _found(root: Judged, info: Info) -> LiveNode | None:
    return await part_of(
        find_plugged_board.policy,
        *who(info),
        lambda call: find_plugged_board.perform(call, board=root.view.device),
    )
