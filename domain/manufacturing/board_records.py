"""Board records: what the newest manufacturing record of each board says of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.events import Event


@dataclass(frozen=True, slots=True)
class BoardRecord:
    """The columns of a manufacturing record that tell what a board is (contract devices section 8).

    Texts are as written, empty where the column is absent, NULL or empty. `secure` is None where
    the station wrote neither 0 nor 1. `at` is UTC, to the second; None where the text is no time.
    """

    id: int
    serial: str
    boardname: str
    processor: str
    image: str
    secure: bool | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class RecordsChanged(Event):
    """Records were added for these boards (by `domain.serials.board_key`), or everything was read
    anew (empty)."""

    keys: frozenset[str]


class BoardRecords(Protocol):
    """Finds records by board. Raises what `domain.manufacturing.records.Records` raises."""

    async def first_at(self) -> datetime | None:
        """Returns when the first record (lowest id) of any board was written, UTC; None where
        there is none, or its text is no time."""

    async def newest_of(self, boards: Collection[str]) -> Mapping[str, BoardRecord]:
        """Returns the newest record (highest id) of each of `boards`, by `board_key`; a board
        without one is absent."""
