"""Questions to the record index: the same answers as from looking at every record."""

import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.manufacturing.criteria import Thresholds
from adapters.manufacturing.record_index import SqliteRecordIndex
from domain.host_paths import HostPaths
from domain.manufacturing.filters import FlagState, OrderField, RecordFilter, RecordOrder
from domain.manufacturing.record import Cell, ConnectStatus
from domain.manufacturing.statistics import StatisticsBy, StatisticsQuestion
from domain.paging import CursorInvalid, Key, PageRequest
from tests.adapters.manufacturing.databases import create, place_of
from tests.fakes.record_index import FakeRecordIndex
from tests.fakes.records import FakeRecords, record_row

NUMBER = 240
BEGAN = datetime(2026, 7, 1, tzinfo=UTC)
ODD_TIMES: tuple[Cell, ...] = (None, "", "now", "2026-02-31 00:00:00", "2026-07-01T05:00:00+02:00")
BOARDS = ("CM5", "CM4", "5", "4B", "Zero 2 W", "", "Unsupported Board: 42")
IMAGES = ("line.img", "50%_off.img", "édition.img", "", None)


def any_row(id: int, chance: random.Random) -> dict[str, Cell]:
    """Returns a row in which everything a station may have written can occur."""
    board = chance.choice((f"{id % 40:08x}", f"10000000{id % 40:08x}", f"2000000a{id % 9:08X}"))
    minute = BEGAN + timedelta(minutes=chance.randrange(-30, 30) + 7 * id)
    usual = minute.strftime("%Y-%m-%d %H:%M:%S")
    return record_row(
        id,
        serial=chance.choice((board, board, board, "", "Broadcom")),
        boardname=chance.choice(BOARDS),
        rpi_duid=chance.choice((f"{id:016d}", "0000000000000001", "")),
        secure=chance.choice((0, 1, "")),
        jtag_locked=chance.choice((0, 1, None)),
        connect_registered=chance.choice((0, 1, None, "maybe")),
        os_image_filename=chance.choice(IMAGES),
        os_image_sha256=chance.choice(("AB" * 32, "ab" * 32, "cd" * 32, None)),
        customer_key_fingerprint=chance.choice(("ef" * 32, None)),
        provision_ts=chance.choice((usual, usual, usual, *ODD_TIMES)),
    )


def any_filter(chance: random.Random) -> RecordFilter:
    """Returns a filter of one to four members, often one that something satisfies."""
    since = BEGAN + timedelta(minutes=chance.randrange(0, 7 * NUMBER))
    later = since + timedelta(minutes=chance.choice((20, 400)))
    serial = chance.choice(("00000003", "1000000000000003", "2000000A00000003", "zz"))
    text = chance.choice(("cm", "50%_", "2C:CF:67", "00000003", "é", "\\", "nothing"))
    members: list[Callable[[RecordFilter], RecordFilter]] = [
        lambda made: replace(made, serials=(serial,)),
        lambda made: replace(made, duids=("0000000000000001",)),
        lambda made: replace(made, boards=tuple(chance.sample(BOARDS[:5], 2))),
        lambda made: replace(made, processors=("BCM2712",)),
        lambda made: replace(made, images=(chance.choice(("line.img", "édition.img")),)),
        lambda made: replace(made, image_hashes=("Ab" * 32,)),
        lambda made: replace(made, key_fingerprints=("EF" * 32,)),
        lambda made: replace(made, secure=chance.choice(list(FlagState))),
        lambda made: replace(made, jtag_locked=chance.choice(list(FlagState))),
        lambda made: replace(made, connect_status=chance.choice(list(ConnectStatus))),
        lambda made: replace(made, since=since),
        lambda made: replace(made, since=since, until=later),
        lambda made: replace(made, text=text),
    ]
    made = RecordFilter()
    for member in chance.sample(members, chance.choice((1, 1, 2, 3, 4))):
        made = member(made)
    return made


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Cell]]:
    chance = random.Random(4)
    return [any_row(id, chance) for id in range(-3, 3 * NUMBER, 3)]


@pytest.fixture(params=[Thresholds(), Thresholds(few=3, branches=2)], ids=["few", "many"])
async def index(
    request: pytest.FixtureRequest, rows: list[dict[str, Cell]], tmp_path: Path
) -> AsyncIterator[SqliteRecordIndex]:
    """An index, with the ways for few rows and with those for many."""
    create(place_of(tmp_path), rows)
    index = SqliteRecordIndex(HostPaths(tmp_path), lambda: None, thresholds=request.param)
    await index.catch_up()
    yield index
    await index.aclose()


