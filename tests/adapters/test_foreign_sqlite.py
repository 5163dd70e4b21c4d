import asyncio
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from adapters.foreign_failures import Failures
from adapters.foreign_sqlite import ForeignDatabase
from adapters.foreign_table import Select, Table
from domain.errors import Unavailable
from domain.host_paths import HostPaths
from tests.fakes.state_rows import run_sqlite

pytestmark = pytest.mark.real  # the sqlite3 program: Debian package sqlite3

LOGICAL = "/srv/parts.db"
TABLE = "CREATE TABLE devices(id integer primary key, serial TEXT, secure integer);"
ROWS = "INSERT INTO devices VALUES (1, 'aa', 1), (2, NULL, '');"
PROJECT = Path(__file__).parents[2]
MODES = pytest.mark.parametrize("mode", ["wal", "delete"])


class NotOpened(Unavailable):
    code = "TEST_NOT_OPENED"


class NotPrepared(Unavailable):
    code = "TEST_NOT_PREPARED"


class NotFetched(Unavailable):
    code = "TEST_NOT_FETCHED"


FAILURES = Failures(opening=NotOpened, preparing=NotPrepared, fetching=NotFetched)
Build = Callable[..., ForeignDatabase]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "srv").mkdir()
    return tmp_path / "srv/parts.db"


@pytest.fixture
async def build(tmp_path: Path) -> AsyncIterator[Build]:
    built: list[ForeignDatabase] = []

    def new(logical: Callable[[], str] = lambda: LOGICAL, **limits: float) -> ForeignDatabase:
        limits = {"busy_seconds": 0.05, **limits}
        built.append(ForeignDatabase(HostPaths(tmp_path), logical, failures=FAILURES, **limits))
        return built[-1]

    yield new
    for database in built:
        await database.aclose()


@pytest.fixture
def database(build: Build) -> ForeignDatabase:
    return build()


def make(file: Path, mode: str = "wal", sql: str = TABLE + ROWS) -> None:
    run_sqlite(file, f"PRAGMA journal_mode={mode}; {sql}")


@MODES
async def test_rows_are_what_the_sqlite3_program_wrote(
    file: Path, database: ForeignDatabase, mode: str
) -> None:
    make(file, mode)
    assert await database.rows(Select()) == [
        {"id": 1, "serial": "aa", "secure": 1},
        {"id": 2, "serial": None, "secure": ""},
    ]


async def test_an_absent_column_is_never_a_value(file: Path, database: ForeignDatabase) -> None:
    make(file)
    select = Select(("serial", "jtag_locked"), where="{jtag_locked} IS NULL", limit=1)
    assert await database.rows(select) == [{"serial": "aa"}]
    assert await database.rows(Select(where="{jtag_locked} = ?", parameters=("jtag_locked",))) == []


async def test_rows_are_filtered_ordered_and_limited(file: Path, database: ForeignDatabase) -> None:
    make(file, sql=TABLE + ROWS + "INSERT INTO devices VALUES (3, 'cc', 0), (4, 'bb', 0);")
    select = Select(("id",), where="{secure} = ?", order="{serial} DESC", limit=1, parameters=(0,))
    assert await database.rows(select) == [{"id": 3}]


async def test_a_missing_file_is_empty_and_stays_missing(
    file: Path, database: ForeignDatabase
) -> None:
    assert await database.rows(Select()) == []
    assert await database.count() == 0
    assert await database.present() is False
    assert (await database.stamp()).identity == ""
    await database.probe()
    assert list(file.parent.iterdir()) == []


async def test_an_empty_path_and_a_missing_folder_are_a_missing_file(build: Build) -> None:
    assert await build(lambda: "").count() == 0
    assert await build(lambda: "/nowhere/at/all.db").count() == 0


@pytest.mark.parametrize("sql", ["", "CREATE TABLE others(id);"])
async def test_a_missing_table_is_empty(file: Path, database: ForeignDatabase, sql: str) -> None:
    file.touch()
    run_sqlite(file, sql)
    assert await database.rows(Select()) == []
    assert await database.count() == 0
    assert await database.present() is True
    await database.probe()


@MODES
async def test_reading_changes_no_byte_of_the_file(
    file: Path, database: ForeignDatabase, mode: str
) -> None:
    make(file, mode)
    before = file.read_bytes()
    await database.rows(Select())
    await database.stamp()
    await database.aclose()
    assert file.read_bytes() == before
    assert list(before[18:20]) == ([2, 2] if mode == "wal" else [1, 1])


async def test_reading_a_rollback_file_makes_no_file_beside_it(
    file: Path, database: ForeignDatabase
) -> None:
    make(file, "delete")
    await database.rows(Select())
    await database.stamp()
    assert list(file.parent.iterdir()) == [file]


