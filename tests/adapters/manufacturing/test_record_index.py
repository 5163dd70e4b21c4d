"""The record index over a database that others write, edit, replace and break."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from adapters.manufacturing.record_index import FOLDER, SqliteRecordIndex
from domain.host_paths import HostPaths
from domain.manufacturing.filters import EVERYTHING, NEWEST_FIRST, RecordFilter
from domain.manufacturing.record_index import Added, RecordsIndexing
from domain.manufacturing.records import RecordsNotFetched, RecordsNotOpen, RecordsNotPrepared
from domain.paging import PageRequest
from tests.adapters.manufacturing.databases import add, change, create, place_of
from tests.fakes.records import CURRENT, VARIANTS, insert_sql, record_row
from tests.fakes.state_rows import run_sqlite

CM4 = RecordFilter(boards=("CM4",))
Start = Callable[[], SqliteRecordIndex]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return place_of(tmp_path)


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts indexes over the same place, as the service does again and again."""
    started: list[SqliteRecordIndex] = []

    def new() -> SqliteRecordIndex:
        started.append(SqliteRecordIndex(HostPaths(tmp_path), lambda: None))
        return started[-1]

    yield new
    for index in started:
        await index.aclose()


@pytest.fixture
def index(start: Start) -> SqliteRecordIndex:
    return start()


def index_files(root: Path) -> list[str]:
    """Returns the names of the index files, without SQLite's side files."""
    return sorted(path.name for path in (root / FOLDER[1:]).glob("*[!lm]"))


async def ids(index: SqliteRecordIndex, wanted: RecordFilter = EVERYTHING) -> list[int]:
    await index.catch_up()
    found = await index.page(wanted, NEWEST_FIRST, PageRequest(500, None, backwards=False))
    return [int(key[-1]) for key in found.keys]


async def test_what_came_in_is_told_once(file: Path, index: SqliteRecordIndex) -> None:
    create(file, [record_row(1), record_row(2)])
    assert await index.catch_up() == Added(frozenset(), 2, anew=True)
    assert await index.catch_up() is None
    add(file, [record_row(7), record_row(8, serial="deadbeef")])
    assert await index.catch_up() == Added(frozenset({"00000007", "deadbeef"}), 8, anew=False)
    assert await index.catch_up() is None


async def test_a_missing_file_has_nothing_and_none_is_made(
    file: Path, tmp_path: Path, index: SqliteRecordIndex
) -> None:
    assert await ids(index) == []
    assert await index.count(CM4) == 0
    assert await index.newest_ids(["00000001"]) == {}
    assert list(tmp_path.rglob("*.*")) == []
    create(file)
    assert await ids(index) == []
    add(file, [record_row(1)])
    assert await ids(index) == [1]


async def test_a_file_without_a_table_has_nothing_until_it_gets_one(
    file: Path, index: SqliteRecordIndex
) -> None:
    file.touch()
    assert await ids(index) == []
    create(file, [record_row(4)])
    assert await ids(index) == [4]


async def test_a_restart_goes_on_with_the_index_that_is_there(
    file: Path, tmp_path: Path, start: Start
) -> None:
    create(file, [record_row(1)])
    first = start()
    assert await ids(first) == [1]
    await first.aclose()
    add(file, [record_row(2, boardname="CM4")])
    again = start()
    assert await ids(again) == [2, 1]
    assert await ids(again, CM4) == [2]
    assert index_files(tmp_path) == ["1.db"]


@pytest.mark.parametrize("edited_while", ["running", "stopped"])
async def test_an_edited_row_is_found_by_what_it_is_now(
    file: Path, start: Start, edited_while: str
) -> None:
    create(file, [record_row(id) for id in range(1, 6)])
    index = start()
    assert await ids(index, CM4) == []
    if edited_while == "stopped":
        await index.aclose()
    change(file, "UPDATE devices SET boardname = 'CM4' WHERE id = 3")
    index = index if edited_while == "running" else start()
    assert await ids(index, CM4) == [3]


async def test_rows_that_are_gone_are_not_counted(file: Path, index: SqliteRecordIndex) -> None:
    create(file, [record_row(id) for id in range(1, 6)])
    assert await ids(index) == [5, 4, 3, 2, 1]
    change(file, "DELETE FROM devices WHERE id IN (2, 3)")
    assert await ids(index) == [5, 4, 1]
    assert await index.count(EVERYTHING) == 3


