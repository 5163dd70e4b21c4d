import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest

from domain.events import Hub
from domain.manufacturing.board_records import BoardRecord, RecordsChanged
from domain.manufacturing.export import ExportFormat, ExportText
from domain.manufacturing.filters import (
    EVERYTHING,
    NEWEST_FIRST,
    OrderField,
    RecordFilter,
    RecordOrder,
)
from domain.manufacturing.listing import BATCH, ExportBatch, RecordStream, Rows
from domain.manufacturing.manufacturing import Manufacturing, RecordNotFound, RecordNotNamed
from domain.manufacturing.record_index import RecordIndexUnavailable, RecordsIndexing
from domain.manufacturing.records import (
    Place,
    RecordsMissing,
    RecordsNotFetched,
    RecordsNotPrepared,
    RecordsPathNotSet,
)
from domain.manufacturing.statistics import StatisticsBy, StatisticsQuestion
from domain.paging import CursorInvalid, Key, PageRequest, key_of
from tests.fakes.record_index import FakeRecordIndex
from tests.fakes.records import FakeRecords, record_row

OLDEST_FIRST = RecordOrder(descending=False)
CM4 = RecordFilter(boards=("CM4",))
PATH = "/srv/rpi-sb-provisioner/manufacturing.db"


class Room:
    """The feature over fakes."""

    def __init__(self, number: int = 0) -> None:
        self.hub = Hub()
        self.records = FakeRecords([record_row(id) for id in range(1, number + 1)])
        self.index = FakeRecordIndex(self.records)
        self.manufacturing = Manufacturing(self.hub, self.records, self.index)

    async def ids(
        self,
        wanted: RecordFilter = EVERYTHING,
        order: RecordOrder = NEWEST_FIRST,
        *,
        size: int = 500,
        key: Key | None = None,
        backwards: bool = False,
    ) -> list[int]:
        page = await self.manufacturing.page(wanted, order, PageRequest(size, key, backwards))
        return [record.id for record in page.items]


async def all_ids(stream: RecordStream[Rows] | RecordStream[ExportBatch]) -> list[object]:
    batches = [batch async for batch in stream.batches]
    return [row["id"] for batch in batches if not isinstance(batch, str) for row in batch]


async def test_pages_of_everything_need_no_index() -> None:
    room = Room(10)
    room.index.failure = RecordsIndexing("being made")
    assert await room.ids(size=3) == [10, 9, 8]
    assert await room.ids(size=3, key=(8,)) == [7, 6, 5]
    assert await room.ids(size=3, key=(5,), backwards=True) == [8, 7, 6]
    assert await room.ids(size=3, backwards=True) == [3, 2, 1]
    assert await room.ids(order=OLDEST_FIRST, size=2, key=(2,)) == [3, 4]


@pytest.mark.parametrize(
    ("request_", "around"),
    [
        (PageRequest(3, None, backwards=False), (True, False)),
        (PageRequest(3, (8,), backwards=False), (True, True)),
        (PageRequest(3, (4,), backwards=False), (False, True)),
        (PageRequest(3, (1,), backwards=False), (False, True)),
        (PageRequest(3, None, backwards=True), (False, True)),
        (PageRequest(3, (8,), backwards=True), (True, False)),
    ],
)
async def test_a_page_tells_what_lies_around_it(
    request_: PageRequest, around: tuple[bool, bool]
) -> None:
    page = await Room(10).manufacturing.page(EVERYTHING, NEWEST_FIRST, request_)
    assert (page.has_next, page.has_previous) == around


async def test_a_filtered_page_comes_from_the_index_and_carries_cursors() -> None:
    room = Room(5)
    room.records.add(record_row(9, boardname="CM4", serial="b"))
    order = RecordOrder(OrderField.SERIAL)
    page = await room.manufacturing.page(
        CM4, order, PageRequest(5, None, backwards=False), counted=True
    )
    assert [record.id for record in page.items] == [9]
    assert key_of(page.cursors[0], order.name) == ("b", 9)
    assert page.total == 1


async def test_a_row_that_went_away_after_it_was_found_is_left_out() -> None:
    room = Room(3)
    stale = FakeRecordIndex(FakeRecords([record_row(id) for id in (1, 2, 3, 4)]))
    manufacturing = Manufacturing(room.hub, room.records, stale)
    order, request = RecordOrder(OrderField.TIME), PageRequest(5, None, backwards=False)
    page = await manufacturing.page(EVERYTHING, order, request)
    assert [record.id for record in page.items] == [3, 2, 1]
    assert len(page.cursors) == 3


