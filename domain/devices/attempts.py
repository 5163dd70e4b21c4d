"""Attempts: every run of every board, with its stages, times and outcome."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.devices.device_filters import within
from domain.devices.run_failures import RunFailure
from domain.devices.runs import Mark, Run, Runs
from domain.devices.stages import Stage, Style, Word
from domain.devices.status import MIXED, NO_RECORD, NOT_SECURE, Cause, Status, Verdict
from domain.serials import board_key

MOST_PLAUSIBLE = 24 * 3600.0
"""Seconds; what seems to take longer was a clock that was set in between."""
BEGAN_AGAIN = "Nothing was written of how it ended; the board began again."
PORT_TAKEN = "Nothing was written of how it ended; another board began at its port."


class Outcome(StrEnum):
    """How an attempt or a stage of it ended."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    STALLED = "STALLED"
    SKIPPED = "SKIPPED"
    UNKNOWN = "UNKNOWN"


_OPEN = (Outcome.RUNNING, Outcome.STALLED, Outcome.UNKNOWN)
"""Whose end nobody wrote down."""
_OUTCOMES = {
    Status.ACTIVE: Outcome.RUNNING,
    Status.COMPLETE: Outcome.FINISHED,
    Status.FAILED: Outcome.FAILED,
    Status.SKIPPED: Outcome.SKIPPED,
    Status.STALLED: Outcome.STALLED,
    Status.UNKNOWN: Outcome.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class StageRun:
    """One stage of an attempt. `ended_at` and `seconds` are None while it runs and where nothing
    was written of its end, `seconds` also where the clock was set in between."""

    stage: Stage
    started_at: datetime | None
    ended_at: datetime | None
    seconds: float | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of one board.

    `id` is its first row's and stays. `serials` are those that its rows told, `serial` the
    longest; None for a board that told none. `style` is None before provisioning. `ended_at` and
    `seconds` are None while it runs and where nothing was written of its end, `seconds` also where
    the clock was set in between. `cause` and `reason` say why it did not finish.
    """

    id: int
    board: str
    serial: str | None
    serials: tuple[str, ...]
    port: str | None
    image: str
    board_type: str
    style: Style | None
    stage: Stage | None
    started_at: datetime | None
    ended_at: datetime | None
    seconds: float | None
    stages: tuple[StageRun, ...]
    outcome: Outcome
    cause: Cause | None
    reason: str


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt came out: by its rows, or by what else was seen of it. `at` is when its unit
    failed, None where it is the rows that tell."""

    outcome: Outcome
    cause: Cause | None = None
    reason: str = ""
    at: datetime | None = None


def ending_of(run: Run, verdict: Verdict | None) -> Ending:
    """Returns how a run came out; `verdict` is what was judged of it, None where the rows alone
    are left."""
    if verdict is not None:
        failed_at = verdict.since if verdict.cause is Cause.UNIT_FAILED else None
        return Ending(_OUTCOMES[verdict.status], verdict.cause, verdict.reason, failed_at)
    stage = run.stage.words.capitalize() if run.stage else "It"
    endings = (
        (run.aborted, Ending(Outcome.FAILED, Cause.ABORTED, f"{stage} was aborted.")),
        (run.finished and run.mixed, Ending(Outcome.UNKNOWN, Cause.STATE_UNKNOWN, MIXED)),
        (run.finished, Ending(Outcome.FINISHED)),
        (run.excluded, Ending(Outcome.SKIPPED, Cause.PORT_EXCLUDED)),
        (run.stage is None, Ending(Outcome.UNKNOWN, Cause.STATE_UNKNOWN)),
        (run.displaced, Ending(Outcome.STALLED, Cause.PORT_TAKEN, PORT_TAKEN)),
        (run.superseded, Ending(Outcome.STALLED, Cause.BEGAN_AGAIN, BEGAN_AGAIN)),
    )
    return next((ending for holds, ending in endings if holds), Ending(Outcome.RUNNING))


def ending_by(failure: RunFailure) -> Ending:
    """Returns how a run came out by what was seen beside its rows, while it was the newest."""
    if failure.cause is Cause.UNIT_FAILED:
        report = failure.report
        reason = f"{report.name} failed: {report.how}."
        return Ending(Outcome.FAILED, failure.cause, reason, report.at)
    if failure.cause is Cause.NOT_SECURE:
        return Ending(Outcome.FAILED, failure.cause, NOT_SECURE)
    return Ending(Outcome.UNKNOWN, failure.cause, NO_RECORD)


def attempt_of(runs: Runs, run: Run, ending: Ending) -> Attempt:
    """Returns a run as an attempt."""
    marks = list(runs.marks(run))
    over = ending.outcome not in _OPEN
    started_at, last_at = marks[0].at, marks[-1].at
    if ending.at is not None and last_at is not None:
        last_at = max(last_at, ending.at)
    return Attempt(
        id=run.id,
        board=run.key,
        serial=max(run.serials, key=len, default=None),
        serials=run.serials,
        port=run.port,
        image=run.image,
        board_type=run.board_type,
        style=run.style,
        stage=Stage.COMPLETE if ending.outcome is Outcome.FINISHED else run.stage,
        started_at=started_at,
        ended_at=last_at if over else None,
        seconds=seconds_between(started_at, last_at) if over else None,
        stages=tuple(list_stages(marks, ending)),
        outcome=ending.outcome,
        cause=ending.cause,
        reason=ending.reason,
    )


def list_stages(marks: list[Mark], ending: Ending) -> Iterator[StageRun]:
    """Yields the stages that the rows tell of, in the way's order."""
    told = {stage: [mark for mark in marks if mark.reading.stage is stage] for stage in Stage}
    there = [stage for stage in Stage if told[stage]]
    for stage in there:
        # A stage that another one followed without a word of its end: nobody knows.
        otherwise = ending.outcome if stage is there[-1] else Outcome.UNKNOWN
        yield _stage_run(stage, told[stage], otherwise)


def _stage_run(stage: Stage, marks: list[Mark], otherwise: Outcome) -> StageRun:
    words = {mark.reading.word for mark in marks}
    outcome = otherwise
    if Word.ABORTED in words:
        outcome = Outcome.FAILED
    elif Word.FINISHED in words and stage is not Stage.PROVISIONING:
        outcome = Outcome.FINISHED
    began, ended = marks[0].at, None if outcome in _OPEN else marks[-1].at
    seconds = seconds_between(began, ended) if marks[0].reading.starts else None
    return StageRun(stage, began, ended, seconds, outcome)


def seconds_between(began: datetime | None, ended: datetime | None) -> float | None:
    """Returns the seconds between two rows, None where they cannot be true."""
    if began is None or ended is None:
        return None
    seconds = (ended - began).total_seconds()
    return seconds if 0 <= seconds <= MOST_PLAUSIBLE else None


@dataclass(frozen=True, slots=True)
class AttemptFilter:
    """What an attempt has to be; an empty or absent condition takes every attempt.

    `serial` is either one of the board, `text` is looked for in serials, port and image, case
    ignored. `since` and `until` (not included) bound when it began.
    """

    serial: str | None = None
    port: str | None = None
    outcomes: frozenset[Outcome] = frozenset()
    styles: frozenset[Style] = frozenset()
    image: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""

    def takes(self, run: Run, *, started_at: datetime | None) -> bool:
        """Whether the run is wanted, but for its outcome."""
        return (
            (self.serial is None or run.key == board_key(self.serial))
            and (self.port is None or run.port == self.port)
            and (not self.styles or run.style in self.styles)
            and (self.image is None or run.image == self.image)
            and within(started_at, self.since, self.until)
            and self._says(run)
        )

    def _says(self, run: Run) -> bool:
        wanted = self.text.casefold()
        texts = (*run.serials, run.port or "", run.image)
        return not wanted or any(wanted in text.casefold() for text in texts)


EVERY_ATTEMPT = AttemptFilter()
