"""Following a unit's log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from domain.events import Hub
from domain.paging import PageInvalid
from domain.services.journal import JournalGrew, JournalUnavailable
from domain.services.line_filters import LineFilter, Priority
from domain.services.log_following import LogFollowing, UnitLogUpdate
from domain.services.unit_names import ServiceUnauthorized
from tests.fakes.journal import FakeJournal, about, own

UNIT = "rpi-sb-provisioner@1000000000a0b000.service"
FOR_EVER = 1000.0
PATIENCE = 5.0


class Follower:
    """One follower, frame by frame."""

    def __init__(self, journal: FakeJournal, *, look: float = FOR_EVER) -> None:
        self.journal = journal
        self.hub = Hub()
        self.following = LogFollowing(self.hub, journal, look=look)

    @asynccontextmanager
    async def frames(
        self, *, tail: int = 10, wanted: LineFilter | None = None
    ) -> AsyncIterator[AsyncIterator[UnitLogUpdate]]:
        updates = self.following.follow(UNIT, tail=tail, wanted=wanted or LineFilter())
        async with asyncio.timeout(PATIENCE), aclosing(updates):
            yield updates

    def write(self, *messages: str) -> None:
        self.journal.write(*(own(UNIT, message, 100) for message in messages))
        self.hub.publish(JournalGrew())


def said(update: UnitLogUpdate) -> list[str | None]:
    return [line.message for line in update.lines]


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal([own(UNIT, f"line {n}", n) for n in range(20)])


async def test_the_tail_comes_first_then_new_lines(journal: FakeJournal) -> None:
    follower = Follower(journal)
    async with follower.frames(tail=2) as frames:
        first = await anext(frames)
        journal.write(own("ssh.service", "not ours", 99), about(UNIT, "over", 99))
        follower.write("new")
        second = await anext(frames)
    assert (first.sequence, first.snapshot, said(first)) == (1, True, ["line 18", "line 19"])
    assert (second.sequence, second.snapshot, said(second)) == (2, False, ["over", "new"])


async def test_a_unit_that_has_no_lines_yet_is_waited_for() -> None:
    for journal in (FakeJournal(), FakeJournal([own("ssh.service", "x", 0)])):
        follower = Follower(journal)
        async with follower.frames() as frames:
            first = await anext(frames)
            follower.write("begins")
            second = await anext(frames)
        assert (first.snapshot, said(first), said(second)) == (True, [], ["begins"])


async def test_without_a_tail_only_new_lines_come(journal: FakeJournal) -> None:
    follower = Follower(journal)
    async with follower.frames(tail=0) as frames:
        first = await anext(frames)
        follower.write("new")
        assert (said(first), said(await anext(frames))) == ([], ["new"])


async def test_what_is_written_before_the_first_wait_is_not_lost(journal: FakeJournal) -> None:
    follower = Follower(journal)
    async with follower.frames() as frames:
        await anext(frames)
        journal.write(own(UNIT, "without a word of the kernel", 100))
        assert said(await anext(frames)) == ["without a word of the kernel"]


async def test_the_net_finds_what_the_kernel_does_not_tell(journal: FakeJournal) -> None:
    follower = Follower(journal, look=0.01)
    async with follower.frames() as frames:
        await anext(frames)
        waiting = asyncio.ensure_future(anext(frames))
        await asyncio.sleep(0)
        journal.write(own(UNIT, "found", 100))
        assert said(await waiting) == ["found"]


async def test_a_filter_holds_for_new_lines_too(journal: FakeJournal) -> None:
    follower = Follower(journal)
    async with follower.frames(wanted=LineFilter(priority=Priority.ERROR)) as frames:
        first = await anext(frames)
        journal.write(own(UNIT, "bad", 100, PRIORITY="3"))
        follower.write("good")
        assert (said(first), said(await anext(frames))) == ([], ["bad"])


async def test_who_is_vacuumed_away_is_shown_the_end_again(journal: FakeJournal) -> None:
    follower = Follower(journal)
    async with follower.frames(tail=3) as frames:
        await anext(frames)
        journal.vacuum(20)
        follower.write("a", "b")
        update = await anext(frames)
    assert (update.snapshot, said(update)) == (True, ["a", "b"])


async def test_who_is_far_behind_is_shown_the_end_again(journal: FakeJournal) -> None:
    follower = Follower(journal)
    journal.slice = 100_000
    async with follower.frames(tail=1) as frames:
        await anext(frames)
        follower.write(*(f"new {n}" for n in range(6000)))
        updates = [await anext(frames)]
        while not updates[-1].snapshot:
            updates.append(await anext(frames))
    assert len(updates) == 11
    assert said(updates[-1]) == ["new 5999"]


async def test_a_slow_follower_holds_up_nobody(journal: FakeJournal) -> None:
    follower = Follower(journal)
    async with follower.frames() as slow, follower.frames() as quick:
        await anext(slow)
        await anext(quick)
        for number in range(5):
            follower.write(f"new {number}")
            assert said(await anext(quick)) == [f"new {number}"]
        assert said(await anext(slow)) == [f"new {number}" for number in range(5)]


async def test_following_ends_cleanly(journal: FakeJournal) -> None:
    follower = Follower(journal)
    async with follower.frames() as frames:
        await anext(frames)
        assert follower.hub.subscribers == 1
    assert follower.hub.subscribers == 0


async def test_a_journal_that_fails_ends_the_following(journal: FakeJournal) -> None:
    follower = Follower(journal)
    async with follower.frames() as frames:
        await anext(frames)
        journal.reason = "gone"
        with pytest.raises(JournalUnavailable):
            await anext(frames)


@pytest.mark.parametrize("tail", [-1, 501])
async def test_a_tail_has_bounds(journal: FakeJournal, tail: int) -> None:
    async with Follower(journal).frames(tail=tail) as frames:
        with pytest.raises(PageInvalid):
            await anext(frames)


async def test_other_units_cannot_be_followed(journal: FakeJournal) -> None:
    updates = LogFollowing(Hub(), journal).follow("ssh.service", tail=1, wanted=LineFilter())
    with pytest.raises(ServiceUnauthorized):
        await anext(updates)
