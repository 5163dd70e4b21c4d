"""Manufacturing: the records of finished boards, found, paged, counted and watched."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import replace
from datetime import datetime

from domain.errors import Invalid, NotFound
from domain.events import Hub
from domain.manufacturing.board_records import BoardRecord, RecordsChanged
from domain.manufacturing.export import ExportFormat
from domain.manufacturing.filters import (
    EVERYTHING,
    NEWEST_FIRST,
    OrderField,
    RecordFilter,
    RecordOrder,
)
from domain.manufacturing.listing import (
    ExportBatch,
    RecordStream,
    Rows,
    export_stream,
    legacy_stream,
)
from domain.manufacturing.record import ManufacturingRecord, Row, record_of, whole
from domain.manufacturing.record_index import (
    Added,
    RecordIndex,
    RecordIndexUnavailable,
    RecordsIndexing,
)
from domain.manufacturing.records import Place, Records, require_column
from domain.manufacturing.statistics import MOST_BUCKETS, Statistics, StatisticsQuestion
from domain.manufacturing.watching import (
    AFTER_ALL,
    BEFORE_ALL,
    RecordsCameIn,
    RecordsFrame,
    watch_added,
)
from domain.paging import CursorInvalid, Key, Page, PageRequest, cursor_of
from domain.serials import board_key, is_real

MOST_OF_DUID = 100


class RecordNotNamed(Invalid):
    """A record was asked for without saying of which board."""

    code = "RECORD_NOT_NAMED"
    title = "Missing Parameter"
    meaning = "Neither a serial nor a DUID was given, or both."
    remedy = "Name the board by its serial, of either length, or by its DUID."


class RecordNotFound(NotFound):
    """No board of this name was ever finished here."""

    code = "RECORD_NOT_FOUND"
    title = "Record Not Found"
    meaning = "The manufacturing database has no record of this board."
    remedy = "Check the serial or the DUID; a board gets its record when it is done."


class Manufacturing:
    """The records, through the shell side's table and the index beside it.

    Satisfies `domain.manufacturing.board_records.BoardRecords`. Everything raises what `Records`
    and `RecordIndex` raise.
    """

    def __init__(self, hub: Hub, records: Records, index: RecordIndex) -> None:
        self._hub = hub
        self._records = records
        self._index = index
        self._announced: int | None = None
        self._checking = asyncio.Lock()
        self._next: asyncio.Future[None] | None = None

    async def catch_up(self) -> None:
        """Takes in new records; publishes `RecordsChanged` and `RecordsCameIn` when there are
        any.

        All who ask while a check runs share the next one, so that none sees what is older than
        its question.
        """
        if self._next is None:
            self._next = asyncio.ensure_future(self._check_next())
            self._next.add_done_callback(_heard)
        await asyncio.shield(self._next)

    async def place(self) -> Place:
        """Returns where the database should be, and whether it is there."""
        return await self._records.place()

    async def probe(self) -> None:
        """Raises while the database cannot be read; a missing one is no failure."""
        await self._records.probe()

    async def count(self, wanted: RecordFilter = EVERYTHING) -> int:
        """Returns how many records are wanted; a board that was provisioned twice has two."""
        try:
            await self.catch_up()
            return await self._index.count(wanted)
        except (RecordsIndexing, RecordIndexUnavailable):
            if wanted != EVERYTHING:
                raise
            return await self._records.count()

    async def total(self, wanted: RecordFilter) -> int | None:
        """Returns how many records are wanted, None while they cannot be counted."""
        try:
            return await self.count(wanted)
        except (RecordsIndexing, RecordIndexUnavailable):
            return None

    async def page(
        self,
        wanted: RecordFilter,
        order: RecordOrder,
        request: PageRequest,
        *,
        counted: bool = False,
    ) -> Page[ManufacturingRecord]:
        """Returns a page; raises `CursorInvalid`. Its total is None unless it is `counted`, and
        while counting is not possible."""
        if wanted == EVERYTHING and order.by is OrderField.ID:
            page = await self._page_by_id(order, request)
        else:
            page = await self._page(wanted, order, request)
        return replace(page, total=await self.total(wanted)) if counted else page

    async def get(
        self, *, serial: str | None = None, duid: str | None = None
    ) -> ManufacturingRecord:
        """Returns the newest record of one board; raises `RecordNotNamed`, `RecordNotFound`."""
        if bool(serial) == bool(duid):
            raise RecordNotNamed("Name the board by `serial` or by `duid`, one of the two.")
        wanted = RecordFilter(serials=(serial,)) if serial else RecordFilter(duids=(duid or "",))
        page = await self.page(wanted, NEWEST_FIRST, PageRequest(1, None, backwards=False))
        if not page.items:
            raise RecordNotFound(
                "No record of this board is in the manufacturing database; check what was typed.",
                detail=f"Requested board: {serial or duid}",
            )
        return page.items[0]

    async def statistics(self, question: StatisticsQuestion) -> Statistics:
        """Returns how many records there are for each hour, day, board or image."""
        await self.catch_up()
        buckets = tuple(await self._index.statistics(question))
        return Statistics(buckets[:MOST_BUCKETS], complete=len(buckets) <= MOST_BUCKETS)

    async def first_at(self) -> datetime | None:
        """Returns when the first record (lowest id) was written, UTC; None where nothing tells."""
        rows = await self._rows(None, descending=False, most=1)
        return record_of(rows[0]).provisioned_at if rows else None

    async def newest_of(self, boards: Collection[str]) -> Mapping[str, BoardRecord]:
        """Returns the newest record (highest id) of each of `boards`, by `board_key`."""
        keys = {board_key(board) for board in boards if is_real(board)}
        if not keys:
            return {}
        await self.catch_up()
        ids = await self._index.newest_ids(keys)
        rows = await self._records.rows(ids.values())
        records = [_board_record(row) for row in rows]
        return {board_key(record.serial): record for record in records}

    async def with_duid(self, duid: str) -> list[ManufacturingRecord]:
        """Returns the newest `MOST_OF_DUID` records with exactly this DUID, the newest first;
        without an index the whole table is looked through. Raises `RecordsNotPrepared` for a table
        that has no DUIDs."""
        try:
            await self.catch_up()
            ids = await self._index.ids_of_duid(duid)
        except (RecordsIndexing, RecordIndexUnavailable):
            ids = await self._records.ids_of_duid(duid)
        if not ids:
            require_column("rpi_duid", await self._records.columns())
        return [record_of(row) for row in await self._records.rows(ids[:MOST_OF_DUID])]

    async def listing(self, *, limit: int | None, offset: int) -> RecordStream[Rows]:
        """Returns the rows as the old service lists them (contract manufacturing section 3).

        Raises `RecordsPathNotSet`, `RecordsMissing`, and `RecordsNotPrepared` for a table without
        times.
        """
        (await self.place()).require()
        index = self._index if await self._is_timely() else None
        return await legacy_stream(self._records, index, limit=limit, offset=offset)

    async def export(
        self, wanted: RecordFilter, order: RecordOrder, format: ExportFormat
    ) -> RecordStream[ExportBatch]:
        """Returns every wanted row for a file of this format; raises `RecordsMissing`."""
        (await self.place()).require_file()
        if wanted != EVERYTHING or order.by is not OrderField.ID:
            await self.catch_up()
        return await export_stream(
            self._records, self._index, wanted=wanted, order=order, format=format
        )

    def watch(self, *, newest: int) -> AsyncGenerator[RecordsFrame, None]:
        """Yields the `newest` records, then all that come in; raises `NewestInvalid`."""
        return watch_added(self._hub, self._records, newest=newest, known=lambda: self._announced)

    async def _check_next(self) -> None:
        async with self._checking:
            self._next = None
            added = await self._index.catch_up()
            if added is not None:
                self._publish(added)

    def _publish(self, added: Added) -> None:
        after = BEFORE_ALL if self._announced is None else self._announced
        self._announced = added.highest
        self._hub.publish(RecordsChanged(added.boards))
        self._hub.publish(RecordsCameIn(None if added.anew else after, added.highest))

    async def _is_timely(self) -> bool:
        """Whether the index can tell the order of the times' texts."""
        try:
            await self.catch_up()
            return not await self._index.has_odd_times()
        except (RecordsIndexing, RecordIndexUnavailable):
            return False

    async def _page(
        self, wanted: RecordFilter, order: RecordOrder, request: PageRequest
    ) -> Page[ManufacturingRecord]:
        await self.catch_up()
        found = await self._index.page(wanted, order, request)
        rows = await self._records.rows([_id_of(key) for key in found.keys])
        present = {whole(row.get("id")): row for row in rows}
        # A row that was removed since the index saw it is no record any more.
        keys = [key for key in found.keys if key[-1] in present]
        return Page(
            items=[record_of(present[_id_of(key)]) for key in keys],
            cursors=[cursor_of(key, order.name) for key in keys],
            has_next=found.has_next,
            has_previous=found.has_previous,
        )

    async def _page_by_id(
        self, order: RecordOrder, request: PageRequest
    ) -> Page[ManufacturingRecord]:
        """Returns a page of all records by id, which needs no index."""
        id = None if request.key is None else _checked_id(request.key)
        descending = order.descending != request.backwards
        rows = await self._rows(id, descending=descending, most=request.size + 1)
        more, rows = len(rows) > request.size, rows[: request.size]
        # Beyond an empty page there is nothing: what there is at all lies on its other side.
        start = _row_id(rows[0]) if rows else None
        around = id is not None and bool(await self._rows(start, descending=not descending, most=1))
        if request.backwards:
            rows = rows[::-1]
        return Page(
            items=[record_of(row) for row in rows],
            cursors=[cursor_of((_row_id(row),), order.name) for row in rows],
            has_next=around if request.backwards else more,
            has_previous=more if request.backwards else around,
        )

    async def _rows(self, id: int | None, *, descending: bool, most: int) -> list[Row]:
        if descending:
            start = AFTER_ALL if id is None else id
            return list(await self._records.rows_before(start, most=most))
        start = BEFORE_ALL if id is None else id
        return list(await self._records.rows_after(start, most=most))


def _heard(done: asyncio.Future[None]) -> None:
    """Takes note of a failure that nobody waited for any more; the next to ask hears of it."""
    if not done.cancelled():
        done.exception()


def _id_of(key: Key) -> int:
    return int(key[-1])


def _row_id(row: Row) -> int:
    return whole(row.get("id")) or 0


def _checked_id(key: Key) -> int:
    if len(key) != 1 or not isinstance(key[0], int) or not BEFORE_ALL <= key[0] <= AFTER_ALL:
        raise CursorInvalid("This cursor does not belong to this list; start again without one.")
    return key[0]


def _board_record(row: Row) -> BoardRecord:
    record = record_of(row)
    return BoardRecord(
        id=record.id,
        serial=record.serial,
        boardname=record.board or "",
        processor=record.processor or "",
        image=record.image or "",
        secure=record.secure,
        at=record.provisioned_at,
    )
