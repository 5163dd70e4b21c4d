"""Pages of a unit's log by cursor and by number, and the whole of it."""

from datetime import timedelta

import pytest

from domain.paging import CursorInvalid, cursor_of, page_request
from domain.services.journal import JournalLine, JournalUnavailable
from domain.services.line_filters import (
    JournalFilterInvalid,
    LineFilter,
    Origin,
    Priority,
)
from domain.services.shown_text import shown
from domain.services.unit_logs import LogPage, UnitLogs, log_order
from domain.services.unit_names import ServiceUnauthorized
from domain.services.units import UnitUnknown
from tests.fakes.journal import NOON, FakeJournal, about, own

UNIT = "rpi-sb-provisioner@1000000000a0b000.service"
LINES = 25


@pytest.fixture
def journal() -> FakeJournal:
    entries = [own(UNIT, f"line {n}", n) for n in range(LINES)]
    return FakeJournal([*entries, about(UNIT, "over", LINES)])


async def paged(
    journal: FakeJournal,
    *,
    newest_first: bool = False,
    wanted: LineFilter | None = None,
    **page: int | str,
) -> LogPage:
    first, last = page.get("first"), page.get("last")
    after, before = page.get("after"), page.get("before")
    request = page_request(
        log_order(UNIT, newest_first=newest_first),
        first=int(first) if first else None,
        after=str(after) if after else None,
        last=int(last) if last else None,
        before=str(before) if before else None,
    )
    return await UnitLogs(journal).page(
        UNIT, request, wanted=wanted or LineFilter(), newest_first=newest_first
    )


def said(lines: tuple[JournalLine, ...]) -> list[str | None]:
    return [line.message for line in lines]


@pytest.mark.parametrize("newest_first", [False, True])
async def test_pages_follow_each_other_without_gap_or_repeat(
    journal: FakeJournal, *, newest_first: bool
) -> None:
    found, page = list[str | None](), await paged(journal, newest_first=newest_first, first=10)
    found += said(page.lines)
    while page.has_next:
        page = await paged(journal, newest_first=newest_first, first=10, after=page.end or "")
        found += said(page.lines)
    expected = [*(f"line {n}" for n in range(LINES)), "over"]
    assert found == (expected[::-1] if newest_first else expected)
    assert page.has_previous


@pytest.mark.parametrize("newest_first", [False, True])
async def test_pages_can_be_turned_backwards(journal: FakeJournal, *, newest_first: bool) -> None:
    last = await paged(journal, newest_first=newest_first, last=2)
    before = await paged(journal, newest_first=newest_first, last=2, before=last.start or "")
    expected = [*(f"line {n}" for n in range(LINES)), "over"]
    expected = expected[::-1] if newest_first else expected
    assert said(last.lines) == expected[-2:]
    assert said(before.lines) == expected[-4:-2]
    assert (last.has_next, last.has_previous) == (False, True)
    assert (before.has_next, before.has_previous) == (True, True)


async def test_cursors_stay_good_while_lines_come_and_go(journal: FakeJournal) -> None:
    first = await paged(journal, newest_first=True, first=5)
    journal.write(own(UNIT, "newer", 99))
    journal.vacuum(3)
    second = await paged(journal, newest_first=True, first=5, after=first.end or "")
    assert said(second.lines)[0] == "line 20"


async def test_short_slices_make_whole_pages(journal: FakeJournal) -> None:
    journal.slice = 3
    assert len((await paged(journal, first=10)).lines) == 10


async def test_a_search_that_takes_too_long_says_where_it_stopped(journal: FakeJournal) -> None:
    journal.slice = 4
    page = await UnitLogs(journal, patience=-1).page(
        UNIT, page_request("any", first=10), wanted=LineFilter(), newest_first=False
    )
    assert (len(page.lines), page.complete, page.has_next) == (4, False, True)
    assert page.end == page.cursors[-1]


async def test_an_empty_log_has_no_cursors() -> None:
    page = await paged(FakeJournal(), first=5)
    assert (page.lines, page.start, page.end, page.has_next) == ((), None, None, False)


