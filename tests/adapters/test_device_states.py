"""The contract of `StateRows`, against the fake and the real adapter; then what only files do."""

import random
import tracemalloc
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.device_states import BLOCK, DeviceStates
from domain.devices.states import StateDatabaseNotOpen, StateDatabaseNotRead, StateRow, StateRows
from domain.host_paths import HostPaths
from tests.fakes.state_rows import (
    CURRENT,
    FIRST,
    LENIENT,
    WITHOUT_BOARD_TYPE,
    FakeStateRows,
    ShellStates,
    Written,
    run_sqlite,
)

pytestmark = pytest.mark.real  # the sqlite3 program: Debian package sqlite3

Write = Callable[..., None]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "srv/rpi-sb-provisioner/state.db"


@pytest.fixture
async def states(tmp_path: Path) -> AsyncIterator[DeviceStates]:
    states = DeviceStates(HostPaths(tmp_path), busy_seconds=0.1)
    yield states
    await states.aclose()


class Side:
    """A `StateRows` and the hand that writes what it reads."""

    def __init__(self, rows: StateRows, write: Write, replace: Write) -> None:
        self.rows = rows
        self.write = write
        self.replace = replace


@pytest.fixture(params=["fake", "wal", "rollback"])
def side(request: pytest.FixtureRequest, file: Path) -> Side:
    if request.param == "fake":
        fake = FakeStateRows()
        return Side(fake, fake.write, fake.replace)
    wal = request.param == "wal"
    shell = ShellStates(file, wal=wal)

    def replace(*rows: Written) -> None:
        ShellStates(file.with_name("new.db"), wal=wal).write(*rows)
        file.with_name("state.db-wal").unlink(missing_ok=True)
        file.with_name("state.db-shm").unlink(missing_ok=True)
        file.with_name("new.db").replace(file)

    return Side(request.getfixturevalue("states"), shell.write, replace)


async def collected(rows: StateRows) -> list[StateRow]:
    return [row async for batch in rows.newest_first() for row in batch]


class TestContract:
    async def test_an_empty_table_has_no_rows(self, side: Side) -> None:
        assert list(await side.rows.rows_after(0, most=10)) == []
        assert await collected(side.rows) == []
        await side.rows.probe()

    async def test_a_row_is_as_written(self, side: Side) -> None:
        side.write(Written("10000000a0b0c0d0", "1-1.4", "TRIAGE-STARTED", "O'Neil <1>.img", "18"))
        assert list(await side.rows.rows_after(0, most=10)) == [
            StateRow(
                id=1,
                serial="10000000a0b0c0d0",
                endpoint="1-1.4",
                state="TRIAGE-STARTED",
                image="O'Neil <1>.img",
                ip_address="",
                board_type="18",
                at=datetime(2026, 8, 1, 10, 0, 0, tzinfo=UTC),
            )
        ]

    async def test_rows_after_are_above_the_id_ascending_and_no_more_than_asked(
        self, side: Side
    ) -> None:
        side.write(*(Written(state=f"S{number}") for number in range(1, 8)))
        found = await side.rows.rows_after(3, most=2)
        assert [(row.id, row.state) for row in found] == [(4, "S4"), (5, "S5")]
        assert list(await side.rows.rows_after(7, most=2)) == []

    async def test_rows_are_counted_up_to_an_id(self, side: Side) -> None:
        assert await side.rows.count(up_to=9) == 0
        side.write(Written(), Written(), Written())
        assert [await side.rows.count(up_to=id) for id in (0, 2, 3, 9)] == [0, 2, 3, 3]

    async def test_newest_first_is_by_time_then_id_even_when_the_clock_stepped_back(
        self, side: Side
    ) -> None:
        times = ("2026-08-01 10:00:02", "2026-08-01 10:00:00", "2026-08-01 10:00:02", None)
        side.write(*(Written(ts=time) for time in times))
        assert [row.id for row in await collected(side.rows)] == [3, 1, 2, 4]

    async def test_a_row_without_a_time_is_the_oldest(self, side: Side) -> None:
        side.write(Written(ts=None), Written(), Written(ts=None))
        rows = await collected(side.rows)
        assert [row.id for row in rows] == [2, 3, 1]
        assert rows[1].at is None

    async def test_the_stamp_stays_until_something_is_written(self, side: Side) -> None:
        side.write(Written())
        before = await side.rows.stamp()
        assert await side.rows.stamp() == before
        side.write(Written())
        after = await side.rows.stamp()
        assert after != before
        assert after.identity == before.identity

    async def test_a_replaced_database_has_another_identity(self, side: Side) -> None:
        side.write(Written("aa"), Written("bb"))
        before = await side.rows.stamp()
        side.replace(Written("cc"))
        assert (await side.rows.stamp()).identity != before.identity
        assert [row.serial for row in await side.rows.rows_after(0, most=9)] == ["cc"]


