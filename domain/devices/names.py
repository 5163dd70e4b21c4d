"""Names: what a device is asked for by, and which folders and files may be its own."""

import re
from dataclasses import dataclass

from domain.devices.devices import DeviceNotFound, Devices, SerialMissing
from domain.devices.occupants import Occupants
from domain.devices.projection import STAGE_NAMES
from domain.devices.states import StateRow
from domain.errors import Unavailable
from domain.serials import LONG, SHORT, is_real, same_board

LONGEST_NAME = 255
"""Bytes of one component of a path (path_resolution(7))."""

_UNSAFE = re.compile(rb"[^A-Za-z0-9_-]")
_SAFE = re.compile(r"[A-Za-z0-9._-]+")
_NODE = re.compile(r"/dev(?:/[A-Za-z0-9._-]+)+")
_NO_PORTS = (*STAGE_NAMES, "unknown-usb-path", "")


@dataclass(frozen=True, slots=True)
class Known:
    """What the state rows and USB tell of an identifier.

    `serial` is the one in the newest row with exactly this serial or port, else the one that the
    board in this port tells over USB; None where there is neither. `serials` are all of the
    board's. `port` is where the board is, None when another board came after it there. `node` is
    the device node's path that stands for a nameless board.
    """

    serial: str | None = None
    serials: tuple[str, ...] = ()
    port: str | None = None
    node: str | None = None


UNKNOWN = Known()


class DeviceNames:
    """Finds the other names of a device. A state database that fails counts as one that knows
    nothing (contract devices 6.6)."""

    def __init__(self, devices: Devices, occupants: Occupants) -> None:
        self._devices = devices
        self._occupants = occupants

    async def known(self, identifier: str) -> Known:
        """Returns what is known of the board with this serial, else of the one at this port."""
        try:
            row, there = await self._row(identifier), self._occupants.occupant(identifier)
            if there is not None and not (row and same_board(row.serial, there.serial or "")):
                return await self._newcomer(identifier, there.serial or "", row)
            if row is None:
                return await self._by_serial(identifier)
            if not is_real(row.serial):
                port = identifier if row.endpoint == identifier else None
                return Known(port=port, node=_node(row.serial))
            known = await self._by_serial(row.serial)
        except Unavailable:
            return UNKNOWN
        return Known(row.serial, _unique(row.serial, *known.serials), known.port)

    async def _newcomer(self, port: str, serial: str, row: StateRow | None) -> Known:
        """Returns what is known of the board in a port whose newest row does not name it."""
        if not serial:
            return Known(port=port)
        known = await self._by_serial(serial)
        names = _unique(serial, *twins(serial), *known.serials)
        if row is not None and is_real(row.serial):
            # What is kept by the port is the other board's.
            return Known(serial, names)
        return Known(serial, names, port, _node(row.serial) if row else None)

    async def _row(self, identifier: str) -> StateRow | None:
        try:
            row = await self._devices.latest_row(identifier)
        except (DeviceNotFound, SerialMissing):
            return None
        # An excluded port's row has the stage in place of the port: it is no place of any board.
        return row if row.serial == identifier or row.endpoint not in _NO_PORTS else None

    async def _by_serial(self, serial: str) -> Known:
        if not is_real(serial):
            return UNKNOWN
        try:
            device = await self._devices.get(serial=serial)
        except DeviceNotFound:
            return UNKNOWN
        known = _unique(*([device.serial] if device.serial else []), *twins(device.serial or ""))
        port = device.port
        if port and (await self._devices.get(port=port)).key != device.key:
            port = None
        return Known(None, known, port)


def required(identifier: str) -> str:
    """Returns the identifier; raises `SerialMissing` when it is empty."""
    if not identifier:
        raise SerialMissing("The serial is empty; name the device by its serial or USB path.")
    return identifier


def one_of(serial: str | None, port: str | None) -> str:
    """Returns the one of the two that is given; raises `SerialMissing` unless it is one."""
    if bool(serial) == bool(port):
        raise SerialMissing("Name the device by `serial` or by `port`, one of the two.")
    return serial or port or ""


def sanitised(identifier: str) -> str:
    """Returns the identifier as the old service names files: each byte but letters, digits, `_`
    and `-` is `_` (contract devices section 5)."""
    raw = identifier.encode("utf-8", "surrogateescape")
    return _UNSAFE.sub(b"_", raw)[:LONGEST_NAME].decode("ascii")


def folder_names(identifier: str) -> tuple[str, ...]:
    """Returns the names that a folder of this identifier may have: sanitised, then as it is
    where that is safe, dots kept (contract devices 6.3)."""
    safe = _SAFE.fullmatch(identifier) and identifier not in (".", "..")
    plain = (identifier,) if safe and len(identifier) <= LONGEST_NAME else ()
    return _unique(sanitised(identifier), *plain)


def twins(serial: str) -> tuple[str, ...]:
    """Returns the 8-digit name of a 16-digit serial; nothing for any other."""
    return (serial[-8:].lower(),) if LONG.fullmatch(serial) else ()


def is_hex_serial(serial: str) -> bool:
    """Whether this is a serial as boards have them: 8 or 16 hex digits."""
    return bool(SHORT.fullmatch(serial) or LONG.fullmatch(serial))


def _node(serial: str) -> str | None:
    is_safe = _NODE.fullmatch(serial) and ".." not in serial.split("/")
    return serial if is_safe else None


def _unique(*names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
