"""Ports without USB: a test plugs boards in and out."""

from collections.abc import Mapping
from datetime import datetime

from domain.devices.presence import Plugged


class FakePresence:
    """Satisfies `domain.devices.presence.Presence`."""

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

    def empty_since(self, port: str) -> datetime | None:
        return None
