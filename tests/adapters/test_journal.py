"""The contract of the journal's port, told of the fake and of real journal files."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.journal import SystemdJournal
from domain.host_paths import HostPaths
from domain.services.journal import Journal, JournalQuestion, JournalUnit
from domain.services.line_filters import EVERY_LINE, LineFilter, Origin, Priority
from tests.adapters.journal_writer import needs_tool, write_journal
from tests.fakes.journal import NOON, Entry, FakeJournal, about, own

UNIT = "rpi-sb-provisioner@1000000000a0b000.service"
OTHER = "rpi-sb-triage@1000000000a0b000.service"
FIRST, SECOND = "1" * 32, "2" * 32
LATER_BOOT = "f" * 32
ENTRIES = (
    about(UNIT, "Starting it", 0, invocation=FIRST, JOB_TYPE="start"),
    own(UNIT, "writing the IMAGE", 1, invocation=FIRST),
    own(OTHER, "another unit's line", 2),
    own(UNIT, "a warning", 3, invocation=FIRST, PRIORITY="4"),
    about(UNIT, "Failed with result", 4, invocation=FIRST, UNIT_RESULT="exit-code", PRIORITY="4"),
    own("ssh.service", "no unit of ours", 5),
    own(UNIT, "again", 6, invocation=SECOND, boot=LATER_BOOT),
    # Anybody may write a field UNIT: only systemd's own word counts.
    Entry({"UNIT": UNIT, "MESSAGE": "forged", "_PID": "99", "_SYSTEMD_UNIT": "x.service"}, 7),
    about("rpi-sb-missing.service", "Failed to start", 8),
)

Opened = Callable[[Iterable[Entry]], Journal]


@asynccontextmanager
async def real_journal(root: Path) -> AsyncIterator[SystemdJournal]:
    journal = SystemdJournal(HostPaths(root))
    try:
        yield journal
    finally:
        await journal.aclose()


@pytest.fixture(params=["fake", pytest.param("real", marks=[pytest.mark.real, needs_tool])])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opened]:
    if request.param == "fake":
        yield lambda entries: FakeJournal(list(entries))
        return

    def written(entries: Iterable[Entry]) -> SystemdJournal:
        write_journal(tmp_path, entries)
        return journal

    async with real_journal(tmp_path) as journal:
        yield written


async def said(
    journal: Journal,
    *,
    count: int = 100,
    cursor: str | None = None,
    inclusive: bool = False,
    backwards: bool = False,
    wanted: LineFilter = EVERY_LINE,
) -> list[str | None]:
    question = JournalQuestion(
        unit=UNIT,
        count=count,
        cursor=cursor,
        inclusive=inclusive,
        backwards=backwards,
        wanted=wanted,
    )
    return [line.message for line in (await journal.read(question)).lines]


async def test_units_are_listed_with_their_newest_lines(opened: Opened) -> None:
    units = await opened(ENTRIES).list_units()
    times = {unit.name: unit for unit in units}
    at = {second: entry.microseconds for second, entry in enumerate(ENTRIES)}
    assert times == {
        UNIT: JournalUnit(UNIT, at[6], at[6]),
        OTHER: JournalUnit(OTHER, at[2], at[2]),
        "rpi-sb-missing.service": JournalUnit("rpi-sb-missing.service", None, at[8]),
    }


async def test_a_unit_has_its_own_lines_and_those_of_systemd_about_it(opened: Opened) -> None:
    assert await said(opened(ENTRIES)) == [
        "Starting it",
        "writing the IMAGE",
        "a warning",
        "Failed with result",
        "again",
    ]


async def test_lines_can_be_read_from_the_newest_on(opened: Opened) -> None:
    assert await said(opened(ENTRIES), backwards=True, count=2) == ["again", "Failed with result"]


async def test_a_line_says_who_wrote_it_and_when(opened: Opened) -> None:
    question = JournalQuestion(unit=UNIT, count=5)
    found = (await opened(ENTRIES).read(question)).lines
    own_line, failure = found[2], found[3]
    assert (own_line.at, own_line.priority, own_line.pid) == (NOON + timedelta(seconds=3), 4, 4711)
    assert (own_line.identifier, own_line.invocation) == ("script", FIRST)
    assert (own_line.by_systemd, own_line.cut, own_line.facts) == (False, False, {})
    assert (failure.by_systemd, failure.pid, failure.invocation) == (True, 1, FIRST)
    assert failure.facts == {"UNIT_RESULT": "exit-code"}
    assert found[4].boot == LATER_BOOT


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (LineFilter(origin=Origin.UNIT), 3),
        (LineFilter(origin=Origin.SYSTEMD), 2),
        (LineFilter(priority=Priority.WARNING), 2),
        (LineFilter(priority=Priority.ERROR), 0),
        (LineFilter(text="image"), 1),
        (LineFilter(text="nowhere"), 0),
        (LineFilter(since=NOON + timedelta(seconds=3)), 3),
        (LineFilter(until=NOON + timedelta(seconds=3)), 3),
        (LineFilter(since=NOON + timedelta(seconds=1), until=NOON + timedelta(seconds=3)), 2),
        (LineFilter(boot=LATER_BOOT), 1),
        (LineFilter(invocation=FIRST), 4),
        (LineFilter(invocation=FIRST, origin=Origin.SYSTEMD, text="FAILED"), 1),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
async def test_a_filter_narrows(
    opened: Opened, wanted: LineFilter, count: int, *, backwards: bool
) -> None:
    assert len(await said(opened(ENTRIES), wanted=wanted, backwards=backwards)) == count


async def test_reading_goes_on_where_it_stopped(opened: Opened) -> None:
    journal = opened(ENTRIES)
    first = await journal.read(JournalQuestion(unit=UNIT, count=2))
    second = await journal.read(JournalQuestion(unit=UNIT, count=10, cursor=first.resume))
    assert [line.message for line in second.lines] == ["a warning", "Failed with result", "again"]
    assert (second.found, second.resume) == (True, None)


async def test_a_cursor_leads_both_ways(opened: Opened) -> None:
    journal = opened(ENTRIES)
    middle = (await journal.read(JournalQuestion(unit=UNIT, count=3))).lines[2].cursor
    assert await said(journal, cursor=middle) == ["Failed with result", "again"]
    assert await said(journal, cursor=middle, backwards=True) == [
        "writing the IMAGE",
        "Starting it",
    ]
    assert await said(journal, cursor=middle, inclusive=True, count=1) == ["a warning"]


async def test_a_cursor_of_another_units_line_is_not_found_but_good(opened: Opened) -> None:
    journal = opened(ENTRIES)
    place = (await journal.read(JournalQuestion(unit=OTHER, count=1))).lines[0].cursor
    found = await journal.read(JournalQuestion(unit=UNIT, count=1, cursor=place))
    assert ([line.message for line in found.lines], found.found) == (["a warning"], False)


@pytest.mark.parametrize(
    ("origin", "count"), [(Origin.ALL, 5), (Origin.UNIT, 3), (Origin.SYSTEMD, 2)]
)
async def test_lines_are_counted_by_origin(opened: Opened, origin: Origin, count: int) -> None:
    assert await opened(ENTRIES).count(UNIT, origin) == count


async def test_own_lines_are_found_by_their_number(opened: Opened) -> None:
    journal = opened(ENTRIES)
    messages = []
    for number in (2, 0, 1):
        cursor = await journal.locate(UNIT, number)
        messages += await said(journal, cursor=cursor, inclusive=True, count=1)
    assert messages == ["again", "writing the IMAGE", "a warning"]
    assert [await journal.locate(UNIT, number) for number in (3, -1)] == [None, None]


async def test_the_end_is_the_newest_entry_of_all(opened: Opened) -> None:
    journal = opened(ENTRIES)
    end = await journal.end()
    assert await said(journal, cursor=end) == []
    assert (await said(journal, cursor=end, backwards=True))[0] == "again"


async def test_a_unit_that_nobody_knows_has_no_lines(opened: Opened) -> None:
    journal = opened(ENTRIES)
    name = "rpi-sb-none\n\0.service"
    found = await journal.read(JournalQuestion(unit=name, count=5))
    assert (found.lines, found.resume) == ((), None)
    assert await journal.count(name, Origin.ALL) == 0
    assert await journal.locate(name, 0) is None


async def test_a_journal_with_files_is_ready(opened: Opened) -> None:
    await opened(ENTRIES).probe()
