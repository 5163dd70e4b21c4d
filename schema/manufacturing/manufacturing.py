"""The fields of manufacturing records: what GraphQL clients ask, export and follow."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar

import strawberry

from domain.manufacturing.export import ExportFormat
from domain.manufacturing.export_address import Export
from domain.manufacturing.statistics import StatisticsBy, StatisticsQuestion
from domain.manufacturing.watching import MOST_NEWEST, RecordsFrame
from domain.paging import page_request
from resolvers.manufacturing import (
    count_records,
    get_record,
    page_records,
    plan_export,
    watch_added_records,
)
from schema.connections import Connection, connection
from schema.context import Info, who
from schema.enums import describe_enum
from schema.manufacturing.filters import Order, Wanted, filter_of, order_of
from schema.manufacturing.records import ManufacturingRecord, record_of
from schema.manufacturing.statistics import ManufacturingStatistics, statistics_of
from schema.totals import asks_for

describe_enum(
    ExportFormat,
    name="ManufacturingExportFormat",
    description="How exported records are written.",
    values={
        ExportFormat.CSV: "For spreadsheets: every column, what would be a formula made harmless.",
        ExportFormat.NDJSON: "One JSON object a line, typed.",
        ExportFormat.JSON: "One JSON array of objects, typed.",
    },
)


@strawberry.type(description="Where wanted records can be fetched as a file, all of them.")
class ManufacturingExport:
    """An export."""

    url: str = strawberry.field(
        description="The path and query to GET; it may be fetched any number of times, and gives "
        "what is recorded then."
    )
    file_name: str = strawberry.field(description="A name for the file.")
    media_type: str = strawberry.field(description="The file's media type.")
    record_count: int | None = strawberry.field(
        description="How many records it has now; null while they cannot be counted."
    )


@strawberry.type(description="Records that came in: one frame of `manufacturingRecordAdded`.")
class ManufacturingRecordsAdded:
    """A frame."""

    sequence: int = strawberry.field(description="Grows; frames of one moment share it.")
    snapshot: bool = strawberry.field(
        description="True for the first frame, and when the database became another one: these "
        "are the newest of all. False for records that came in after the last frame."
    )
    records: list[ManufacturingRecord] = strawberry.field(
        description="The records, the oldest first; none is left out and none comes twice."
    )
    shareable: strawberry.Private[bool]
    # None is left out and none comes twice: nobody can begin again.
    restartable: ClassVar[bool] = False


@strawberry.type
class ManufacturingQueries:
    """Root fields about manufacturing records."""

    @strawberry.field(
        description="The manufacturing records, the newest first unless ordered otherwise."
    )
    async def manufacturing_records(
        self,
        info: Info,
        wanted: Wanted = None,
        order: Order = None,
        first: Annotated[
            int | None, strawberry.argument(description="How many from the beginning.")
        ] = None,
        after: Annotated[
            str | None, strawberry.argument(description="After the record at this cursor.")
        ] = None,
        last: Annotated[
            int | None, strawberry.argument(description="How many from the end.")
        ] = None,
        before: Annotated[
            str | None, strawberry.argument(description="Before the record at this cursor.")
        ] = None,
    ) -> Connection[ManufacturingRecord]:
        """Resolves a page."""
        chosen = order_of(order)
        page = page_request(chosen.name, first=first, after=after, last=last, before=before)
        found = await page_records(
            *who(info), wanted=filter_of(wanted), order=chosen, page=page, counted=asks_for(info)
        )
        return connection(found, record_of)

    @strawberry.field(
        description="The newest record of one board, found by either serial or by its DUID; "
        "`runs` has all of that board."
    )
    async def manufacturing_record(
        self,
        info: Info,
        serial: Annotated[
            str | None, strawberry.argument(description="Its 8 or 16 digits; else null.")
        ] = None,
        duid: Annotated[
            str | None, strawberry.argument(description="What its label's code says; else null.")
        ] = None,
    ) -> ManufacturingRecord:
        """Resolves one record."""
        return record_of(await get_record(*who(info), serial=serial, duid=duid))

    @strawberry.field(
        description="How many records there are for each hour, day, type of board or image."
    )
    async def manufacturing_statistics(
        self,
        info: Info,
        by: Annotated[StatisticsBy, strawberry.argument(description="What to count by.")],
        wanted: Wanted = None,
        utc_offset_minutes: Annotated[
            int,
            strawberry.argument(
                description="Hours and days begin as clocks say that are so far ahead of UTC."
            ),
        ] = 0,
    ) -> ManufacturingStatistics:
        """Resolves the statistics."""
        question = StatisticsQuestion(by, filter_of(wanted), timedelta(minutes=utc_offset_minutes))
        return statistics_of(await count_records(*who(info), question=question))

    @strawberry.field(description="Where to fetch all wanted records as a file.")
    async def manufacturing_export(
        self,
        info: Info,
        format: Annotated[ExportFormat, strawberry.argument(description="How it is written.")],
        wanted: Wanted = None,
        order: Order = None,
    ) -> ManufacturingExport:
        """Resolves the address."""
        export = Export(format, filter_of(wanted), order_of(order))
        counted = asks_for(info, "recordCount")
        count = await plan_export(*who(info), export=export, counted=counted)
        return ManufacturingExport(
            url=export.address,
            file_name=format.file_name(datetime.now(UTC)),
            media_type=format.media_type,
            record_count=count,
        )


@strawberry.type
class ManufacturingSubscriptions:
    """What one can watch of manufacturing records."""

    @strawberry.subscription(description="The newest records, then all that come in.")
    async def manufacturing_record_added(
        self,
        info: Info,
        newest: Annotated[
            int,
            strawberry.argument(description=f"How many records to begin with; 0 to {MOST_NEWEST}."),
        ] = 1,
    ) -> AsyncGenerator[ManufacturingRecordsAdded, None]:
        """Yields frames."""
        frames = watch_added_records(*who(info), newest=newest)
        try:
            async for frame in frames:
                yield _frame(frame)
        finally:
            await frames.aclose()


def _frame(frame: RecordsFrame) -> ManufacturingRecordsAdded:
    return ManufacturingRecordsAdded(
        sequence=frame.sequence,
        snapshot=frame.snapshot,
        records=[record_of(record) for record in frame.records],
        shareable=frame.shareable,
    )