async def test_an_id_that_is_used_again_is_another_record(
    file: Path, index: SqliteRecordIndex
) -> None:
    create(file, [record_row(1), record_row(2)])
    assert await ids(index, CM4) == []
    change(file, "DELETE FROM devices WHERE id = 2")
    add(file, [record_row(2, boardname="CM4"), record_row(3)])
    assert await ids(index, CM4) == [2]


async def test_another_file_in_its_place_is_the_one(
    file: Path, tmp_path: Path, index: SqliteRecordIndex
) -> None:
    create(file, [record_row(1), record_row(2)])
    assert await ids(index, CM4) == []
    create(tmp_path / "other.db", [record_row(1, boardname="CM4"), record_row(2)])
    (tmp_path / "other.db").rename(file)
    added = await index.catch_up()
    assert added is not None
    assert added.anew
    assert await ids(index, CM4) == [1]


async def test_the_package_rebuilding_the_table_is_noticed(
    file: Path, index: SqliteRecordIndex
) -> None:
    old = VARIANTS["before the flags"]
    create(file, schema=old)
    run_sqlite(file, insert_sql(old, "00000001"))
    assert await ids(index, RecordFilter(text="00000001")) == [1]
    change(file, "ALTER TABLE devices RENAME TO old", f"CREATE TABLE devices({CURRENT})")
    change(
        file,
        "INSERT INTO devices(id, boardname, serial, eth_mac, wifi_mac, bt_mac, mmc_size, "
        "mmc_cid, rpi_duid, board_revision, processor, memory, manufacturer, secure, "
        "os_image_filename) SELECT id, boardname, serial, '', '', '', 0, '', '', '', '', '', '', "
        "1, 'new.img' FROM old",
    )
    assert await ids(index, RecordFilter(images=("new.img",))) == [1]


@pytest.mark.parametrize("schema", VARIANTS.values(), ids=VARIANTS)
async def test_every_table_that_a_station_may_have_is_indexed(
    file: Path, index: SqliteRecordIndex, schema: str
) -> None:
    create(file, schema=schema)
    run_sqlite(file, insert_sql(schema, "10000000a0b0c0d0", "10000000a0b0c0d1"))
    assert await ids(index, RecordFilter(serials=("a0b0c0d1",))) == [2]
    # An absent column is no value: neither its name nor a flag that says yes.
    for name in ("os_image_filename", "customer_key_label", "secure"):
        assert await ids(index, RecordFilter(text=name)) == []


async def test_an_unfinished_index_is_thrown_away(
    file: Path, tmp_path: Path, index: SqliteRecordIndex
) -> None:
    create(file, [record_row(1)])
    folder = tmp_path / FOLDER[1:]
    folder.mkdir(parents=True)
    (folder / "7.part").write_bytes(b"half an index")
    assert await ids(index) == [1]
    assert index_files(tmp_path) == ["1.db"]


@pytest.mark.parametrize("damage", ["garbage", "empty", "cut"])
async def test_a_damaged_index_is_made_again(
    file: Path, tmp_path: Path, start: Start, damage: str
) -> None:
    create(file, [record_row(id) for id in range(1, 300)])
    first = start()
    await first.catch_up()
    await first.aclose()
    kept = tmp_path / FOLDER[1:] / "1.db"
    whole = kept.read_bytes()
    kept.write_bytes({"garbage": os.urandom(9000), "empty": b"", "cut": whole[:12288]}[damage])
    assert (await ids(start()))[:1] == [299]


async def test_a_removed_folder_is_made_again(
    file: Path, tmp_path: Path, index: SqliteRecordIndex
) -> None:
    create(file, [record_row(1)])
    assert await ids(index) == [1]
    shutil.rmtree(tmp_path / FOLDER[1:])
    add(file, [record_row(2)])
    assert await ids(index) == [2, 1]
    assert index_files(tmp_path) == ["2.db"]


async def test_while_it_is_made_who_asks_is_told_how_far_it_is(file: Path, tmp_path: Path) -> None:
    create(file, [record_row(id) for id in range(1, 400)])
    index = SqliteRecordIndex(HostPaths(tmp_path), lambda: None, wait_seconds=0)
    with pytest.raises(RecordsIndexing, match=r"\d+% are done"):
        await index.catch_up()
    async with asyncio.timeout(20):
        while not (found := await _count(index)):
            await asyncio.sleep(0.01)
    await index.aclose()
    assert found == 399


