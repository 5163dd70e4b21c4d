import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest

from domain.events import Hub
from domain.manufacturing.manufacturing import Manufacturing
from domain.manufacturing.watching import AT_ONCE, NewestInvalid, RecordsFrame
from tests.fakes.record_index import FakeRecordIndex
from tests.fakes.records import FakeRecords, record_row


class Watched:
    """A feature and somebody who watches it."""

    def __init__(self, number: int) -> None:
        self.records = FakeRecords([record_row(id) for id in range(1, number + 1)])
        self.hub = Hub()
        self.manufacturing = Manufacturing(self.hub, self.records, FakeRecordIndex(self.records))
        self.frames: AsyncGenerator[RecordsFrame, None] | None = None

    async def write(self, *ids: int) -> None:
        """Records boards, and has it noticed."""
        self.records.add(*(record_row(id) for id in ids))
        await self.manufacturing.catch_up()

    async def next(self, *, newest: int = 2) -> tuple[bool, list[int]]:
        """Returns the next frame: whether it is a snapshot, and the ids."""
        if self.frames is None:
            self.frames = self.manufacturing.watch(newest=newest)
        frame = await asyncio.wait_for(anext(self.frames), 5)
        return frame.snapshot, [record.id for record in frame.records]


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    watched = Watched(5)
    await watched.manufacturing.catch_up()
    yield watched
    if watched.frames is not None:
        await watched.frames.aclose()


async def test_the_newest_come_first_then_what_comes_in(watched: Watched) -> None:
    assert await watched.next() == (True, [4, 5])
    await watched.write(6)
    await watched.write(7, 8)
    assert await watched.next() == (False, [6])
    assert await watched.next() == (False, [7, 8])


async def test_a_watch_may_begin_with_nothing_and_on_an_empty_table() -> None:
    watched = Watched(0)
    await watched.manufacturing.catch_up()
    assert await watched.next(newest=0) == (True, [])
    await watched.write(1)
    assert await watched.next() == (False, [1])


async def test_a_row_between_the_snapshot_and_its_announcement_comes_once(
    watched: Watched,
) -> None:
    watched.records.add(record_row(6))
    assert await watched.next() == (True, [4, 5])
    await watched.write(7)
    assert await watched.next() == (False, [6, 7])


async def test_many_at_once_come_in_several_frames(watched: Watched) -> None:
    await watched.next()
    await watched.write(*range(6, 6 + AT_ONCE + 5))
    assert await watched.next() == (False, list(range(6, 6 + AT_ONCE)))
    assert await watched.next() == (False, list(range(6 + AT_ONCE, 6 + AT_ONCE + 5)))


async def test_a_watcher_who_was_too_slow_loses_nothing(watched: Watched) -> None:
    await watched.next()
    for id in range(6, 400):
        await watched.write(id)
    seen: list[int] = []
    while len(seen) < 394:
        snapshot, ids = await watched.next()
        assert not snapshot
        seen += ids
    assert seen == list(range(6, 400))


async def test_another_database_begins_with_its_newest(watched: Watched) -> None:
    await watched.next()
    watched.records.by_id = {id: record_row(id, serial="other") for id in (1, 2, 3)}
    await watched.manufacturing.catch_up()
    assert await watched.next() == (True, [2, 3])


async def test_the_same_rows_read_anew_are_no_news(watched: Watched) -> None:
    await watched.next()
    del watched.records.by_id[1]  # makes the fake index tell that everything is anew
    await watched.manufacturing.catch_up()
    await watched.write(6)
    assert await watched.next() == (False, [6])


async def test_frames_that_are_the_same_for_all_say_so(watched: Watched) -> None:
    frames = watched.manufacturing.watch(newest=1)
    assert (await anext(frames)).shareable
    await watched.write(6)
    shared = await anext(frames)
    assert (shared.shareable, shared.sequence) == (True, watched.hub.sequence)
    await watched.write(*range(7, 7 + AT_ONCE + 1))
    assert not (await anext(frames)).shareable
    await frames.aclose()


@pytest.mark.parametrize("newest", [-1, 101])
async def test_too_many_to_begin_with_are_refused(watched: Watched, newest: int) -> None:
    with pytest.raises(NewestInvalid):
        await watched.next(newest=newest)
