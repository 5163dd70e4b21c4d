"""Listings of manufacturing records: all that are wanted, in batches, whatever their number."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.manufacturing.export import CsvText, ExportFormat, plain_csv
from domain.manufacturing.filters import EVERYTHING, OrderField, RecordFilter, RecordOrder
from domain.manufacturing.record import Row
from domain.manufacturing.record_index import RecordIndex
from domain.manufacturing.records import Records, require_column
from domain.manufacturing.watching import AFTER_ALL, BEFORE_ALL
from domain.paging import Key, PageRequest

BATCH = 500
"""How many rows are in memory at once: some hundred KiB."""
BY_ID = RecordOrder(OrderField.ID)
BY_TIME = RecordOrder(OrderField.TIME)
TIME_COLUMN = "provision_ts"


Rows = Sequence[Row]
ExportBatch = Rows | CsvText
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class RecordStream(Generic[B]):
    """Rows as they were written, or their text. `columns` are the table's own, in its order; a row
    may lack some when the table is rebuilt meanwhile."""

    columns: tuple[str, ...]
    batches: AsyncIterator[B]


async def legacy_stream(
    records: Records, index: RecordIndex | None, *, limit: int | None, offset: int
) -> RecordStream[Rows]:
    """Returns the rows by time, the newest first (contract manufacturing section 3).

    Without an `index` the whole table is sorted. Raises `RecordsNotPrepared` for a table without
    times.
    """
    columns = await records.columns()
    require_column(TIME_COLUMN, columns)
    ids = _sorted_ids(records) if index is None else _ids(index, EVERYTHING, BY_TIME, skip=offset)
    skipped = offset if index is None else 0
    return RecordStream(columns, _rows(records, _cut(ids, skipped, limit)))


async def export_stream(
    records: Records,
    index: RecordIndex,
    *,
    wanted: RecordFilter,
    order: RecordOrder,
    format: ExportFormat,
) -> RecordStream[ExportBatch]:
    """Returns all wanted rows in this order; for CSV as its text wherever that is as plain as the
    rows are."""
    columns = await records.columns()
    if wanted == EVERYTHING and order.by is OrderField.ID:
        ids = _by_id(records, descending=order.descending)
    else:
        ids = _ids(index, wanted, order)
    is_csv = format is ExportFormat.CSV
    batches = _csv(records, ids, columns) if is_csv else _rows(records, ids)
    return RecordStream(columns, _ahead(batches))


async def _by_id(records: Records, *, descending: bool) -> AsyncGenerator[Sequence[int], None]:
    last = AFTER_ALL if descending else BEFORE_ALL
    while ids := await records.next_ids(last, most=BATCH, descending=descending):
        yield ids
        last = ids[-1]


async def _ids(
    index: RecordIndex, wanted: RecordFilter, order: RecordOrder, *, skip: int = 0
) -> AsyncGenerator[Sequence[int], None]:
    key: Key | None = None
    while True:
        request = PageRequest(BATCH, key, backwards=False)
        found = await index.page(wanted, order, request, skip=skip)
        if found.keys:
            yield [int(key[-1]) for key in found.keys]
            key, skip = found.keys[-1], 0
        if not found.has_next or not found.keys:
            return


async def _sorted_ids(records: Records) -> AsyncGenerator[Sequence[int], None]:
    ids = await records.ids_by_time()
    for first in range(0, len(ids), BATCH):
        yield ids[first : first + BATCH]


async def _cut(
    batches: AsyncGenerator[Sequence[int], None], offset: int, limit: int | None
) -> AsyncGenerator[Sequence[int], None]:
    """Yields at most `limit` ids after the first `offset`."""
    async for batch in batches:
        kept = batch[offset:]
        offset = max(0, offset - len(batch))
        kept = kept if limit is None else kept[:limit]
        if kept:
            yield kept
        limit = None if limit is None else limit - len(kept)
        if limit == 0:
            return


async def _rows(
    records: Records, batches: AsyncGenerator[Sequence[int], None]
) -> AsyncGenerator[Sequence[Row], None]:
    async for ids in batches:
        rows = await records.rows(ids)
        if rows:
            yield rows


async def _csv(
    records: Records, batches: AsyncGenerator[Sequence[int], None], columns: Sequence[str]
) -> AsyncGenerator[ExportBatch, None]:
    async for ids in batches:
        lines = await records.json_lines(ids, columns)
        plain = await asyncio.to_thread(plain_csv, lines, len(columns)) if lines else None
        rows = await records.rows(ids) if plain is None else plain
        if rows:
            yield rows


async def _ahead(batches: AsyncGenerator[B, None]) -> AsyncGenerator[B, None]:
    """Yields what `batches` yields; the next one is made while one is on its way."""

    async def next_one() -> B | None:
        async for batch in batches:
            return batch
        return None

    coming = asyncio.create_task(next_one())
    try:
        while (batch := await coming) is not None:
            coming = asyncio.create_task(next_one())
            yield batch
    finally:
        coming.cancel()
        # Whoever went away is told of nothing that failed since.
        await asyncio.gather(coming, return_exceptions=True)
        await batches.aclose()
