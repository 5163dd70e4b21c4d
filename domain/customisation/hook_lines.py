"""Hook lines: what the shell side writes about its hooks (contract customisation 6.1), and the
runs that they tell of."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from domain.customisation.hooks import Hook, find_hook

MARK = "ustomisation script"
"""What all of these lines have in common."""
_STARTED = re.compile(r"Running customisation script for (\S+) at stage (\S+)")
_DISABLED = re.compile(r"disabled customisation script:? (?:\S*/)?(\S+?)\.sh")
_SUCCEEDED = re.compile(r"[Cc]ustomisation script (?:\S*/)?(\S+?)\.sh completed successfully")
_FAILED = re.compile(r"[Cc]ustomisation script (?:\S*/)?(\S+?)\.sh.*?\bfail(?:ed|ure)?\b(.*)")
_STATUS = re.compile(r"\b(\d{1,3})\b")


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class HookOutcome(StrEnum):
    """How a hook's run ended, as far as it was written down."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class HookLine:
    """A line about a hook, of a journal or of a log; `invocation` is the unit's run, None where
    nobody wrote it down."""

    text: str
    at: datetime
    invocation: str | None = None


@dataclass(frozen=True, slots=True)
class HookRun:
    """One run of a hook in one run of a unit.

    `serial` is the board's, None where the unit's name does not tell it (bootstrap).
    `started_at`, `ended_at`, `outcome` and `exit_status` are None where no line tells them: a hook
    that fails mostly ends its unit before anything more is written.
    `newest` is the time of its last line, in microseconds since the epoch.
    """

    hook: Hook
    unit: str
    serial: str | None
    invocation: str | None
    started_at: datetime | None
    ended_at: datetime | None
    outcome: HookOutcome | None
    exit_status: int | None
    newest: int

    @property
    def seconds(self) -> float | None:
        """How long it took, None where one of its ends is not told."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


UnitOf = Callable[[Hook], str]


def runs_in(unit: UnitOf, serial: str | None, lines: Iterable[HookLine]) -> list[HookRun]:
    """Returns the runs that lines tell of, which come in the order of time; `unit` names the unit
    that ran a hook."""
    runs: list[HookRun] = []
    for line in lines:
        started = _STARTED.search(line.text)
        hook = find_hook(f"{started[1]}-{started[2]}") if started else None
        if hook is not None:
            runs.append(_begun(hook, unit(hook), serial, line))
            continue
        ended = _ended(line.text)
        if ended is None:
            continue
        hook, outcome, status = ended
        if runs and _belongs(runs[-1], hook, line) and runs[-1].outcome is outcome:
            # The scripts write down a failure twice, and a beginning before each run.
            continue
        if not runs or runs[-1].outcome or not _belongs(runs[-1], hook, line):
            # Its beginning is no longer there.
            runs.append(replace(_begun(hook, unit(hook), serial, line), started_at=None))
        runs[-1] = replace(
            runs[-1],
            ended_at=line.at,
            outcome=outcome,
            exit_status=status,
            newest=_microseconds(line.at),
        )
    return runs


def _begun(hook: Hook, unit: str, serial: str | None, line: HookLine) -> HookRun:
    newest = _microseconds(line.at)
    return HookRun(hook, unit, serial, line.invocation, line.at, None, None, None, newest)


def _microseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1)


def _belongs(run: HookRun, hook: Hook, line: HookLine) -> bool:
    return run.hook == hook and run.invocation == line.invocation


def _ended(message: str) -> tuple[Hook, HookOutcome, int | None] | None:
    if (found := _SUCCEEDED.search(message)) is not None:
        told: tuple[HookOutcome, int | None] = (HookOutcome.SUCCEEDED, 0)
    elif (found := _DISABLED.search(message)) is not None:
        told = (HookOutcome.SKIPPED, None)
    elif (found := _FAILED.search(message)) is not None:
        status = _STATUS.search(found[2])
        told = (HookOutcome.FAILED, int(status[1]) if status else None)
    hook = find_hook(found[1]) if found else None
    return None if hook is None else (hook, *told)
