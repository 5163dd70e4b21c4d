"""What units tell: when they began and how they ended, and the errors in their journals."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime

from domain.paging import PageRequest
from domain.services.journal import Journal, JournalLine, JournalQuestion
from domain.services.line_filters import LineFilter, Priority
from domain.services.run_history import MOST_RUNS, RunHistory
from domain.services.runs import RunOutcome, UnitRun
from domain.services.shown_text import shown
from domain.services.unit_logs import collect
from domain.timeline.board_units import TimelineUnits
from domain.timeline.boards import Board
from domain.timeline.entries import (
    TimelineEntry,
    TimelineKind,
    Wanted,
    place,
)

_ENDINGS = {
    RunOutcome.SUCCEEDED: "ended well",
    RunOutcome.FAILED: "failed",
    RunOutcome.UNKNOWN: "ended; how, nobody wrote down",
}
SAME_MOMENT = 20
"""Lines of one microsecond that a page boundary may cut."""


class RunStory:
    """Tells from the runs of a board's units."""

    kinds = frozenset((TimelineKind.UNIT_STARTED, TimelineKind.UNIT_ENDED))

    def __init__(self, units: TimelineUnits, runs: RunHistory) -> None:
        self._units = units
        self._runs = runs

    async def tell(self, board: Board, wanted: Wanted) -> Sequence[TimelineEntry]:
        """Returns the newest of what the runs tell; of each unit its newest 100 runs."""
        found = [entry async for unit, run in self._all(board) for entry in _told(unit, run)]
        return wanted.pick(found)

    async def _all(self, board: Board) -> AsyncIterator[tuple[str, UnitRun]]:
        for unit in await self._units.named_for(board):
            page = await self._runs.page(unit, PageRequest(MOST_RUNS, None, backwards=False))
            for run in page.items or await self._live(unit):
                yield unit, run
        for unit, run in await self._units.bootstraps(board):
            yield unit, run

    async def _live(self, unit: str) -> Sequence[UnitRun]:
        """Returns the run that only systemd knows of."""
        run = await self._runs.newest(unit)
        return [] if run is None else [run]


class ErrorStory:
    """Tells from the journal: lines of the priority ERROR and worse, the units' own and systemd's
    about them."""

    kinds = frozenset((TimelineKind.JOURNAL_ERROR,))

    def __init__(self, units: TimelineUnits, journal: Journal) -> None:
        self._units = units
        self._journal = journal

    async def tell(self, board: Board, wanted: Wanted) -> Sequence[TimelineEntry]:
        """Returns the newest errors."""
        until, found = wanted.until(TimelineKind.JOURNAL_ERROR), list[TimelineEntry]()
        for unit in await self._units.named_for(board):
            lines = await self._errors(unit, None, until, wanted.most)
            found += [_error(unit, line) for line in lines]
        for unit, run in await self._units.bootstraps(board):
            lines = await self._errors(unit, run.invocation, until, wanted.most)
            found += [_error(unit, line) for line in lines]
        return wanted.pick(found)

    async def _errors(
        self, unit: str, invocation: str | None, until: datetime | None, most: int
    ) -> Sequence[JournalLine]:
        wanted = LineFilter(priority=Priority.ERROR, invocation=invocation, until=until)
        question = JournalQuestion(
            unit=unit, count=most + SAME_MOMENT, backwards=True, wanted=wanted
        )
        return (await collect(self._journal, question)).lines


def _told(unit: str, run: UnitRun) -> Iterator[TimelineEntry]:
    name = f"{unit}:{run.invocation}"
    if run.started_at is not None:
        kind = TimelineKind.UNIT_STARTED
        yield TimelineEntry(
            kind=kind,
            key=place(kind, run.started_at, name),
            at=run.started_at,
            text=f"{unit} started.",
            unit=unit,
            run=run,
        )
    if run.ended_at is not None and run.outcome in _ENDINGS:
        kind = TimelineKind.UNIT_ENDED
        yield TimelineEntry(
            kind=kind,
            key=place(kind, run.ended_at, name),
            at=run.ended_at,
            text=_ending(unit, run),
            failed=run.outcome is RunOutcome.FAILED,
            unit=unit,
            run=run,
        )


def _ending(unit: str, run: UnitRun) -> str:
    result = run.result if run.outcome is RunOutcome.FAILED else None
    status = "" if run.exit_status is None else f" {run.exit_status}"
    return f"{unit} {_ENDINGS[run.outcome]}" + (f": {result}{status}." if result else ".")


def _error(unit: str, line: JournalLine) -> TimelineEntry:
    kind = TimelineKind.JOURNAL_ERROR
    return TimelineEntry(
        kind=kind,
        key=place(kind, line.at, line.cursor),
        at=line.at,
        text=shown(line.message or ""),
        failed=True,
        unit=unit,
        line=line,
    )
