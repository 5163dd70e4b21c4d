"""Stillness over real files and the kernel's own news."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.stillness import SETTLING_SECONDS, TRUSTED_SECONDS, Stillness


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """A database, its log, and a stillness over both."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.file, self.log = folder / "state.db", folder / "state.db-wal"
        self.stillness = Stillness(self._files, clock=self.clock)

    def _files(self) -> list[Path]:
        return [file for file in (self.file, self.log) if file.exists()]

    def look(self) -> None:
        with self.stillness.look():
            pass

    async def holds(self) -> bool:
        # The loop hears the news in one round and acts on it in the next.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return self.stillness.holds()

    def settle(self) -> None:
        self.clock.now += SETTLING_SECONDS
        self.look()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    desk = Desk(tmp_path)
    desk.file.write_text("rows")
    yield desk
    desk.stillness.close()


async def test_nothing_is_still_before_the_first_look(desk: Desk) -> None:
    assert not await desk.holds()


async def test_files_that_nobody_touches_are_still_after_a_look(desk: Desk) -> None:
    desk.look()
    assert [await desk.holds(), await desk.holds()] == [True, True]


async def test_a_look_is_not_trusted_for_long(desk: Desk) -> None:
    desk.look()
    desk.clock.now += TRUSTED_SECONDS
    assert not await desk.holds()


async def test_a_write_is_followed_by_looks_until_it_has_settled(desk: Desk) -> None:
    desk.look()
    desk.file.write_text("more rows")
    assert not await desk.holds()
    desk.look()
    assert not await desk.holds()
    desk.settle()
    assert await desk.holds()


async def test_a_write_during_a_look_counts(desk: Desk) -> None:
    with desk.stillness.look():
        desk.file.write_text("meanwhile")
    assert not await desk.holds()


async def test_reading_is_no_stir(desk: Desk) -> None:
    desk.look()
    desk.file.read_text()
    assert await desk.holds()


async def test_a_file_that_the_look_itself_makes_is_watched_from_the_next_one(desk: Desk) -> None:
    with desk.stillness.look():
        desk.log.touch()
    assert not await desk.holds()
    desk.look()
    assert await desk.holds()
    desk.log.write_text("a commit")
    assert not await desk.holds()


async def test_a_file_that_takes_the_place_of_another_is_seen(desk: Desk, tmp_path: Path) -> None:
    other = tmp_path / "restored.db"
    other.write_text("other rows")
    desk.look()
    other.replace(desk.file)
    assert not await desk.holds()


async def test_where_there_is_no_file_nothing_is_still(desk: Desk) -> None:
    desk.file.unlink()
    desk.look()
    assert not await desk.holds()


@pytest.mark.parametrize("mode", ["wal", "delete"])
async def test_every_commit_of_sqlite_stirs(desk: Desk, mode: str) -> None:
    desk.file.unlink()
    with closing(sqlite3.connect(desk.file, isolation_level=None)) as connection:
        connection.execute(f"pragma journal_mode={mode}")
        connection.execute("create table devices(id integer primary key)")
        desk.settle()
        for _ in range(3):
            desk.settle()
            assert await desk.holds()
            connection.execute("insert into devices default values")
            assert not await desk.holds()
            desk.settle()