@pytest.mark.parametrize("key", [("a",), (1, 2), (2**63,)])
async def test_a_cursor_of_another_list_is_refused(key: Key) -> None:
    with pytest.raises(CursorInvalid):
        await Room(3).ids(key=key)


async def test_a_total_that_cannot_be_counted_is_none() -> None:
    room = Room(3)
    room.index.failure = RecordIndexUnavailable("no room")
    assert await room.manufacturing.total(CM4) is None
    assert await room.manufacturing.total(EVERYTHING) == 3
    with pytest.raises(RecordIndexUnavailable):
        await room.manufacturing.count(CM4)


async def test_the_newest_record_of_a_board_is_found_by_either_serial_and_by_duid() -> None:
    room = Room(3)
    room.records.add(record_row(8, serial="1000000000000002", rpi_duid="x"))
    for serial in ("1000000000000002", "00000002"):
        assert (await room.manufacturing.get(serial=serial)).id == 8
    assert (await room.manufacturing.get(duid="0000000000000002")).id == 2


@pytest.mark.parametrize(("serial", "duid"), [(None, None), ("a", "b"), ("", None)])
async def test_exactly_one_name_is_needed(serial: str | None, duid: str | None) -> None:
    with pytest.raises(RecordNotNamed):
        await Room(1).manufacturing.get(serial=serial, duid=duid)


async def test_an_unknown_board_is_not_found() -> None:
    with pytest.raises(RecordNotFound) as caught:
        await Room(1).manufacturing.get(serial="deadbeef")
    assert "deadbeef" in caught.value.detail


async def test_the_newest_of_boards_is_told_by_their_key() -> None:
    room = Room(2)
    room.records.add(
        record_row(7, serial="00000001", secure="", os_image_filename=None, provision_ts="x")
    )
    found = await room.manufacturing.newest_of(
        ["1000000000000001", "00000002", "deadbeef", "", "Broadcom", "/dev/x"]
    )
    assert found == {
        "00000001": BoardRecord(7, "00000001", "CM5", "BCM2712", "", None, None),
        "00000002": BoardRecord(
            id=2,
            serial="1000000000000002",
            boardname="CM5",
            processor="BCM2712",
            image="line.img",
            secure=True,
            at=datetime(2026, 7, 1, 0, 2, tzinfo=UTC),
        ),
    }


@pytest.mark.parametrize(
    ("times", "expected"),
    [((), None), (("x", "2026-07-01 00:02:00"), None), (("2026-07-01 00:02:00", "x"), 2)],
)
async def test_when_records_began_to_be_kept_is_told_by_the_first_one(
    times: tuple[str, ...], expected: int | None
) -> None:
    room = Room()
    for id, text in enumerate(times, 1):
        room.records.add(record_row(id, provision_ts=text))
    found = await room.manufacturing.first_at()
    assert found == (datetime(2026, 7, 1, 0, expected, tzinfo=UTC) if expected else None)


async def test_nothing_is_asked_for_boards_that_have_no_serial() -> None:
    room = Room(1)
    room.records.failure = RecordsNotFetched("locked")
    assert await room.manufacturing.newest_of(["Broadcom", ""]) == {}


async def test_new_records_are_published_with_their_boards() -> None:
    room = Room(1)
    await room.manufacturing.catch_up()
    with room.hub.subscribe(RecordsChanged) as subscription:
        await room.manufacturing.catch_up()
        room.records.add(record_row(2))
        await asyncio.gather(*(room.manufacturing.catch_up() for _ in range(5)))
        published = await asyncio.wait_for(subscription.next(), 5)
    assert getattr(published, "event", None) == RecordsChanged(frozenset({"00000002"}))


async def test_records_with_a_duid_are_found_without_an_index_too() -> None:
    room = Room(3)
    room.index.failure = RecordsIndexing("being made")
    [record] = await room.manufacturing.with_duid("0000000000000002")
    assert record.id == 2


async def test_statistics_say_whether_they_are_whole() -> None:
    room = Room(1001)
    for id, row in room.records.by_id.items():
        room.records.add({**row, "os_image_filename": f"{id}.img"})
    counted = await room.manufacturing.statistics(StatisticsQuestion(StatisticsBy.IMAGE))
    assert (len(counted.buckets), counted.complete) == (1000, False)
    counted = await room.manufacturing.statistics(StatisticsQuestion(StatisticsBy.BOARD))
    assert [(bucket.name, bucket.records) for bucket in counted.buckets] == [("CM5", 1001)]
    assert counted.complete