async def test_a_cursor_of_another_unit_is_refused(journal: FakeJournal) -> None:
    with pytest.raises(CursorInvalid):
        await paged(journal, after=cursor_of(("x",), "log:asc:other"))


async def test_a_cursor_that_is_no_place_is_refused(journal: FakeJournal) -> None:
    with pytest.raises(CursorInvalid):
        await paged(journal, after=cursor_of(("x",), log_order(UNIT, newest_first=False)))


@pytest.mark.parametrize(
    ("page", "newest_first", "number", "messages"),
    [
        (1, False, 1, ["line 0", "line 1"]),
        (1, True, 1, ["line 24", "line 23"]),
        (12, True, 12, ["line 2", "line 1"]),
        (13, True, 13, ["line 0"]),
        (13, False, 13, ["line 24"]),
        (2**31 - 1, False, 13, ["line 24"]),
    ],
)
async def test_a_page_is_found_by_its_number(
    journal: FakeJournal, page: int, number: int, messages: list[str], *, newest_first: bool
) -> None:
    found = await UnitLogs(journal).numbered(UNIT, page=page, size=2, newest_first=newest_first)
    assert (said(found.lines), found.page) == (messages, number)
    assert (found.total, found.pages) == (LINES, 13)


async def test_a_unit_without_lines_has_no_pages() -> None:
    found = await UnitLogs(FakeJournal()).numbered(UNIT, page=7, size=50, newest_first=True)
    assert (found.lines, found.page, found.total, found.pages) == ((), 7, 0, 0)


async def test_lines_without_a_message_count_too() -> None:
    journal = FakeJournal([own(UNIT, None, 0), own(UNIT, "x", 1)])
    found = await UnitLogs(journal).numbered(UNIT, page=1, size=5, newest_first=False)
    assert (said(found.lines), found.total) == ([None, "x"], 2)


async def test_the_whole_log_comes_in_pieces(journal: FakeJournal) -> None:
    journal.slice = 10
    pieces = [piece async for piece in await UnitLogs(journal).whole(UNIT)]
    assert [len(piece) for piece in pieces] == [10, 10, 6]
    assert said(pieces[-1])[-1] == "over"


async def test_a_log_that_is_not_there_is_no_download() -> None:
    with pytest.raises(UnitUnknown):
        await UnitLogs(FakeJournal()).whole(UNIT)


async def test_other_units_logs_are_refused(journal: FakeJournal) -> None:
    logs = UnitLogs(journal)
    with pytest.raises(ServiceUnauthorized):
        await logs.numbered("ssh.service", page=1, size=1, newest_first=True)
    with pytest.raises(ServiceUnauthorized):
        await logs.whole("ssh.service")
    with pytest.raises(ServiceUnauthorized):
        await logs.count("ssh.service", Origin.ALL)


async def test_a_journal_that_cannot_be_read_is_unavailable(journal: FakeJournal) -> None:
    journal.reason = "the disk is gone"
    with pytest.raises(JournalUnavailable, match="disk"):
        await paged(journal)


def test_a_filter_that_cannot_be_meant_is_refused() -> None:
    with pytest.raises(JournalFilterInvalid):
        LineFilter(text="")
    with pytest.raises(JournalFilterInvalid):
        LineFilter(boot="G" * 32)
    with pytest.raises(JournalFilterInvalid):
        LineFilter(invocation="1")
    with pytest.raises(JournalFilterInvalid):
        LineFilter(since=NOON, until=NOON - timedelta(seconds=1))


def test_a_filter_of_the_origin_alone_is_open() -> None:
    assert LineFilter(origin=Origin.UNIT).is_open
    assert not LineFilter(priority=Priority.ERROR).is_open


def test_text_is_shown_without_what_moves_cursors() -> None:
    assert shown("a\tb\nc\x1b[0m\x00\x7f\x9b\u202e") == "a\tb\nc␛[0m␀␡\ufffd\ufffd"
