"""Heads of the chain, written down elsewhere from time to time: so a cut tail shows."""

from typing import Protocol

from domain.audit.chain import Head


class HeadJournal(Protocol):
    """A place beyond the audit log's file, such as the system's journal."""

    def tell(self, head: Head) -> None:
        """Writes the head down; never raises, and waits for nobody."""


class Chained(Protocol):
    """A log whose rows are chained."""

    @property
    def head(self) -> Head | None:
        """The newest link on the disk; None while nothing is known of it."""


class Heads:
    """Tells each new head once."""

    def __init__(self, log: Chained, journal: HeadJournal) -> None:
        self._log = log
        self._journal = journal
        self._told: Head | None = None

    async def tell(self) -> None:
        """Writes the present head down, unless it is known there."""
        head = self._log.head
        if head is not None and head != self._told:
            self._journal.tell(head)
            self._told = head
