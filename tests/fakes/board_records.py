"""Board records without a database."""

from collections.abc import Collection, Mapping
from datetime import datetime

from domain.errors import Unavailable
from domain.manufacturing.board_records import BoardRecord
from domain.serials import board_key


class FakeBoardRecords:
    """Satisfies `BoardRecords` over a dictionary; set `failure` and it is raised."""

    def __init__(self) -> None:
        self.failure: Unavailable | None = None
        self._records: dict[str, BoardRecord] = {}

    def replace(self) -> None:
        """Has the database moved away."""
        self._records.clear()

    def add(
        self,
        serial: str,
        *,
        boardname: str = "",
        processor: str = "",
        image: str = "",
        secure: bool | None = None,
        at: datetime | None = None,
    ) -> None:
        """Writes down that this board was done."""
        record = BoardRecord(
            id=len(self._records) + 1,
            serial=serial,
            boardname=boardname,
            processor=processor,
            image=image,
            secure=secure,
            at=at,
        )
        self._records[board_key(serial)] = record

    async def first_at(self) -> datetime | None:
        if self.failure is not None:
            raise self.failure
        first = min(self._records.values(), key=lambda record: record.id, default=None)
        return first.at if first else None

    async def newest_of(self, boards: Collection[str]) -> Mapping[str, BoardRecord]:
        if self.failure is not None:
            raise self.failure
        keys = {board_key(board) for board in boards}
        return {key: self._records[key] for key in keys if key in self._records}