async def _count(index: SqliteRecordIndex) -> int:
    try:
        await index.catch_up()
        return await index.count(EVERYTHING)
    except RecordsIndexing:
        return 0


async def test_a_folder_in_its_place_is_said(file: Path, index: SqliteRecordIndex) -> None:
    file.mkdir()
    with pytest.raises(RecordsNotOpen):
        await index.catch_up()


async def test_no_database_is_said(file: Path, index: SqliteRecordIndex) -> None:
    file.write_bytes(b"hello, I am no database" * 100)
    with pytest.raises(RecordsNotPrepared):
        await index.catch_up()


async def test_a_damaged_page_is_said_and_a_mended_file_is_read(
    file: Path, tmp_path: Path, index: SqliteRecordIndex
) -> None:
    create(file, [record_row(id) for id in range(1, 300)])
    change(file, "PRAGMA journal_mode=DELETE")
    whole = file.read_bytes()
    file.write_bytes(whole[:40960] + b"\xff" * 4096 + whole[45056:])
    with pytest.raises(RecordsNotFetched):
        await index.catch_up()
    (tmp_path / "whole").write_bytes(whole)
    (tmp_path / "whole").rename(file)
    assert len(await ids(index)) == 299


async def test_a_locked_database_is_said_and_read_when_it_is_free(
    file: Path, tmp_path: Path, index: SqliteRecordIndex
) -> None:
    create(file, [record_row(1)])
    change(file, "PRAGMA journal_mode=DELETE")
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(RecordsNotFetched, match="locked"):
        await index.catch_up()
    holder.execute("ROLLBACK")
    holder.close()
    assert await ids(index) == [1]


async def test_the_database_is_only_read(file: Path, index: SqliteRecordIndex) -> None:
    create(file, [record_row(id) for id in range(1, 20)])
    change(file, "PRAGMA journal_mode=DELETE")
    before = (file.read_bytes(), file.stat().st_mtime_ns)
    await ids(index, CM4)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


async def test_texts_that_are_no_utf8_have_a_place(file: Path, index: SqliteRecordIndex) -> None:
    create(file, [record_row(1), record_row(2)])
    change(file, "UPDATE devices SET serial = CAST(x'ff41' AS TEXT) WHERE id = 2")
    assert await ids(index, RecordFilter(serials=("\ufffda",))) == [2]


KILLED = """
import asyncio, sys
from pathlib import Path
from adapters.manufacturing.record_index import SqliteRecordIndex
from domain.host_paths import HostPaths

async def main():
    index = SqliteRecordIndex(HostPaths(Path(sys.argv[1])), lambda: None, wait_seconds=60)
    print("started", flush=True)
    while True:
        await index.catch_up()

asyncio.run(main())
"""


@pytest.mark.parametrize("milliseconds", [5, 30, 80, 150, 300])
async def test_killed_at_any_moment_it_is_right_afterwards(
    file: Path, tmp_path: Path, start: Start, milliseconds: int
) -> None:
    create(file, [record_row(id) for id in range(1, 8001)])
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as killed:
        assert killed.stdout is not None
        killed.stdout.readline()
        add(file, [record_row(9000)])
        await asyncio.sleep(milliseconds / 1000)
        killed.kill()
    add(file, [record_row(9001, boardname="CM4")])
    index = start()
    await index.catch_up()
    assert await index.count(EVERYTHING) == 8002
    assert await ids(index, CM4) == [9001]


@pytest.mark.real
async def test_rows_are_taken_in_while_the_sqlite3_program_writes_them(
    file: Path, tmp_path: Path, index: SqliteRecordIndex
) -> None:
    create(file)
    await index.catch_up()
    serials = [f"1000000000a0{number:04x}" for number in range(40)]
    inserts = [insert_sql(CURRENT, serial) for serial in serials]
    lines = [f'sqlite3 -cmd ".timeout 5000" {file} "{insert}"' for insert in inserts]
    script = tmp_path / "writer.sh"
    script.write_text("set -e\n" + "\n".join(lines))
    writer = await asyncio.create_subprocess_exec("sh", str(script))
    told: set[str] = set()
    async with asyncio.timeout(60):
        while len(told) < len(serials):
            added = await index.catch_up()
            told |= set() if added is None else added.boards
            await asyncio.sleep(0.002)
        assert await writer.wait() == 0
    assert told == {serial[-8:] for serial in serials}
    assert len(await ids(index)) == len(serials)