@pytest.fixture
def oracle(rows: list[dict[str, Cell]]) -> FakeRecordIndex:
    return FakeRecordIndex(FakeRecords(rows))


@pytest.mark.parametrize("by", OrderField)
async def test_every_page_is_what_looking_at_every_record_gives(
    index: SqliteRecordIndex, oracle: FakeRecordIndex, by: OrderField
) -> None:
    chance = random.Random(by)
    for _ in range(30):
        wanted = any_filter(chance)
        order = RecordOrder(by, descending=chance.choice((True, False)))
        size, backwards = chance.choice((1, 7, 300)), chance.choice((True, False))
        key: Key | None = None
        for _ in range(4):
            request = PageRequest(size, key, backwards)
            found = await index.page(wanted, order, request)
            expected = await oracle.page(wanted, order, request)
            assert list(found.keys) == list(expected.keys), (wanted, order, request)
            assert found.has_next == expected.has_next, (wanted, order, request)
            assert found.has_previous == expected.has_previous, (wanted, order, request)
            key = (found.keys[0] if backwards else found.keys[-1]) if found.keys else key


async def test_every_count_is_what_looking_at_every_record_gives(
    index: SqliteRecordIndex, oracle: FakeRecordIndex
) -> None:
    chance = random.Random(1)
    for _ in range(80):
        wanted = any_filter(chance)
        assert await index.count(wanted) == await oracle.count(wanted), wanted


@pytest.mark.parametrize("by", StatisticsBy)
async def test_statistics_are_what_looking_at_every_record_gives(
    index: SqliteRecordIndex, oracle: FakeRecordIndex, by: StatisticsBy
) -> None:
    chance = random.Random(2)
    for wanted in [RecordFilter(), *(any_filter(chance) for _ in range(20))]:
        question = StatisticsQuestion(by, wanted, timedelta(minutes=chance.choice((0, 90, -300))))
        assert await index.statistics(question) == await oracle.statistics(question), question


async def test_pages_meet_without_a_gap_or_a_repetition(index: SqliteRecordIndex) -> None:
    seen, key, order = list[Key](), None, RecordOrder(OrderField.SERIAL, descending=False)
    while True:
        found = await index.page(RecordFilter(), order, PageRequest(9, key, backwards=False))
        seen += found.keys
        if not found.has_next:
            break
        key = found.keys[-1]
    assert len(seen) == len(set(seen)) == NUMBER + 1
    assert seen == sorted(seen, key=lambda key: (str(key[0]).encode(), key[1]))


async def test_some_may_be_left_out_before_the_page(
    index: SqliteRecordIndex, oracle: FakeRecordIndex
) -> None:
    order, request = RecordOrder(OrderField.TIME), PageRequest(10, None, backwards=False)
    for skip in (0, 5, NUMBER, 10 * NUMBER):
        found = await index.page(RecordFilter(), order, request, skip=skip)
        assert found == await oracle.page(RecordFilter(), order, request, skip=skip)


@pytest.mark.parametrize(
    ("by", "key"),
    [
        (OrderField.ID, ("a",)),
        (OrderField.ID, (1, 2)),
        (OrderField.ID, (2**63,)),
        (OrderField.TIME, ("a", 1)),
        (OrderField.TIME, (-(2**64), 1)),
        (OrderField.SERIAL, (1, 1)),
        (OrderField.SERIAL, ("\ud800", 1)),
        (OrderField.BOARD, ("CM5",)),
    ],
)
async def test_a_key_of_another_kind_is_refused(
    index: SqliteRecordIndex, by: OrderField, key: Key
) -> None:
    with pytest.raises(CursorInvalid):
        await index.page(RecordFilter(), RecordOrder(by), PageRequest(1, key, backwards=False))


async def test_boards_and_duids_are_looked_up(
    index: SqliteRecordIndex, oracle: FakeRecordIndex
) -> None:
    boards = [f"{number:08x}" for number in range(60)]
    assert await index.newest_ids(boards) == await oracle.newest_ids(boards)
    for duid in ("0000000000000001", "0000000000000003", "nothing"):
        assert await index.ids_of_duid(duid) == await oracle.ids_of_duid(duid)


async def test_times_that_the_station_never_writes_are_noticed(index: SqliteRecordIndex) -> None:
    assert await index.has_odd_times()
