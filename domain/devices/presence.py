"""Presence: which boards are plugged in now, and where."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Plugged:
    """Something in a USB port that is neither hub nor placeholder.

    `serial` is what its USB descriptor tells, None where that is no real serial. `target` is
    whether it is a board that the station works on (contract devices section 9), as opposed to a
    keyboard. `since` is when this service first saw it there, UTC; None when it was there already.
    """

    port: str
    serial: str | None
    target: bool
    since: datetime | None


class Presence(Protocol):
    """What is plugged in, as of the last scan; never waits."""

    @property
    def available(self) -> bool:
        """Whether the USB tree could be read; while it cannot, absence means nothing."""

    def plugged(self) -> Mapping[str, Plugged]:
        """Returns what is plugged in, by port."""

    def empty_since(self, port: str) -> datetime | None:
        """Returns when the port was last seen empty, UTC; None when this service never saw it
        so."""