@pytest.fixture(params=["index", "odd times", "no index"])
def listed(request: pytest.FixtureRequest) -> Room:
    """A room whose listing takes each of its ways; id 2000 has the oldest time."""
    room = Room(BATCH + 20)
    room.records.add(record_row(2000, provision_ts="2020-01-01 00:00:00"))
    room.index.odd = request.param == "odd times"
    if request.param == "no index":
        room.index.failure = RecordsIndexing("being made")
    return room


@pytest.mark.parametrize(
    ("limit", "offset"), [(None, 0), (5, 0), (5, 3), (BATCH, 10), (None, 515), (9, 10000), (1, 520)]
)
async def test_the_old_listing_is_by_time_with_limit_and_offset(
    listed: Room, limit: int | None, offset: int
) -> None:
    ids = [*range(BATCH + 20, 0, -1), 2000]
    expected = ids[offset:] if limit is None else ids[offset : offset + limit]
    stream = await listed.manufacturing.listing(limit=limit, offset=offset)
    assert await all_ids(stream) == expected


async def test_the_old_listing_says_what_is_missing() -> None:
    room = Room(1)
    room.records.where = Place(PATH, configured=False, present=True)
    with pytest.raises(RecordsPathNotSet):
        await room.manufacturing.listing(limit=None, offset=0)
    room.records.where = Place(PATH, configured=True, present=False)
    with pytest.raises(RecordsMissing) as caught:
        await room.manufacturing.listing(limit=None, offset=0)
    assert caught.value.detail == f"Path: {PATH}"


async def test_a_table_without_times_cannot_be_listed_and_one_without_columns_is_empty() -> None:
    room = Room()
    room.records.add({"id": 1, "serial": "a"})
    with pytest.raises(RecordsNotPrepared, match="provision_ts"):
        await room.manufacturing.listing(limit=None, offset=0)
    stream = await Room().manufacturing.listing(limit=None, offset=0)
    assert (stream.columns, await all_ids(stream)) == ((), [])


@pytest.mark.parametrize("order", [NEWEST_FIRST, OLDEST_FIRST, RecordOrder(OrderField.TIME)])
@pytest.mark.parametrize("wanted", [EVERYTHING, RecordFilter(boards=("CM5",))])
async def test_an_export_has_every_wanted_row_in_order(
    order: RecordOrder, wanted: RecordFilter
) -> None:
    room = Room(2 * BATCH + 1)
    stream = await room.manufacturing.export(wanted, order, ExportFormat.NDJSON)
    ids = list(range(2 * BATCH + 1, 0, -1))
    assert await all_ids(stream) == (ids if order.descending else ids[::-1])
    assert "provision_ts" in stream.columns


@pytest.mark.parametrize("format", ExportFormat)
async def test_an_export_that_fails_on_the_way_says_so_after_what_was_read(
    format: ExportFormat,
) -> None:
    room = Room(3 * BATCH)
    stream = await room.manufacturing.export(EVERYTHING, NEWEST_FIRST, format)
    assert await anext(aiter(stream.batches))
    room.records.failure = RecordsNotFetched("the disk is gone")
    with pytest.raises(RecordsNotFetched):
        await all_ids(stream)


async def test_who_leaves_an_export_leaves_nothing_running() -> None:
    room = Room(3 * BATCH)
    stream = await room.manufacturing.export(EVERYTHING, NEWEST_FIRST, ExportFormat.CSV)
    assert isinstance(stream.batches, AsyncGenerator)
    await anext(stream.batches)
    await stream.batches.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_export_of_everything_needs_no_index() -> None:
    room = Room(3)
    room.index.failure = RecordIndexUnavailable("no room")
    stream = await room.manufacturing.export(EVERYTHING, NEWEST_FIRST, ExportFormat.NDJSON)
    assert await all_ids(stream) == [3, 2, 1]


@pytest.mark.parametrize("wanted", [EVERYTHING, RecordFilter(boards=("CM5", "CM4"))])
async def test_a_batch_of_csv_is_text_unless_something_in_it_needs_care(
    wanted: RecordFilter,
) -> None:
    room = Room(3 * BATCH)
    room.records.add(record_row(BATCH + 3, customer_key_label='=HYPERLINK("x")'))
    room.records.add(record_row(2 * BATCH + 3, mmc_size=1.5))
    stream = await room.manufacturing.export(wanted, OLDEST_FIRST, ExportFormat.CSV)
    text = ExportText(ExportFormat.CSV, stream.columns)
    batches = [batch async for batch in stream.batches]
    precise = [
        text.rows(list(room.records.by_id.values())[n : n + BATCH])
        for n in range(0, 3 * BATCH, BATCH)
    ]
    assert [isinstance(batch, str) for batch in batches] == [True, False, False]
    assert [text.rows(batch) for batch in batches] == precise
    assert b"'=HYPERLINK" in precise[1]
