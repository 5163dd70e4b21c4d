"""What people and programs ask about manufacturing records."""

from collections.abc import AsyncGenerator

from domain.caller import Role
from domain.manufacturing.export_address import Export
from domain.manufacturing.filters import RecordFilter, RecordOrder
from domain.manufacturing.listing import ExportBatch, RecordStream, Rows
from domain.manufacturing.record import ManufacturingRecord
from domain.manufacturing.statistics import Statistics, StatisticsQuestion
from domain.manufacturing.watching import RecordsFrame
from domain.paging import Page, PageRequest
from resolvers.operation import Call, Effect, operation, watch


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.manufacturingRecords")
async def page_records(
    call: Call, *, wanted: RecordFilter, order: RecordOrder, page: PageRequest, counted: bool
) -> Page[ManufacturingRecord]:
    """Returns a page of the wanted records."""
    await _note(call)
    return await call.station.records.page(wanted, order, page, counted=counted)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.manufacturingRecord")
async def get_record(call: Call, *, serial: str | None, duid: str | None) -> ManufacturingRecord:
    """Returns the newest record of one board."""
    await _note(call)
    return await call.station.records.get(serial=serial, duid=duid)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.manufacturingStatistics")
async def count_records(call: Call, *, question: StatisticsQuestion) -> Statistics:
    """Returns how many records there are for each hour, day, board or image."""
    await _note(call)
    return await call.station.records.statistics(question)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.manufacturingRecords")
async def list_legacy_records(call: Call, *, limit: int | None, offset: int) -> RecordStream[Rows]:
    """Returns the rows as the old service lists them."""
    await _note(call)
    return await call.station.records.listing(limit=limit, offset=offset)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.manufacturingExport")
async def plan_export(call: Call, *, export: Export, counted: bool) -> int | None:
    """Returns how many records the export has now, None where they are not counted."""
    await _note(call)
    return await call.station.records.total(export.wanted) if counted else None


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.manufacturingExport")
async def export_records(call: Call, *, export: Export) -> tuple[Export, RecordStream[ExportBatch]]:
    """Returns every wanted row."""
    await _note(call)
    return export, await call.station.records.export(export.wanted, export.order, export.format)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.manufacturingRecords")
async def open_records_page(call: Call) -> None:
    """Shows the page, which asks for the records itself."""
    del call


@watch(role=Role.VIEWER, graphql="Subscription.manufacturingRecordAdded")
def watch_added_records(call: Call, *, newest: int) -> AsyncGenerator[RecordsFrame, None]:
    """Yields the newest records, then all that come in."""
    return call.station.records.watch(newest=newest)


async def _note(call: Call) -> None:
    """Writes down that the database is read (contract audit section 4)."""
    place = await call.station.records.place()
    call.file_access("READ", place.path, success=place.present)
