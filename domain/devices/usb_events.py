"""USB events: the kernel's own word that something was plugged in or out."""

from collections.abc import AsyncIterator
from typing import Protocol


class UsbEvents(Protocol):
    """Tells that there were events, not which: USB is then looked at as a whole."""

    def changes(self) -> AsyncIterator[None]:
        """Yields after any number of events since the last; raises a kind of `Unavailable` where
        there are none to be heard."""

    async def probe(self) -> None:
        """Raises why events are not heard."""