@MODES
async def test_the_station_writes_while_the_file_is_held(
    file: Path, database: ForeignDatabase, mode: str
) -> None:
    make(file, mode)
    for number in range(10, 20):
        assert await database.count() == number - 8
        run_sqlite(file, f"INSERT INTO devices(id) VALUES ({number});")
    assert run_sqlite(file, "SELECT count(*) FROM devices; PRAGMA journal_mode;") == f"12\n{mode}"


@MODES
async def test_the_stamp_stays_while_nothing_is_written(
    file: Path, database: ForeignDatabase, mode: str
) -> None:
    make(file, mode)
    first = await database.stamp()
    await database.rows(Select())
    run_sqlite(file, "SELECT * FROM devices;")
    assert await database.stamp() == first


@MODES
@pytest.mark.parametrize(
    "sql", ["INSERT INTO devices(id) VALUES (9);", "UPDATE devices SET serial = 'x' WHERE id = 1;"]
)
async def test_a_write_gives_another_version_of_the_same_identity(
    file: Path, database: ForeignDatabase, mode: str, sql: str
) -> None:
    make(file, mode)
    before = await database.stamp()
    run_sqlite(file, sql)
    after = await database.stamp()
    assert after.identity == before.identity
    assert after.version > before.version


@MODES
@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE devices ADD COLUMN batch;",
        "DELETE FROM devices;",
        "DELETE FROM devices WHERE id = 1;",
        "DELETE FROM devices WHERE id = 2;",
    ],
)
async def test_a_rebuilt_or_tidied_table_gives_another_identity(
    file: Path, database: ForeignDatabase, mode: str, sql: str
) -> None:
    make(file, mode)
    before = await database.stamp()
    run_sqlite(file, sql)
    assert (await database.stamp()).identity != before.identity


@MODES
async def test_a_file_put_in_its_place_is_read_instead(
    file: Path, database: ForeignDatabase, mode: str
) -> None:
    make(file, mode)
    before = await database.stamp()
    make(file.with_name("new.db"), mode, TABLE + "INSERT INTO devices VALUES (7, 'new', 0);")
    file.with_name("new.db").replace(file)
    assert (await database.stamp()).identity != before.identity
    assert await database.rows(Select(("serial",))) == [{"serial": "new"}]


@MODES
async def test_a_file_copied_over_it_is_read_instead(
    file: Path, database: ForeignDatabase, mode: str
) -> None:
    make(file, mode)
    before = await database.stamp()
    make(file.with_name("new.db"), mode, TABLE + "INSERT INTO devices VALUES (7, 'new', 0);")
    file.write_bytes(file.with_name("new.db").read_bytes())
    assert await database.stamp() != before
    assert await database.rows(Select(("serial",))) == [{"serial": "new"}]


async def test_a_file_deleted_and_made_again_has_another_identity(
    file: Path, database: ForeignDatabase
) -> None:
    make(file, "delete")
    before = await database.stamp()
    file.unlink()
    assert (await database.stamp()).identity == ""
    assert await database.count() == 0
    make(file, "delete")
    assert (await database.stamp()).identity not in (before.identity, "")
    assert await database.count() == 2


async def test_the_path_is_asked_for_at_each_use(file: Path, build: Build) -> None:
    make(file)
    make(file.with_name("other.db"), sql=TABLE)
    configured = [LOGICAL]
    database = build(lambda: configured[0])
    assert await database.count() == 2
    configured[0] = "/srv/other.db"
    assert await database.count() == 0


async def test_a_link_that_is_turned_leads_to_the_other_file(file: Path, build: Build) -> None:
    make(file)
    make(file.with_name("other.db"), sql=TABLE)
    link = file.with_name("link.db")
    link.symlink_to("/srv/parts.db")
    database = build(lambda: "/srv/link.db")
    assert await database.count() == 2
    link.unlink()
    link.symlink_to("other.db")
    assert await database.count() == 0


@pytest.mark.parametrize("path", ["relative.db", "/srv/nul\0.db"])
async def test_a_path_that_names_no_file_is_not_opened(build: Build, path: str) -> None:
    with pytest.raises(NotOpened, match="absolute path"):
        await build(lambda: path).count()


