"""Ports without USB: a test plugs boards in and out."""

from collections.abc import Mapping
from datetime import datetime

from domain.devices.occupants import Occupant
from domain.devices.presence import Plugged


class FakePresence:
    """Satisfies `domain.devices.presence.Presence` and `domain.devices.occupants.Occupants`."""

    def __init__(self, *, available: bool = True) -> None:
        self._available = available
        self._plugged: dict[str, Plugged] = {}

    @property
    def available(self) -> bool:
        return self._available

    def plug(self, port: str, serial: str | None, *, target: bool = True) -> None:
        """Plugs something in."""
        self._plugged[port] = Plugged(port, serial, target, None)

    def unplug(self, port: str) -> None:
        """Empties a port."""
        self._plugged.pop(port, None)

    def plugged(self) -> Mapping[str, Plugged]:
        return dict(self._plugged)

    def occupant(self, port: str) -> Occupant | None:
        there = self._plugged.get(port) if self._available else None
        is_board = there is not None and there.target and there.serial
        return Occupant(there.serial, is_told=True) if there and is_board else None

    def empty_since(self, port: str) -> datetime | None:
        return None
