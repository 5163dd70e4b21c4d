"""What files and records tell: when logs were last written to, and the records of a board."""

from collections.abc import Sequence

from domain.devices.log_files import LogFile
from domain.devices.logs import DeviceLogs
from domain.manufacturing.filters import NEWEST_FIRST, find_board_filter
from domain.manufacturing.manufacturing import Manufacturing
from domain.manufacturing.record import ManufacturingRecord
from domain.paging import MOST, PageRequest
from domain.timeline.boards import Board
from domain.timeline.entries import TimelineEntry, TimelineKind, Wanted, newer_first, place


class LogStory:
    """Tells from the log folder."""

    kinds = frozenset((TimelineKind.LOG_WRITTEN,))

    def __init__(self, logs: DeviceLogs) -> None:
        self._logs = logs

    async def tell(self, board: Board, wanted: Wanted) -> Sequence[TimelineEntry]:
        """Returns the newest of the board's logs."""
        identifier = board.serials[0] if board.serials else board.port
        files = await self._logs.list_files(identifier) if identifier else []
        return wanted.pick(map(_written, files))


class RecordStory:
    """Tells from the manufacturing records."""

    kinds = frozenset((TimelineKind.RECORD_WRITTEN,))

    def __init__(self, records: Manufacturing) -> None:
        self._records = records

    async def tell(self, board: Board, wanted: Wanted) -> Sequence[TimelineEntry]:
        """Returns the newest of the board's records, of which the newest 500 are looked at."""
        same = find_board_filter(board.serials[0]) if board.serials else None
        if same is None:
            return []
        request = PageRequest(MOST, None, backwards=False)
        page = await self._records.page(same, NEWEST_FIRST, request)
        return wanted.pick(map(_recorded, page.items))


def _written(file: LogFile) -> TimelineEntry:
    kind = TimelineKind.LOG_WRITTEN
    return TimelineEntry(
        kind=kind,
        key=place(kind, file.modified_at, file.path),
        at=file.modified_at,
        text=f"The {file.kind.value} log was last written to; it has {file.size} bytes.",
        log=file,
    )


def _recorded(record: ManufacturingRecord) -> TimelineEntry:
    kind = TimelineKind.RECORD_WRITTEN
    return TimelineEntry(
        kind=kind,
        key=place(kind, record.provisioned_at, newer_first(record.id)),
        at=record.provisioned_at,
        text=f"Manufacturing record {record.id} was written.",
        record=record,
    )