@pytest.mark.parametrize("mode", ["wal", "rollback"])
@pytest.mark.parametrize("schema", [CURRENT, WITHOUT_BOARD_TYPE, FIRST])
async def test_every_older_table_is_read(
    file: Path, states: DeviceStates, schema: str, mode: str
) -> None:
    ShellStates(file, schema=schema, wal=mode == "wal").write(
        Written("aa", board_type="18", image="i.img")
    )
    row = (await states.rows_after(0, most=9))[0]
    assert (row.serial, row.state) == ("aa", "BOOTSTRAP-STARTED")
    assert row.board_type == ("18" if "board_type" in schema else "")
    assert row.image == ("i.img" if "image" in schema else "")
    assert await collected(states) == [row]


async def test_the_package_rebuilds_the_table_while_it_is_read(
    file: Path, states: DeviceStates
) -> None:
    ShellStates(file, schema=WITHOUT_BOARD_TYPE).write(Written("aa"))
    before, stamp = await states.rows_after(0, most=9), await states.stamp()
    run_sqlite(
        file,
        f"CREATE TABLE devices_new({CURRENT}); INSERT INTO devices_new(id,serial,endpoint,state,"
        "image,ip_address,ts) SELECT id,serial,endpoint,state,image,ip_address,ts FROM devices; "
        "DROP TABLE devices; ALTER TABLE devices_new RENAME TO devices;",
    )
    assert await states.rows_after(0, most=9) == before
    assert (await states.stamp()).identity != stamp.identity
    run_sqlite(file, "UPDATE devices SET board_type = '18';")
    assert (await states.rows_after(0, most=9))[0].board_type == "18"


_UNDER_THE_SAME_IDS = """CREATE TEMP TABLE old AS SELECT * FROM devices; UPDATE temp.old SET
 serial = 'other'; BEGIN; DELETE FROM main.devices; INSERT INTO main.devices SELECT * FROM old;"""
_ANOTHER = "INSERT INTO devices SELECT 9, 'new', '', 'S', '', '', '', '';"


@pytest.mark.parametrize("mode", ["wal", "rollback"])
@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM devices WHERE id = 2;",
        "UPDATE devices SET state = 'S' WHERE id = 1;",
        "INSERT INTO devices SELECT 0, 'low', '', 'S', '', '', '', '';",
        f"{_UNDER_THE_SAME_IDS} COMMIT;",
        f"{_UNDER_THE_SAME_IDS} {_ANOTHER} COMMIT;",
        f"BEGIN; UPDATE devices SET state = 'S' WHERE id = 3; {_ANOTHER} COMMIT;",
    ],
)
async def test_rows_that_somebody_edits_are_another_identity(
    file: Path, states: DeviceStates, mode: str, sql: str
) -> None:
    shell = ShellStates(file, wal=mode == "wal")
    shell.write(Written("aa"), Written("bb"), Written("cc"))
    before = await states.stamp()
    run_sqlite(file, sql)
    edited = await states.stamp()
    assert edited.identity != before.identity
    assert await states.stamp() == edited
    shell.write(Written("dd"))
    assert (await states.stamp()).identity == edited.identity


