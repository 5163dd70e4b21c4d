"""Occupants: which board is in a port now. What USB shows there goes before what was written last
of the port: that may be about a board that is long gone."""

from dataclasses import dataclass
from typing import Protocol

from domain.devices.devices import DeviceNotFound, Devices
from domain.devices.live_topology import LiveTopology
from domain.devices.projection import Device
from domain.devices.row_names import is_nameless
from domain.serials import board_key


@dataclass(frozen=True, slots=True)
class Occupant:
    """A board that is plugged in. `serial` is None where USB tells none; `is_told`: a state row is
    about it, which may be one that does not name it."""

    serial: str | None
    is_told: bool = False


class Occupants(Protocol):
    """Who is where, as of the last scan; never waits."""

    def occupant(self, port: str) -> Occupant | None:
        """Returns the board in a port; None where USB does not tell, so that the rows have to: no
        board is there, the tree cannot be read, or it is a nameless one that they are about."""


def occupant_of(topology: LiveTopology, port: str) -> Occupant | None:
    """Returns the board in a port of the tree, None where the rows have to tell."""
    node = topology.nodes.get(port)
    if node is None or not (node.is_target or node.facts.state):
        return None
    is_told = bool(node.facts.state)
    return Occupant(node.serial or None, is_told) if node.serial or not is_told else None


async def find_device(
    devices: Devices, occupants: Occupants, *, serial: str | None, port: str | None
) -> Device:
    """Returns the board with this serial of either length, the one in this port, or where none is
    plugged in there, the one that was last at it.

    Raises `SerialMissing` unless exactly one is given, and `DeviceNotFound`.
    """
    there = occupants.occupant(port) if port and not serial else None
    if there is None or port is None:
        return await devices.get(serial=serial, port=port)
    await devices.catch_up()
    found = board_at(devices, occupants, port)
    if found is None:
        told = f"The board {there.serial}" if there.serial else "A board that has told no serial"
        raise _nothing_written(told, port)
    return found


def board_at(devices: Devices, occupants: Occupants, port: str) -> Device | None:
    """Returns the board in a port, or where none is plugged in, the one that was last at it, by
    the rows that are read; None where no row is about it."""
    there, last = occupants.occupant(port), devices.last_at(port)
    if there is None:
        return last
    named = devices.projection.devices.get(board_key(there.serial)) if there.serial else None
    is_nameless_one = there.serial and there.is_told and last and is_nameless(last.key)
    return last if named is None and is_nameless_one else named


def _nothing_written(board: str, port: str) -> DeviceNotFound:
    return DeviceNotFound(
        f"{board} is plugged in at {port}, and nothing was written of it yet; wait for its first "
        "row.",
        detail=f"Requested device: {port}",
    )
