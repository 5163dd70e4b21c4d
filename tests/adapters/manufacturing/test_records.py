from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import pytest

from adapters.foreign_sqlite import ForeignDatabase
from adapters.foreign_table import Select
from adapters.manufacturing.records import FAILURES, ManufacturingRecords
from domain.host_paths import HostPaths
from domain.manufacturing.export import ExportFormat, ExportText, plain_csv
from domain.manufacturing.records import (
    Records,
    RecordsNotFetched,
    RecordsNotOpen,
    RecordsNotPrepared,
)
from tests.fakes.records import CURRENT, VARIANTS, FakeRecords, insert_sql, record_row
from tests.fakes.state_rows import run_sqlite

pytestmark = pytest.mark.real  # the sqlite3 program: Debian package sqlite3

LOGICAL = "/srv/rpi-sb-provisioner/manufacturing.db"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "srv/rpi-sb-provisioner").mkdir(parents=True)
    return tmp_path / "srv/rpi-sb-provisioner/manufacturing.db"


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[ManufacturingRecords]:
    records = ManufacturingRecords(HostPaths(tmp_path), lambda: LOGICAL, busy_seconds=0.1)
    yield records
    await records.aclose()


def make(file: Path, schema: str, *serials: str, mode: str = "wal") -> None:
    table = f"PRAGMA journal_mode={mode}; CREATE TABLE devices({schema});"
    run_sqlite(file, table + insert_sql(schema, *serials))


@pytest.mark.parametrize("mode", ["wal", "delete"])
@pytest.mark.parametrize("schema", VARIANTS.values(), ids=VARIANTS)
async def test_records_of_every_table_a_station_may_have_are_counted(
    file: Path, records: ManufacturingRecords, schema: str, mode: str
) -> None:
    make(file, schema, "10000000a0b0c0d0", "10000000a0b0c0d0", mode=mode)
    await records.probe()
    assert await records.count() == 2
    run_sqlite(file, insert_sql(schema, "10000000a0b0c0d1"))
    assert await records.count() == 3


@pytest.mark.parametrize("schema", VARIANTS.values(), ids=VARIANTS)
async def test_a_row_has_the_columns_of_its_table_and_no_others(
    file: Path, tmp_path: Path, schema: str
) -> None:
    make(file, schema, "10000000a0b0c0d0")
    database = ForeignDatabase(HostPaths(tmp_path), lambda: LOGICAL, failures=FAILURES)
    newest = Select(order="{provision_ts} DESC, devices.id DESC", limit=1)
    row = (await database.rows(newest))[0]
    await database.aclose()
    assert [f"{name} " in schema for name in row] == [True] * (schema.count(",") + 1)
    assert row["serial"] == "10000000a0b0c0d0"
    assert row.get("secure", "absent") == ("" if "secure" in schema else "absent")
    assert row.get("jtag_locked") is None


async def test_a_missing_file_and_a_new_empty_one_have_no_records(
    file: Path, records: ManufacturingRecords
) -> None:
    assert await records.count() == 0
    assert not file.exists(), "the file's existence switches recording on (contract devices Q6)"
    file.touch()
    assert await records.count() == 0
    await records.probe()


async def test_the_configured_path_is_followed_when_it_changes(file: Path, tmp_path: Path) -> None:
    make(file, CURRENT, "a", "b")
    make(file.with_name("line3.db"), CURRENT, "c")
    configured = [LOGICAL]
    records = ManufacturingRecords(HostPaths(tmp_path), lambda: configured[0])
    assert await records.count() == 2
    configured[0] = "/srv/rpi-sb-provisioner/line3.db"
    assert await records.count() == 1
    configured[0] = ""
    assert await records.count() == 0
    await records.aclose()


async def test_a_folder_in_its_place_is_not_open(file: Path, records: ManufacturingRecords) -> None:
    file.mkdir()
    with pytest.raises(RecordsNotOpen, match=LOGICAL) as caught:
        await records.probe()
    assert caught.value.code == "DB_OPEN_ERROR"


async def test_no_database_is_not_prepared(file: Path, records: ManufacturingRecords) -> None:
    file.write_bytes(b"hello, I am no database")
    with pytest.raises(RecordsNotPrepared, match="file is not a database") as caught:
        await records.count()
    assert caught.value.code == "SQL_PREPARE_ERROR"


async def test_a_damaged_file_is_not_fetched(file: Path, records: ManufacturingRecords) -> None:
    make(file, CURRENT, *(f"{number:016x}" for number in range(200)), mode="delete")
    with file.open("r+b") as damaged:
        damaged.truncate(8192)
    with pytest.raises(RecordsNotFetched, match="malformed") as caught:
        await records.count()
    assert caught.value.code == "DB_FETCH_ERROR"


PLAIN = ["'CM5'", "''", "'null'", "'a[b]{c}'", "'ü✓'", "'a-b'", "7", "9007199254740993"]
CAREFUL = [
    "'a,b'", "'say \"hi\"'", "'back\\slash'", "'two' || char(10) || 'lines'", "'tab' || char(9)",
    "'nul' || char(0) || '=1'", "'=1+1'", "'+1'", "'@x'", "'-x'", "-5", "1.5", "1e300", "x'00ff'",
    "CAST(x'ff41' AS TEXT)",
]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("provision_ts", "NULL"),
        *product(("boardname", "mmc_size", "provision_ts"), PLAIN + CAREFUL),
    ],
)
async def test_what_is_plain_is_what_the_writer_of_csv_makes(
    file: Path, records: ManufacturingRecords, column: str, cell: str
) -> None:
    make(file, CURRENT, "10000000a0b0c0d0", "10000000a0b0c0d1")
    run_sqlite(file, f"UPDATE devices SET {column} = {cell} WHERE id = 2")
    columns, ids = await records.columns(), [2, 1]
    assert await records.next_ids(3, most=5, descending=True) == ids
    lines = await records.json_lines(ids, columns)
    plain = None if lines is None else plain_csv(lines, len(columns))
    written = ExportText(ExportFormat.CSV, columns).rows(await records.rows(ids)).decode()
    assert plain in (None, written)
    assert plain is not None or cell in CAREFUL


class TestContract:
    """What every `Records` does."""

    @pytest.fixture(params=["fake", "real"])
    def three(
        self, request: pytest.FixtureRequest, file: Path, records: ManufacturingRecords
    ) -> Records:
        if request.param == "fake":
            return FakeRecords([record_row(id) for id in range(3)])
        make(file, CURRENT, "a", "a", "b")
        return records

    async def test_every_row_counts_a_board_done_twice_twice(self, three: Records) -> None:
        assert await three.count() == 3
        await three.probe()