async def test_the_log_that_is_written_back_is_no_edit(file: Path, states: DeviceStates) -> None:
    shell = ShellStates(file)
    shell.write(Written("aa"))
    before = await states.stamp()
    for _ in range(3):
        shell.write(Written("bb"), Written("cc"))
        run_sqlite(file, "PRAGMA wal_checkpoint;")
        assert (await states.stamp()).identity == before.identity
    run_sqlite(file, "PRAGMA wal_checkpoint;")
    assert (await states.stamp()).identity == before.identity


async def test_no_null_hides_the_list(file: Path, states: DeviceStates) -> None:
    ShellStates(file, schema=LENIENT)
    run_sqlite(file, "INSERT INTO devices DEFAULT VALUES;")
    assert await collected(states) == [StateRow(1, "", "", "", "", "", "", None)]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-08-01 10:00:00", datetime(2026, 8, 1, 10, tzinfo=UTC)),
        ("2026-08-01T10:00:00.75Z", datetime(2026, 8, 1, 10, tzinfo=UTC)),
        ("2026-08-01 10:00:00+02:00", datetime(2026, 8, 1, 8, tzinfo=UTC)),
        ("0001-01-01 00:00:00+02:00", None),
        ("yesterday", None),
        ("", None),
        ("1785542400", None),
    ],
)
async def test_a_time_is_utc_or_none(
    file: Path, states: DeviceStates, text: str, moment: datetime | None
) -> None:
    ShellStates(file).write(Written(ts=text))
    assert (await states.rows_after(0, most=1))[0].at == moment


async def test_newest_first_merges_many_blocks_however_the_clock_went(
    file: Path, states: DeviceStates
) -> None:
    start, chance = datetime(2026, 8, 1, tzinfo=UTC), random.Random(7)
    seconds = [number - chance.choice((0, 0, 0, 900)) for number in range(3 * BLOCK + 17)]
    times = [f"{start + timedelta(seconds=second):%Y-%m-%d %H:%M:%S}" for second in seconds]
    ShellStates(file).write(*(Written(ts=time) for time in times))
    keys = sorted(((time, id) for id, time in enumerate(times, 1)), reverse=True)
    assert [row.id for row in await collected(states)] == [id for _, id in keys]


async def test_newest_first_takes_no_more_memory_for_more_rows(
    file: Path, states: DeviceStates
) -> None:
    ShellStates(file)
    run_sqlite(
        file,
        "INSERT INTO devices(serial,endpoint,state,image,ip_address,ts) SELECT 'a' || value, "
        "'1-1', 'S', '', '', datetime(1785542400 + value, 'unixepoch') "
        f"FROM generate_series(1, {30 * BLOCK});",
    )
    tracemalloc.start()
    try:
        sizes = [len(batch) async for batch in states.newest_first()]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(sizes) == 30 * BLOCK
    assert max(sizes) <= BLOCK
    assert peak < 30 * BLOCK * 150, "all rows at once take several times as much"


async def test_rows_that_come_while_it_streams_are_not_among_them(
    file: Path, states: DeviceStates
) -> None:
    shell = ShellStates(file)
    shell.write(*(Written() for _ in range(BLOCK + 1)))
    stream = states.newest_first()
    ids = [row.id for row in await anext(stream)]
    shell.write(Written(ts="2027-01-01 00:00:00"))
    ids += [row.id async for batch in stream for row in batch]
    assert ids == list(range(BLOCK + 1, 0, -1))


async def test_a_missing_database_has_no_rows_and_is_not_made(
    file: Path, states: DeviceStates
) -> None:
    await states.probe()
    assert await collected(states) == []
    assert (await states.stamp()).identity == ""
    assert not file.parent.exists()


async def test_a_folder_in_its_place_is_not_open(file: Path, states: DeviceStates) -> None:
    file.mkdir(parents=True)
    with pytest.raises(StateDatabaseNotOpen, match=r"/srv/rpi-sb-provisioner/state\.db"):
        await states.stamp()


async def test_garbage_is_not_read(file: Path, states: DeviceStates) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"hello, I am no database")
    with pytest.raises(StateDatabaseNotRead, match="file is not a database"):
        await collected(states)