@MODES
async def test_a_locked_database_is_not_fetched_and_the_wait_is_short(
    file: Path, build: Build, mode: str
) -> None:
    make(file, mode)
    database = build(busy_seconds=0.2)
    with closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        holder.execute("UPDATE devices SET serial = 'x'")
        started = time.monotonic()
        with pytest.raises(NotFetched, match=f"{LOGICAL} cannot be read: database is locked"):
            await database.count()
        assert 0.15 < time.monotonic() - started < 5
        holder.execute("ROLLBACK")
    assert await database.count() == 2


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"hello, I am no database", "file is not a database"), (os.urandom(5000), "not a database")],
)
async def test_garbage_is_not_prepared(
    file: Path, database: ForeignDatabase, content: bytes, text: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(NotPrepared, match=text) as caught:
        await database.probe()
    assert LOGICAL in caught.value.message
    assert str(file.parent) not in caught.value.message
    assert text in caught.value.detail


@MODES
async def test_a_truncated_file_is_not_fetched(
    file: Path, database: ForeignDatabase, mode: str
) -> None:
    make(
        file,
        mode,
        TABLE + "INSERT INTO devices SELECT value, hex(randomblob(200)), 1 "
        "FROM generate_series(1, 500);",
    )
    os.truncate(file, 8192)
    with pytest.raises(NotFetched, match="malformed"):
        await database.rows(Select())


@MODES
async def test_a_file_truncated_while_it_is_held_is_not_fetched(
    file: Path, database: ForeignDatabase, mode: str
) -> None:
    make(
        file,
        mode,
        TABLE + "INSERT INTO devices SELECT value, hex(randomblob(200)), 1 "
        "FROM generate_series(1, 500);",
    )
    assert await database.count() == 500
    await database.stamp()
    os.truncate(file, 8192)
    with pytest.raises(NotFetched, match=f"{LOGICAL} cannot be read"):
        await database.stamp()


async def test_a_folder_in_its_place_is_not_opened(file: Path, database: ForeignDatabase) -> None:
    file.mkdir()
    with pytest.raises(NotOpened, match="no ordinary file"):
        await database.probe()


async def test_a_pipe_or_socket_in_its_place_is_not_opened(
    file: Path, database: ForeignDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(file)
    with pytest.raises(NotOpened, match="no ordinary file"):
        await database.probe()
    file.unlink()
    monkeypatch.chdir(file.parent)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(file.name)
        with pytest.raises(NotOpened, match="no ordinary file"):
            await database.stamp()


async def test_a_table_without_its_id_is_not_prepared(
    file: Path, database: ForeignDatabase
) -> None:
    make(file, sql="CREATE TABLE devices(serial); INSERT INTO devices VALUES ('aa');")
    with pytest.raises(NotPrepared, match=r"no such column: devices\.id"):
        await database.probe()


async def test_it_works_again_when_the_file_is_mended(
    file: Path, database: ForeignDatabase
) -> None:
    file.write_bytes(b"hello, I am no database")
    with pytest.raises(NotPrepared):
        await database.count()
    file.unlink()
    make(file)
    assert await database.count() == 2


async def test_bytes_that_are_no_text_do_not_hide_the_row(
    file: Path, database: ForeignDatabase
) -> None:
    make(file, sql=TABLE + "INSERT INTO devices VALUES (1, CAST(x'41ff42' AS TEXT), 1);")
    assert await database.rows(Select(("serial",))) == [{"serial": "A\ufffdB"}]


async def test_any_parameter_a_client_can_spell_is_taken(
    file: Path, database: ForeignDatabase
) -> None:
    make(file)
    for value in ("\ud800", "a\0b", 2**80, -(2**80), b"\xff", None):
        assert await database.rows(Select(where="{serial} = ?", parameters=(value,))) == []
    assert await database.rows(Select(where="{id} > ?", parameters=(2**80,))) == []


async def test_a_file_name_may_hold_what_a_uri_gives_a_meaning(file: Path, build: Build) -> None:
    make(file)
    file.rename(file.with_name("a?mode=rwc#%41 b.db"))
    assert await build(lambda: "/srv/a?mode=rwc#%41 b.db").count() == 2
    assert await build(lambda: "/srv/b?mode=rwc").count() == 0
    assert not (file.parent / "b").exists()


async def test_writing_through_it_is_refused(file: Path, database: ForeignDatabase) -> None:
    make(file)
    with pytest.raises(NotFetched, match="readonly"):
        await database.read(lambda table: table.first("DELETE FROM devices"))
    assert await database.count() == 2


async def test_a_question_that_takes_too_long_ends_and_frees_the_thread(
    file: Path, build: Build
) -> None:
    make(file)
    database = build(limit_seconds=0.3)
    with pytest.raises(NotFetched, match=f"{LOGICAL} did not answer within 0.3 s"):
        await database.read(endless)
    assert await database.count() == 2


async def test_a_question_whose_caller_left_ends(file: Path, database: ForeignDatabase) -> None:
    make(file)
    asked, threads = threading.Event(), list[threading.Thread]()
    task = asyncio.create_task(database.read(partial(asked_endlessly, asked, threads)))
    await asyncio.to_thread(asked.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5):
        assert await database.count() == 2


async def test_closing_ends_what_runs_and_leaves_no_thread(file: Path, build: Build) -> None:
    make(file)
    database = build()
    asked, threads = threading.Event(), list[threading.Thread]()
    task = asyncio.create_task(database.read(partial(asked_endlessly, asked, threads)))
    await asyncio.to_thread(asked.wait, 5)
    await database.aclose()
    with pytest.raises(NotFetched, match="interrupted"):
        await task
    assert not threads[0].is_alive()
    with pytest.raises(NotFetched, match="closed"):
        await database.count()


async def test_the_loop_is_never_blocked(file: Path, build: Build) -> None:
    make(file)
    database = build()
    seen = await database.read(lambda table: threading.current_thread().name)
    assert seen.startswith("foreign-sqlite")


def endless(table: Table) -> int:
    sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    return table.number(sql) or 0


def asked_endlessly(asked: threading.Event, threads: list[threading.Thread], table: Table) -> int:
    threads.append(threading.current_thread())
    asked.set()
    return endless(table)


class TestInAFolderWeMayNotWrite:
    """The product runs in a process without the rights over files that root has."""

    def ask(self, root: Path) -> str:
        program = (
            "import asyncio, sys\n"
            "from pathlib import Path\n"
            "from adapters.device_states import DeviceStates\n"
            "from domain.host_paths import HostPaths\n"
            "from domain.errors import ProvisionerError\n"
            "async def main():\n"
            "    states = DeviceStates(HostPaths(Path(sys.argv[1])), busy_seconds=0.1)\n"
            "    try:\n"
            "        rows = await states.rows_after(0, most=9)\n"
            "        same = await states.stamp() == await states.stamp()\n"
            "        print([row.serial for row in rows], same)\n"
            "    except ProvisionerError as error:\n"
            "        print(error.code, error.message)\n"
            "    finally:\n"
            "        await states.aclose()\n"
            "asyncio.run(main())\n"
        )
        drop = ["setpriv", "--bounding-set=-all"] if os.geteuid() == 0 else []
        if drop and shutil.which("setpriv") is None:
            pytest.skip("needs setpriv: Debian package util-linux")
        return subprocess.run(
            [*drop, sys.executable, "-c", program, str(root)],
            cwd=PROJECT,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout.strip()

    @pytest.fixture
    def state_db(self, tmp_path: Path) -> Path:
        folder = tmp_path / "srv/rpi-sb-provisioner"
        folder.mkdir(parents=True)
        return folder / "state.db"

    @MODES
    def test_a_database_nobody_writes_is_read(
        self, tmp_path: Path, state_db: Path, mode: str
    ) -> None:
        make(state_db, mode)
        state_db.parent.chmod(0o555)
        assert self.ask(tmp_path) == "['aa', ''] True"
        state_db.parent.chmod(0o755)
        assert list(state_db.parent.iterdir()) == [state_db]

    def test_rows_that_wait_in_the_log_are_not_passed_over(
        self, tmp_path: Path, state_db: Path
    ) -> None:
        make(state_db)
        with closing(sqlite3.connect(state_db)) as writer:
            writer.execute("INSERT INTO devices VALUES (3, 'cc', 1)")
            writer.commit()
            log = state_db.with_name("state.db-wal").read_bytes()
        state_db.with_name("state.db-wal").write_bytes(log)
        state_db.parent.chmod(0o555)
        answer = self.ask(tmp_path)
        state_db.parent.chmod(0o755)
        assert answer.startswith("DB_OPEN_ERROR The database /srv/rpi-sb-provisioner/state.db")

    def test_a_log_with_its_index_is_read(self, tmp_path: Path, state_db: Path) -> None:
        make(state_db)
        with closing(sqlite3.connect(state_db)) as writer:
            writer.execute("INSERT INTO devices VALUES (3, 'cc', 1)")
            writer.commit()
            state_db.parent.chmod(0o555)
            answer = self.ask(tmp_path)
        state_db.parent.chmod(0o755)
        assert answer == "['aa', '', 'cc'] True"

    def test_an_unreadable_file_is_not_opened(self, tmp_path: Path, state_db: Path) -> None:
        make(state_db)
        state_db.chmod(0)
        assert self.ask(tmp_path) == (
            "DB_OPEN_ERROR The database /srv/rpi-sb-provisioner/state.db cannot be opened: unable "
            "to open database file. Check the rights of the file and of its folder."
        )

    def test_a_folder_without_entry_is_not_opened(self, tmp_path: Path, state_db: Path) -> None:
        make(state_db)
        state_db.parent.chmod(0)
        answer = self.ask(tmp_path)
        state_db.parent.chmod(0o755)
        assert "cannot be opened: Permission denied" in answer
