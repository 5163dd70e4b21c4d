import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from adapters.service_db.database import APP, MIGRATIONS, MODELS, ServiceDb, ServiceDbUnavailable
from adapters.service_db.preferences import StoredPreference
from domain.host_paths import HostPaths
from domain.station import StationNames

PROJECT = Path(__file__).parents[2]
Build = Callable[..., ServiceDb]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "srv/rpi-sb-provisioner/service.db"


@pytest.fixture
async def build(tmp_path: Path) -> AsyncIterator[Build]:
    built: list[ServiceDb] = []

    def new(root: Path = tmp_path, migrations: str = MIGRATIONS) -> ServiceDb:
        built.append(ServiceDb(HostPaths(root), busy_seconds=0.1, migrations=migrations))
        return built[-1]

    yield new
    for database in built:
        await database.aclose()


@pytest.fixture
def names(build: Build) -> StationNames:
    return StoredPreference(build(), "station-name")


def ask(file: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(sql).fetchall()


async def test_a_station_without_a_name_has_none(names: StationNames) -> None:
    assert await names.get() is None


@pytest.mark.parametrize("name", ["Line 3", "Größe 'ß' \"q\"", "名前", "a\0b"])
async def test_the_name_is_the_last_one_set(names: StationNames, name: str) -> None:
    await names.set("before")
    await names.set(name)
    assert await names.get() == name


async def test_the_name_is_there_for_the_next_service(build: Build) -> None:
    first = build()
    await StoredPreference(first, "station-name").set("Line 3")
    await first.aclose()
    assert await StoredPreference(build(), "station-name").get() == "Line 3"


async def test_a_name_that_was_set_outlives_a_killed_process(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from adapters.service_db.database import ServiceDb\n"
        "from adapters.service_db.preferences import StoredPreference\n"
        "from domain.host_paths import HostPaths\n"
        "async def main():\n"
        "    database = ServiceDb(HostPaths(Path(sys.argv[1])))\n"
        "    await StoredPreference(database, 'station-name').set('Line 3')\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    ended = await run_python(program, str(tmp_path), cwd=PROJECT)
    assert ended.returncode == -9
    database = ServiceDb(HostPaths(tmp_path))
    assert await StoredPreference(database, "station-name").get() == "Line 3"
    await database.aclose()


async def test_writes_are_synced_in_a_write_ahead_log(build: Build) -> None:
    async def pragmas() -> list[object]:
        from tortoise.connection import get_connection

        client = get_connection("service")
        names = ("synchronous", "journal_mode", "busy_timeout", "foreign_keys")
        return [(await client.execute_query(f"PRAGMA {name}"))[1][0][0] for name in names]

    assert await build().run(pragmas) == [2, "wal", 100, 1]


async def test_only_its_owner_may_read_it_and_its_side_files(
    file: Path, names: StationNames
) -> None:
    umask = os.umask(0)
    try:
        await names.set("Line 3")
    finally:
        os.umask(umask)
    modes = {found.name: found.stat().st_mode & 0o777 for found in file.parent.iterdir()}
    assert modes == dict.fromkeys(("service.db", "service.db-wal", "service.db-shm"), 0o600)
    assert file.parent.stat().st_mode & 0o777 == 0o755


async def test_an_older_file_that_others_may_read_is_closed_to_them(
    file: Path, names: StationNames
) -> None:
    file.parent.mkdir(parents=True)
    file.touch(0o644)
    await names.set("Line 3")
    assert file.stat().st_mode & 0o777 == 0o600


async def test_every_task_can_ask_at_once(names: StationNames) -> None:
    await asyncio.gather(*(names.set(f"Line {number}") for number in range(20)))
    assert len(set(await asyncio.gather(*(names.get() for _ in range(20))))) == 1


async def test_two_databases_in_one_process_do_not_mix(tmp_path: Path, build: Build) -> None:
    one, two = (StoredPreference(build(tmp_path / side), "station-name") for side in ("one", "two"))
    await one.set("One")
    await two.set("Two")
    assert [await one.get(), await two.get()] == ["One", "Two"]


class TestUnavailable:
    async def refused(self, names: StationNames, reason: str) -> None:
        with pytest.raises(ServiceDbUnavailable, match=reason) as caught:
            await names.set("Line 3")
        assert caught.value.code == "SERVICE_DB_UNAVAILABLE"
        assert "/srv/rpi-sb-provisioner/service.db" in caught.value.message
        assert "pytest-of" not in caught.value.message
        with pytest.raises(ServiceDbUnavailable):
            await names.get()
        await wait_for_no_thread()

    async def test_garbage_is_unavailable_and_is_kept(
        self, file: Path, names: StationNames
    ) -> None:
        file.parent.mkdir(parents=True)
        file.write_bytes(b"hello, I am no database")
        await self.refused(names, "file is not a database")
        assert file.read_bytes() == b"hello, I am no database"

    async def test_a_truncated_file_is_unavailable(self, file: Path, build: Build) -> None:
        first = build()
        await StoredPreference(first, "station-name").set("Line 3")
        await first.aclose()
        os.truncate(file, 5000)
        await self.refused(StoredPreference(build(), "station-name"), "malformed")

    async def test_a_folder_in_its_place_is_unavailable(
        self, file: Path, names: StationNames
    ) -> None:
        file.mkdir(parents=True)
        await self.refused(names, "no ordinary file")

    async def test_a_file_in_its_folders_place_is_unavailable(
        self, file: Path, names: StationNames
    ) -> None:
        file.parent.parent.mkdir()
        file.parent.touch()
        await self.refused(names, "File exists|Not a directory")

    async def test_links_in_a_circle_are_unavailable(self, file: Path, names: StationNames) -> None:
        file.parent.mkdir(parents=True)
        file.symlink_to("service.db")
        await self.refused(names, "circle")

    async def test_a_table_of_another_shape_is_unavailable(
        self, file: Path, names: StationNames
    ) -> None:
        file.parent.mkdir(parents=True)
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE preference(other)")
        await self.refused(names, "already exists")

    async def test_a_database_locked_by_another_process_is_unavailable_and_free_again_later(
        self, file: Path, names: StationNames
    ) -> None:
        await names.set("Line 3")
        with closing(sqlite3.connect(file, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(ServiceDbUnavailable, match="database is locked"):
                await names.set("Line 4")
            assert await names.get() == "Line 3"
        await names.set("Line 4")
        assert await names.get() == "Line 4"

    async def test_it_works_as_soon_as_the_file_is_moved_away(
        self, file: Path, build: Build
    ) -> None:
        database = build()
        file.parent.mkdir(parents=True)
        file.write_bytes(b"hello, I am no database")
        with pytest.raises(ServiceDbUnavailable):
            await database.probe()
        file.rename(file.with_name("damaged.db"))
        await database.probe()
        await StoredPreference(database, "station-name").set("Line 3")
        assert ask(file, "SELECT value FROM preference") == [("Line 3",)]

    async def test_nothing_is_written_into_a_file_that_was_deleted(
        self, file: Path, names: StationNames
    ) -> None:
        await names.set("Line 3")
        file.unlink()
        assert await names.get() is None
        await names.set("Line 4")
        assert ask(file, "SELECT value FROM preference") == [("Line 4",)]

    async def test_the_probe_needs_to_write(self, file: Path, build: Build) -> None:
        database = build()
        await database.probe()
        with closing(sqlite3.connect(file, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(ServiceDbUnavailable, match="locked"):
                await database.probe()


class TestClosing:
    async def test_no_thread_is_left(self, build: Build) -> None:
        database = build()
        await database.probe()
        assert aiosqlite_threads() != []
        await database.aclose()
        await wait_for_no_thread()

    async def test_the_side_files_are_gone(self, file: Path, build: Build) -> None:
        database = build()
        await StoredPreference(database, "station-name").set("Line 3")
        await database.aclose()
        assert list(file.parent.iterdir()) == [file]

    async def test_later_questions_are_unavailable(self, file: Path, build: Build) -> None:
        database = build()
        await database.aclose()
        with pytest.raises(ServiceDbUnavailable, match="stopping"):
            await database.probe()
        assert not file.exists()

    async def test_a_question_that_is_cancelled_leaves_the_database_usable(
        self, build: Build
    ) -> None:
        database = build()
        names = StoredPreference(database, "station-name")
        await names.set("Line 3")
        begun = asyncio.Event()

        async def begin_and_wait() -> None:
            from tortoise.transactions import in_transaction

            from adapters.service_db.models import Preference

            async with in_transaction():
                await Preference.all().delete()
                begun.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(database.run(begin_and_wait))
        await asyncio.wait_for(begun.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await names.get() == "Line 3"


WRITTEN = sorted(file.stem for file in PROJECT.glob("adapters/service_db/migrations/[0-9]*.py"))
SECOND = """
from tortoise import fields, migrations
from tortoise.migrations import operations as ops
class Migration(migrations.Migration):
    dependencies = [("service", "0001_initial")]
    operations = [
        ops.AddField(model_name="Preference", name="note",
                     field=fields.CharField(max_length=9, db_default="")),
        {more}
    ]
"""


class TestMigrations:
    @pytest.fixture
    def package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The migrations of a later version: today's and a folder to add others to."""
        name = f"migrations_{tmp_path.name.replace('-', '_')}"
        package = tmp_path / "later" / name
        package.mkdir(parents=True)
        package.joinpath("__init__.py").touch()
        first = PROJECT / "adapters/service_db/migrations/0001_initial.py"
        package.joinpath(first.name).write_bytes(first.read_bytes())
        monkeypatch.syspath_prepend(str(package.parent))
        return package

    async def test_an_empty_file_becomes_the_current_one(self, file: Path, build: Build) -> None:
        await build().probe()
        applied = ask(file, "SELECT app, name FROM tortoise_migrations ORDER BY name")
        assert applied == [(APP, name) for name in WRITTEN]
        columns = [row[1:4] for row in ask(file, "PRAGMA table_info(preference)")]
        assert columns == [("key", "VARCHAR(64)", 1), ("value", "TEXT", 1)]

    async def test_the_current_one_stays_as_it_is(self, file: Path, build: Build) -> None:
        first = build()
        await StoredPreference(first, "station-name").set("Line 3")
        await first.aclose()
        before = file.read_bytes()
        second = build()
        await second.probe()
        await second.aclose()
        assert file.read_bytes() == before

    async def test_the_models_need_no_other_migration(self, build: Build) -> None:
        async def changes() -> list[object]:
            from tortoise import Tortoise
            from tortoise.migrations.autodetector import MigrationAutodetector

            app = {"models": [MODELS], "default_connection": "service", "migrations": MIGRATIONS}
            assert Tortoise.apps is not None
            return [
                [vars(operation) for operation in writer.operations]
                for writer in await MigrationAutodetector(Tortoise.apps, {APP: app}).changes()
            ]

        assert await build().run(changes) == []

    async def test_a_later_version_keeps_what_an_earlier_one_stored(
        self, file: Path, build: Build, package: Path
    ) -> None:
        earlier = build()
        await StoredPreference(earlier, "station-name").set("Line 3")
        await earlier.aclose()
        package.joinpath("0002_note.py").write_text(SECOND.format(more=""))
        await build(migrations=package.name).probe()
        assert ask(file, "SELECT value, note FROM preference") == [("Line 3", "")]

    async def test_a_migration_that_fails_leaves_nothing_behind(
        self, file: Path, build: Build, package: Path
    ) -> None:
        broken = SECOND.format(more='ops.RunSQL("INSERT INTO nowhere VALUES (1)"),')
        package.joinpath("0002_note.py").write_text(broken)
        with pytest.raises(ServiceDbUnavailable, match="no such table: nowhere"):
            await build(migrations=package.name).probe()
        assert ask(file, "SELECT name FROM sqlite_master WHERE name = 'preference'") == []
        assert ask(file, "SELECT * FROM tortoise_migrations") == []
        await build().probe()

    async def test_an_earlier_version_reads_what_a_later_one_made(
        self, build: Build, package: Path
    ) -> None:
        package.joinpath("0002_note.py").write_text(SECOND.format(more=""))
        later = build(migrations=package.name)
        await later.probe()
        await later.aclose()
        earlier = build()
        assert await StoredPreference(earlier, "station-name").get() is None

    async def test_they_are_found_in_an_installed_package(self, tmp_path: Path) -> None:
        installed = tmp_path / "site"
        for package in ("domain", "adapters"):
            # As setuptools does it: a folder without __init__.py is left behind.
            for init in (PROJECT / package).rglob("__init__.py"):
                shutil.copytree(
                    init.parent,
                    installed / init.parent.relative_to(PROJECT),
                    ignore=only_modules,
                    dirs_exist_ok=True,
                )
        program = (
            "import asyncio, sys\n"
            "from pathlib import Path\n"
            f"sys.path[:0] = [{str(installed)!r}]\n"
            "from adapters.service_db import database\n"
            "from domain.host_paths import HostPaths\n"
            "assert database.__file__.startswith(sys.path[0])\n"
            "async def main():\n"
            "    service_db = database.ServiceDb(HostPaths(Path(sys.argv[1])))\n"
            "    await service_db.probe()\n"
            "    await service_db.aclose()\n"
            "asyncio.run(main())\n"
        )
        ended = await run_python(program, str(tmp_path), cwd=tmp_path)
        assert (ended.returncode, ended.stderr) == (0, b"")
        file = tmp_path / "srv/rpi-sb-provisioner/service.db"
        applied = ask(file, "SELECT name FROM tortoise_migrations ORDER BY name")
        assert applied == [(name,) for name in WRITTEN]


async def test_tortoise_is_not_imported_before_it_is_needed() -> None:
    program = (
        "import sys, adapters.service_db.preferences\n"
        "print([name for name in sys.modules if name.startswith(('tortoise', 'aiosqlite'))])"
    )
    ended = await run_python(program, cwd=PROJECT)
    assert ended.stdout == b"[]\n"


def only_modules(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".py")]


async def run_python(
    program: str, *arguments: str, cwd: Path
) -> subprocess.CompletedProcess[bytes]:
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", program, *arguments],
        cwd=cwd,
        capture_output=True,
        timeout=60,
    )


def aiosqlite_threads() -> list[threading.Thread]:
    return [found for found in threading.enumerate() if "_connection_worker" in found.name]


async def wait_for_no_thread() -> None:
    """The thread answers the close a moment before it ends."""
    for thread in aiosqlite_threads():
        await asyncio.to_thread(thread.join, 5)
    assert aiosqlite_threads() == []
