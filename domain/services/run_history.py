"""The runs of a unit in its journal, the newest first."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

from domain.paging import Page, PageInvalid, PageRequest, cursor_of
from domain.services.cursors import boot_of, journal_cursor
from domain.services.journal import Journal, JournalLine, JournalQuestion
from domain.services.line_filters import LineFilter, Origin
from domain.services.runs import RunOutcome, UnitRun, completed, live_run, told_run
from domain.services.units import UnitNameInvalid, Units, UnitsUnavailable, UnitUnknown

MOST_RUNS = 100
"""The largest page: each run takes three looks at the journal."""
MOST_ABOUT = 200
"""Lines that systemd writes about one run; more come of a unit that is told to reload."""
MOST_NAMELESS = 2000
"""Lines without an invocation that are passed over in search of one that has it."""


def run_order(unit: str) -> str:
    """Returns the name of the list of this unit's runs, for its cursors."""
    return f"runs:{unit}"


@dataclass(frozen=True, slots=True)
class RunHistory:
    """Finds runs; how the newest is, systemd is asked too."""

    journal: Journal
    units: Units

    async def newest(self, unit: str) -> UnitRun | None:
        """Returns the unit's last run, None where nobody knows of one; raises
        `JournalUnavailable`."""
        live = await self._live(unit)
        async with aclosing(self._told(unit, None)) as runs:
            told = await anext(runs, None)
        # A run that has just begun may not be in the journal yet.
        begun = live is not None and live.outcome is RunOutcome.RUNNING
        if told is None or (begun and live is not None and live.invocation != told.invocation):
            return live
        return completed(told, live)

    async def page(self, unit: str, request: PageRequest) -> Page[UnitRun]:
        """Returns a page of runs, the newest first; raises `PageInvalid`, `CursorInvalid` and
        `JournalUnavailable`."""
        if request.backwards or request.size > MOST_RUNS:
            raise PageInvalid(
                f"Runs are listed forwards: `first` from 1 to {MOST_RUNS}, `after`.", field="first"
            )
        live, after = await self._live(unit), journal_cursor(request.key)
        runs: list[UnitRun] = []
        more = False
        async with aclosing(self._told(unit, after)) as told:
            async for run in told:
                more = len(runs) == request.size
                if more:
                    break
                runs.append(completed(run, live))
        cursors = [cursor_of((run.cursor,), run_order(unit)) for run in runs]
        return Page(runs, cursors, has_next=more, has_previous=after is not None)

    async def running_at(self, unit: str, at: datetime) -> UnitRun | None:
        """Returns the last run that had begun at this moment, as the journal tells it; None where
        it tells of none. Raises `JournalUnavailable`."""
        async with aclosing(self._told(unit, None, until=at)) as runs:
            return await anext(runs, None)

    async def _told(
        self, unit: str, before: str | None, *, until: datetime | None = None
    ) -> AsyncGenerator[UnitRun, None]:
        end = await self.journal.end()
        boot_now = boot_of(end) if end else None
        while True:
            invocation = await self._invocation_before(unit, before, LineFilter(until=until))
            if invocation is None:
                return
            first = await self._lines(unit, invocation, Origin.ALL, count=1)
            if not first:
                return
            about = await self._lines(unit, invocation, Origin.SYSTEMD, count=MOST_ABOUT)
            yield told_run(invocation, first[0], about, boot_now=boot_now)
            # Another run's late lines may lie in between; it is found by its earlier ones.
            before = first[0].cursor

    async def _invocation_before(
        self, unit: str, before: str | None, wanted: LineFilter
    ) -> str | None:
        """Returns the invocation of the newest line before `before` that has one."""
        passed, count = 0, 1
        while passed < MOST_NAMELESS:
            question = JournalQuestion(
                unit=unit, count=count, cursor=before, backwards=True, wanted=wanted
            )
            found = await self.journal.read(question)
            for line in found.lines:
                if line.invocation:
                    return line.invocation
            if found.resume is None:
                return None
            passed, count, before = passed + len(found.lines), 200, found.resume
        return None

    async def _lines(
        self, unit: str, invocation: str, origin: Origin, *, count: int
    ) -> tuple[JournalLine, ...]:
        wanted = LineFilter(origin=origin, invocation=invocation)
        found = await self.journal.read(JournalQuestion(unit=unit, count=count, wanted=wanted))
        return found.lines

    async def _live(self, unit: str) -> UnitRun | None:
        try:
            return live_run(await self.units.get_state(unit))
        except (UnitsUnavailable, UnitUnknown, UnitNameInvalid):
            return None
