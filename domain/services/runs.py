"""Runs: each time that a unit ran, as systemd's own lines in the journal tell it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain.services.journal import JournalLine
from domain.services.units import UnitState

STARTING = "7d4958e842da4a758f6c1cdc7b36dcc5"
STARTED = "39f53479d3a045ac8e11786248231fbf"
NOT_STARTED = "be02cf6855d2428ba40df7e9d022f03d"
STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"
STOPPED = "9d1aaa27d60140bd96365438aad20286"
EXITED = "98e322203f7a4ed290d09fe03c09fe15"
FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
ENDED = "7ad2d189f7e94e70a38c781354912448"
"""The MESSAGE_IDs of systemd's lines (sd-messages.h of systemd 252)."""

SUCCESS = "success"
RUNNING = ("active", "activating", "deactivating", "reloading", "refreshing")


class RunOutcome(StrEnum):
    """How a run ended."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    INTERRUPTED = "INTERRUPTED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class UnitRun:
    """One run of a unit.

    `invocation` and `boot` are 32 hex digits. `ready_at` is when systemd counted it as started.
    `result` is systemd's word (`success`, `exit-code`, `timeout`, ...), `job_result` that of its
    start (`done`, `failed`, `timeout`, ...). `exit_code` is `exited`, `killed` or `dumped`;
    `exit_status` the main process's status, or the signal's number. `failure` is systemd's
    sentence about it. None is what nobody wrote down. `cursor` is the place of its first line.
    """

    invocation: str
    boot: str | None
    started_at: datetime | None
    ready_at: datetime | None
    ended_at: datetime | None
    outcome: RunOutcome
    result: str | None
    job_result: str | None
    exit_code: str | None
    exit_status: int | None
    failure: str | None
    cursor: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it took, None where its beginning or its end is not known."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0.0, (self.ended_at - self.started_at).total_seconds())


def told_run(
    invocation: str, first: JournalLine, about: Sequence[JournalLine], *, boot_now: str | None
) -> UnitRun:
    """Returns the run whose first line is `first`; `about` are systemd's lines about it, oldest
    first, `boot_now` the newest boot of the journal."""
    starting, ended = _last(about, STARTING), _end(about)
    result, outcome = _result(about), RunOutcome.UNKNOWN
    if ended is not None:
        outcome = RunOutcome.SUCCEEDED if result == SUCCESS else RunOutcome.FAILED
    elif first.boot is not None and boot_now not in (None, first.boot):
        # Nobody wrote its end, and the machine has started again since.
        outcome = RunOutcome.INTERRUPTED
    exit_code, exit_status, failure = _exit(about, result)
    started = _last(about, STARTED)
    jobs = [line.facts["JOB_RESULT"] for line in about if "JOB_RESULT" in line.facts]
    return UnitRun(
        invocation=invocation,
        boot=first.boot,
        started_at=(starting or first).at,
        ready_at=started.at if started else None,
        ended_at=ended.at if ended else None,
        outcome=outcome,
        result=result,
        job_result=jobs[0] if jobs else None,
        exit_code=exit_code,
        exit_status=exit_status,
        failure=failure,
        cursor=first.cursor,
    )


def live_run(state: UnitState) -> UnitRun | None:
    """Returns the run that systemd remembers, None where it remembers none."""
    if not state.invocation_id:
        return None
    running = state.unit.active_state in RUNNING
    over = None if running else _outcome(state)
    return UnitRun(
        invocation=state.invocation_id,
        boot=None,
        started_at=state.active_since,
        ready_at=state.active_since,
        ended_at=None if running else state.inactive_since,
        outcome=over or RunOutcome.RUNNING,
        result=state.result or None if over else None,
        job_result=None,
        exit_code=None,
        exit_status=state.exit_status if over else None,
        failure=None,
    )


def completed(told: UnitRun, live: UnitRun | None) -> UnitRun:
    """Returns what the journal told, completed by what systemd knows of the same run."""
    if live is None or live.invocation != told.invocation or told.ended_at is not None:
        return told
    return replace(
        told,
        ended_at=live.ended_at,
        outcome=live.outcome,
        result=live.result,
        exit_status=live.exit_status,
    )


def _outcome(state: UnitState) -> RunOutcome:
    if state.unit.active_state == "failed":
        return RunOutcome.FAILED
    return RunOutcome.SUCCEEDED if state.result == SUCCESS else RunOutcome.UNKNOWN


def _last(lines: Sequence[JournalLine], *messages: str) -> JournalLine | None:
    found = (line for line in reversed(lines) if line.facts.get("MESSAGE_ID") in messages)
    return next(found, None)


def _end(about: Sequence[JournalLine]) -> JournalLine | None:
    return _last(about, FAILED, ENDED) or _last(about, NOT_STARTED) or _last(about, STOPPED)


def _result(about: Sequence[JournalLine]) -> str | None:
    failed = _last(about, FAILED)
    if failed is not None:
        return failed.facts.get("UNIT_RESULT")
    return SUCCESS if _last(about, ENDED) else None


def _exit(
    about: Sequence[JournalLine], result: str | None
) -> tuple[str | None, int | None, str | None]:
    """Returns how the main process ended: code, status, and systemd's sentence."""
    exits = [line for line in about if line.facts.get("MESSAGE_ID") == EXITED]
    main = [line for line in exits if "Main process" in (line.message or "")]
    failed = _last(about, FAILED, NOT_STARTED)
    if exits:
        line = (main or exits)[-1]
        status = line.facts.get("EXIT_STATUS", "")
        number = int(status) if status.isascii() and status.isdigit() else None
        return line.facts.get("EXIT_CODE"), number, line.message
    if result == SUCCESS and _last(about, STOPPING) is None:
        # systemd writes no line of a process that ended with 0; one that was told to stop may
        # also have ended by the signal.
        return "exited", 0, None
    return None, None, failed.message if failed else None
