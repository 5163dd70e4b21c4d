"""The runs of a unit, found in its journal."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from domain.paging import CursorInvalid, PageInvalid, cursor_of, page_request
from domain.services.run_history import RunHistory, run_order
from domain.services.runs import ENDED, FAILED, STARTING, RunOutcome, UnitRun
from domain.services.units import Unit, UnitState
from tests.fakes.journal import NOON, Entry, FakeJournal, about, own
from tests.fakes.units import FakeUnits

UNIT = "rpi-sb-provisioner@1000000000a0b000.service"
RUNS = ["1" * 32, "2" * 32, "3" * 32]


def one_run(number: int, *, end: str = ENDED) -> list[Entry]:
    invocation, second = RUNS[number], number * 100.0
    lines = [own(UNIT, f"line {n}", second + 1 + n, invocation=invocation) for n in range(20)]
    return [
        about(UNIT, "Starting", second, invocation=invocation, MESSAGE_ID=STARTING),
        *lines,
        about(UNIT, "over", second + 50, invocation=invocation, MESSAGE_ID=end),
    ]


def history(entries: Sequence[Entry], units: FakeUnits | None = None) -> RunHistory:
    return RunHistory(FakeJournal(list(entries)), units or FakeUnits(NOON, reason="no bus"))


async def page(runs: RunHistory, first: int, after: str | None = None) -> list[UnitRun]:
    request = page_request(run_order(UNIT), first=first, after=after)
    return list((await runs.page(UNIT, request)).items)


async def test_runs_are_listed_the_newest_first() -> None:
    runs = history([*one_run(0), *one_run(1, end=FAILED), *one_run(2)])
    found = await page(runs, 10)
    assert [run.invocation for run in found] == RUNS[::-1]
    assert [run.outcome for run in found] == [
        RunOutcome.SUCCEEDED,
        RunOutcome.FAILED,
        RunOutcome.SUCCEEDED,
    ]
    assert {run.seconds for run in found} == {50}


async def test_a_page_of_runs_goes_on_behind_its_cursor() -> None:
    runs = history([*one_run(0), *one_run(1), *one_run(2)])
    first = await runs.page(UNIT, page_request(run_order(UNIT), first=2))
    assert (first.has_next, first.has_previous) == (True, False)
    rest = await page(runs, 2, first.cursors[-1])
    assert [run.invocation for run in rest] == RUNS[:1]


async def test_late_lines_of_an_older_run_make_no_second_one() -> None:
    late = own(UNIT, "late", 110.5, invocation=RUNS[0])
    runs = history([*one_run(0), *one_run(1)[:10], late, *one_run(1)[10:]])
    assert [run.invocation for run in await page(runs, 10)] == [RUNS[1], RUNS[0]]


async def test_lines_without_an_invocation_are_passed_over() -> None:
    nameless = [own(UNIT, "x", 60 + n / 10) for n in range(300)]
    assert len(await page(history([*one_run(0), *nameless]), 5)) == 1
    assert await page(history(nameless), 5) == []


async def test_the_newest_run_is_completed_by_systemd() -> None:
    units = FakeUnits(NOON)
    unit = Unit(UNIT, "", "loaded", "active", "running")
    units.loaded[UNIT] = UnitState(unit, "success", None, RUNS[1], NOON, None)
    newest = await history([*one_run(0), *one_run(1)[:5]], units).newest(UNIT)
    assert newest is not None
    assert (newest.invocation, newest.outcome) == (RUNS[1], RunOutcome.RUNNING)


async def test_a_run_that_only_systemd_knows_is_the_newest() -> None:
    units = FakeUnits(NOON)
    unit = Unit(UNIT, "", "loaded", "activating", "start")
    units.loaded[UNIT] = UnitState(unit, "success", None, RUNS[1], None, None)
    for entries in (one_run(0), []):
        newest = await history(entries, units).newest(UNIT)
        assert newest is not None
        assert (newest.invocation, newest.outcome) == (RUNS[1], RunOutcome.RUNNING)


async def test_without_a_bus_the_journal_alone_tells() -> None:
    newest = await history([*one_run(0), *one_run(1)[:5]]).newest(UNIT)
    assert newest is not None
    assert newest.outcome is RunOutcome.UNKNOWN


async def test_a_unit_without_lines_has_no_run() -> None:
    assert await history([]).newest(UNIT) is None
    assert await history([]).newest("rpi-x@.service") is None


async def test_the_power_cut_shows() -> None:
    later = replace(own("ssh.service", "up again", 500), boot="f" * 32)
    newest = await history([*one_run(0)[:-1], later]).newest(UNIT)
    assert newest is not None
    assert newest.outcome is RunOutcome.INTERRUPTED


@pytest.mark.parametrize("wrong", ["x", 5, "s=1;i=2"])
async def test_a_cursor_that_is_no_place_is_refused(wrong: str | int) -> None:
    with pytest.raises(CursorInvalid):
        await page(history([]), 5, cursor_of((wrong,), run_order(UNIT)))


@pytest.mark.parametrize("size", [101, 500])
async def test_huge_pages_of_runs_are_refused(size: int) -> None:
    with pytest.raises(PageInvalid):
        await page(history([]), size)
