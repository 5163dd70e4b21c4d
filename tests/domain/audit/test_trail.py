"""The trail: pages with cursors, and watchers who see every entry once."""

import asyncio
from datetime import UTC, datetime

import pytest

from domain.audit.chain import Head
from domain.audit.entries import StoredEntry
from domain.audit.filters import AuditFilter
from domain.audit.heads import Heads
from domain.audit.trail import ORDER, AuditEntryNotFound, AuditTrail, EntryIdInvalid, NewestFirst
from domain.events import Hub
from domain.paging import CursorInvalid, cursor_of, page_request
from tests.fakes.audit import FakeAuditLog, FakeAuditRows, stored

AT = datetime(2026, 8, 1, tzinfo=UTC)
ALL = AuditFilter()


def _trail(count: int) -> tuple[AuditTrail, FakeAuditRows, Hub]:
    rows = FakeAuditRows([stored(id, AT, f"/{id}") for id in range(1, count + 1)])
    hub = Hub()
    trail = AuditTrail(hub, rows)
    trail.follow_from(Head(count, bytes(32)))
    return trail, rows, hub


async def test_pages_forwards_meet_every_entry_once_newest_first() -> None:
    trail, _, _ = _trail(25)
    seen, after = list[int](), None
    while True:
        request = page_request(ORDER, first=10, after=after)
        page = await trail.page(ALL, request, counted=True)
        seen += [item.id for item in page.items]
        assert page.total == 25
        assert page.has_previous is (after is not None)
        if not page.has_next:
            break
        after = page.cursors[-1]
    assert seen == list(range(25, 0, -1))


async def test_pages_backwards_are_in_the_same_order() -> None:
    trail, _, _ = _trail(25)
    oldest = await trail.page(ALL, page_request(ORDER, last=10), counted=False)
    assert [item.id for item in oldest.items] == list(range(10, 0, -1))
    request = page_request(ORDER, last=100, before=oldest.cursors[0])
    rest = await trail.page(ALL, request, counted=False)
    assert [item.id for item in rest.items] == list(range(25, 10, -1))
    assert (oldest.has_previous, oldest.has_next) == (True, False)
    assert (rest.has_previous, rest.has_next) == (False, True)


async def test_counting_is_done_only_when_asked_for() -> None:
    trail, rows, _ = _trail(3)
    assert (await trail.page(ALL, page_request(ORDER), counted=False)).total is None
    assert rows.counted == 0


@pytest.mark.parametrize("key", [("x",), (1, 2), (0,), (-1,), (2**63,)])
async def test_a_cursor_made_by_hand_is_refused(key: tuple[int | str, ...]) -> None:
    trail, _, _ = _trail(3)
    with pytest.raises(CursorInvalid):
        await trail.page(ALL, page_request(ORDER, after=cursor_of(key, ORDER)), counted=False)


async def test_one_entry_is_found_by_its_id() -> None:
    trail, _, _ = _trail(3)
    assert (await trail.get("2")).handler_path == "/2"
    with pytest.raises(AuditEntryNotFound):
        await trail.get("4")


@pytest.mark.parametrize("id", ["", "0", "-1", "1.0", "a", "9" * 19, "9" * 5000, "²"])
async def test_what_is_no_id_is_refused(id: str) -> None:
    trail, _, _ = _trail(3)
    with pytest.raises(EntryIdInvalid):
        await trail.get(id)


async def test_the_newest_come_in_batches_up_to_the_limit() -> None:
    trail, _, _ = _trail(1200)
    sizes = [len(batch) async for batch in trail.newest(NewestFirst(), 700)]
    everything = [len(batch) async for batch in trail.newest(NewestFirst(), None)]
    assert (sizes, everything) == ([500, 200], [500, 500, 200])


def _tell(trail: AuditTrail, entries: list[StoredEntry]) -> None:
    trail.written(Head(entries[-1].id, b""), lambda: entries)


async def test_entries_are_made_only_where_somebody_watches() -> None:
    trail, _, _ = _trail(5)
    made = list[int]()

    def make() -> list[StoredEntry]:
        made.append(1)
        return [stored(6, AT)]

    trail.written(Head(6, b""), make)
    assert made == []
    updates = trail.watch(ALL, shown=1)
    await anext(updates)
    trail.written(Head(7, b""), make)
    await updates.aclose()
    assert made == [1]


async def test_a_watcher_sees_the_newest_then_what_is_written() -> None:
    trail, rows, _ = _trail(5)
    updates = trail.watch(ALL, shown=2)
    first = await anext(updates)
    new = [stored(6, AT, "/6"), stored(7, AT, "/7")]
    rows.rows += new
    _tell(trail, new)
    second = await anext(updates)
    await updates.aclose()
    assert (first.snapshot, [entry.id for entry in first.value]) == (True, [4, 5])
    assert (second.snapshot, [entry.id for entry in second.value]) == (False, [6, 7])
    assert second.sequence > first.sequence


async def test_a_filter_holds_for_the_snapshot_and_for_what_follows() -> None:
    trail, _, _ = _trail(5)
    updates = trail.watch(AuditFilter(caller="ann"), shown=10)
    assert (await anext(updates)).value == []
    _tell(trail, [stored(6, AT), stored(7, AT, caller="ann"), stored(8, AT)])
    assert [entry.id for entry in (await anext(updates)).value] == [7]
    await updates.aclose()


async def test_what_is_on_the_disk_but_not_yet_told_is_told_once() -> None:
    trail, rows, _ = _trail(5)
    rows.rows.append(stored(6, AT))
    updates = trail.watch(ALL, shown=10)
    first = await anext(updates)
    _tell(trail, rows.rows[-1:])
    second = await anext(updates)
    await updates.aclose()
    assert first.value[-1].id == 5
    assert [entry.id for entry in second.value] == [6]


async def test_a_flood_gives_a_slow_watcher_the_newest_again() -> None:
    trail, rows, hub = _trail(1)
    updates = trail.watch(ALL, shown=3)
    await anext(updates)
    for id in range(2, 2000):
        rows.rows.append(stored(id, AT))
        _tell(trail, rows.rows[-1:])
    again = await asyncio.wait_for(anext(updates), 5)
    await updates.aclose()
    assert (again.snapshot, [entry.id for entry in again.value]) == (True, [1997, 1998, 1999])
    assert hub.lagged > 0


async def test_each_head_is_told_once() -> None:
    class Journal:
        def __init__(self) -> None:
            self.told: list[Head] = []

        def tell(self, head: Head) -> None:
            self.told.append(head)

    log, journal = FakeAuditLog(), Journal()
    heads = Heads(log, journal)
    await heads.tell()
    for id in (1, 1, 2):
        log.head = Head(id, bytes(32))
        await heads.tell()
    assert [head.id for head in journal.told] == [1, 2]
