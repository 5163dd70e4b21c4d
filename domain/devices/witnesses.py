"""Witnesses: everything beside the rows that knows something of a board, asked and remembered."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.devices.board_units import UNASKED, BoardUnits
from domain.devices.bootstrap_nodes import find_node
from domain.devices.evidence import Facts, RecordSight, RunRecord, UnitReport, UnitSight
from domain.devices.host_boot import find_boot_time
from domain.devices.run_failures import SeenFailures
from domain.devices.run_records import CLOCK_SLACK, RunRecords
from domain.devices.runs import Mark, Run, Runs
from domain.devices.stages import Stage, Style, Word
from domain.devices.status import Cause
from domain.devices.whereabouts import Whereabouts
from domain.host_paths import HostPaths
from domain.serials import LONG

ASKED_AT_ONCE = 64
"""More boards than a station has ports are not asked for one by one: the listing knows them."""


@dataclass(frozen=True, slots=True)
class Seen:
    """When this service saw a run: its first row and its last one, in monotonic seconds. `before`:
    the last row was there when this service began."""

    run: int
    row: int
    began: float
    heard: float
    before: bool


class Witnesses:
    """Gathers facts. `clock` is monotonic; `now` is the station's own clock, which may be wrong."""

    def __init__(
        self,
        paths: HostPaths,
        *,
        units: BoardUnits,
        whereabouts: Whereabouts,
        records: RunRecords,
        failures: SeenFailures,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.units = units
        self.whereabouts = whereabouts
        self.records = records
        self.failures = failures
        self._paths = paths
        self._clock = clock
        self._now = now
        self._seen: dict[str, Seen] = {}
        self._nodes: dict[int, str | None] = {}
        self._newest_at: dict[str, int] = {}
        self._booted_at: datetime | None = None

    def forget(self) -> None:
        """Forgets what belongs to rows: everything was read anew."""
        self._seen.clear()
        self._nodes.clear()
        self._newest_at.clear()
        self.whereabouts.forget()

    def see(self, key: str, run: Run, *, before: bool) -> None:
        """Notes that a run's rows are seen now; `before`: they were there at the start."""
        known, now = self._seen.get(key), self._clock()
        if known is not None and known.row == run.last_id:
            return
        same = known is not None and known.run == run.id
        if known is not None and not same:
            self.units.begin_anew(key)
        began = known.began if known and same else now
        self._seen[key] = Seen(run.id, run.last_id, began, now, before)
        self.whereabouts.forget(key)

    async def refresh(self) -> set[str]:
        """Asks all units and the host's boot again; returns on what the units that changed
        work, and the boards that earlier failures turn out to be about."""
        self._booted_at = await asyncio.to_thread(find_boot_time, self._paths)
        return await self.units.refresh() | await self.failures.load()

    async def gather(self, boards: Mapping[str, Run]) -> None:
        """Asks every source that can tell more of these boards' newest runs."""
        await self.records.read([key for key, run in boards.items() if run.finished])
        await self._bind([run for run in boards.values() if _at_bootstrap(run)])
        asked = list(boards.values())
        if len(asked) > ASKED_AT_ONCE:
            asked = _one_of_each(asked)
        for run in asked:
            if self.units.available and (asking := self._unit_of(run)) is not None:
                await self.units.ask(*asking)

    def facts(self, runs: Runs, run: Run, *, checking: bool) -> Facts:
        """Returns what is known of a board's newest run now; never waits."""
        marks = list(runs.marks(run))
        newest, seen = _newest(marks, run.stage), self._seen.get(run.key)
        unit = self._unit(runs, run, newest, seen)
        quiet = self._quiet(newest, seen, running=unit.sight is UnitSight.RUNNING)
        return Facts(
            newest=newest,
            entered_at=_entered_at(marks, newest),
            stage=_aborted_stage(marks) or run.stage,
            style=run.style,
            finished=run.finished,
            aborted=run.aborted,
            displaced=run.displaced,
            mixed=run.mixed,
            unit=unit,
            presence=self.whereabouts.find(runs, run, quiet=quiet, met=_met(seen)),
            record=self._record(runs, run, marks),
            booted_at=self._restart(newest, seen),
            failures=_failures(runs, run),
            checking=checking,
            quiet=quiet,
        )

    def _record(self, runs: Runs, run: Run, marks: Sequence[Mark]) -> RunRecord:
        """Returns what the records say of a run, else what they said while they could be read."""
        record = self.records.find(run, marks)
        seen = self.failures.find(run, runs.started_at(run))
        if record.sight is RecordSight.FOUND or not run.finished or seen is None:
            return record
        if seen.cause is Cause.NOT_SECURE:
            return RunRecord(RecordSight.FOUND, secure=False, at=seen.failed_at)
        missed = seen.cause is Cause.RECORD_MISSING
        return RunRecord(RecordSight.MISSING) if missed else record

    def _quiet(self, newest: Mark, seen: Seen | None, *, running: bool) -> float:
        """Returns for how long nothing was written. The station's clock is believed only for rows
        from before this service, and never against a unit that runs: it may have been set since
        (a Raspberry Pi has no clock of its own)."""
        if seen is None:
            return 0.0
        watched = self._clock() - seen.heard
        if not seen.before or running or newest.at is None:
            return watched
        return max(watched, (self._now() - newest.at).total_seconds())

    def _restart(self, newest: Mark, seen: Seen | None) -> datetime | None:
        booted = self._booted_at
        if booted is None or newest.at is None or seen is None or not seen.before:
            return None
        return booted if newest.at < booted - CLOCK_SLACK else None

    def _unit(self, runs: Runs, run: Run, newest: Mark, seen: Seen | None) -> UnitReport:
        reading = newest.reading
        if reading.stage is None:
            return UNASKED
        if reading.word is Word.FINISHED and not run.ended:
            following = Stage.PROVISIONING if reading.stage is Stage.TRIAGE else Stage.TRIAGE
            since = seen.began if seen else float("inf")
            begun = self.units.begun(following, run.key, since=since, after=newest.at)
            seen_failure = self.failures.unit(run, runs.started_at(run))
            return seen_failure if seen_failure and begun.sight is UnitSight.UNASKED else begun
        asking = self._unit_of(run)
        report = self.units.report(*asking) if asking else UNASKED
        if report.sight not in (UnitSight.FAILED, UnitSight.RUNNING):
            report = self.failures.unit(run, runs.started_at(run)) or report
        older = _at_bootstrap(run) and self._is_older(report, seen, runs.started_at(run))
        return UNASKED if older else report

    def _is_older(self, report: UnitReport, seen: Seen | None, began: datetime | None) -> bool:
        """Whether a unit of a device node ended before this run: for another board, then."""
        if seen is None or report.sight in (UnitSight.RUNNING, UnitSight.GONE):
            return False
        later = report.at and began and report.at >= began - CLOCK_SLACK
        return not later and report.seconds > self._clock() - seen.began

    def _unit_of(self, run: Run) -> tuple[Stage, Style | None, str] | None:
        if run.stage is None or (run.stage is Stage.PROVISIONING and run.style is None):
            return None
        if run.stage is not Stage.BOOTSTRAP:
            style = run.style if run.stage is Stage.PROVISIONING else None
            return run.stage, style, _long(run)
        node = self._nodes.get(run.id)
        # Once another board had the node, its unit speaks of that one.
        is_its_own = node is not None and self._newest_at.get(node) == run.id
        return (Stage.BOOTSTRAP, None, node) if node and is_its_own else None

    async def _bind(self, runs: Sequence[Run]) -> None:
        for run in runs:
            if not self._nodes.get(run.id):
                node = await asyncio.to_thread(find_node, self._paths, run)
                self._nodes[run.id] = node
                if node is not None:
                    self._newest_at[node] = max(run.id, self._newest_at.get(node, run.id))


def _met(seen: Seen | None) -> bool:
    return seen is not None and not seen.before


def _at_bootstrap(run: Run) -> bool:
    return run.stage is Stage.BOOTSTRAP and not run.ended


def _one_of_each(runs: Iterable[Run]) -> list[Run]:
    """Returns a run of each kind of unit, which tells whether such units are installed."""
    return list({(run.stage, run.style): run for run in runs}.values())


def _long(run: Run) -> str:
    return next((serial for serial in run.serials if LONG.fullmatch(serial)), run.key)


def _newest(marks: Sequence[Mark], furthest: Stage | None) -> Mark:
    """Returns the last row; where a stage was told to be over after the next one had begun, the
    last row of that next one."""
    if marks[-1].reading.stage is None:
        return marks[-1]
    return next(mark for mark in reversed(marks) if mark.reading.stage is furthest)


def _aborted_stage(marks: Sequence[Mark]) -> Stage | None:
    aborted = (mark.reading.stage for mark in marks if mark.reading.word is Word.ABORTED)
    return next(aborted, None)


def _entered_at(marks: Sequence[Mark], newest: Mark) -> datetime | None:
    stage = newest.reading.stage
    return next((mark.at for mark in marks if mark.reading.stage is stage), None)


def _failures(runs: Runs, run: Run) -> int:
    """Returns how many runs of the board failed in a row before this one."""
    count = 0
    for earlier in reversed(runs.by_board[run.key]):
        if earlier is run or earlier.excluded:
            continue
        if earlier.finished and not earlier.aborted:
            return count
        count += 1
    return count
