"""The port between the timeline and whatever tells of boards."""

from collections.abc import Sequence
from typing import Protocol

from domain.timeline.boards import Board
from domain.timeline.entries import TimelineEntry, TimelineKind, Wanted


class Source(Protocol):
    """One teller. Raises a kind of `Unavailable` while it cannot tell."""

    kinds: frozenset[TimelineKind]

    async def tell(self, board: Board, wanted: Wanted) -> Sequence[TimelineEntry]:
        """Returns what is wanted of the board, in the timeline's order."""
