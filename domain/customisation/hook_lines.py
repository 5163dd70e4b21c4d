"""Hook lines: what the shell side writes into a unit's journal about its hooks (contract
customisation 6.1), and the runs that they tell of."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from domain.customisation.hooks import Hook, find_hook
from domain.services.journal import JournalLine

MARK = "ustomisation script"
"""What all of these lines have in common."""
_STARTED = re.compile(r"Running customisation script for (\S+) at stage (\S+)")
_DISABLED = re.compile(r"disabled customisation script:? (?:\S*/)?(\S+?)\.sh")
_SUCCEEDED = re.compile(r"[Cc]ustomisation script (?:\S*/)?(\S+?)\.sh completed successfully")
_FAILED = re.compile(r"[Cc]ustomisation script (?:\S*/)?(\S+?)\.sh.*?\bfail(?:ed|ure)?\b(.*)")
_STATUS = re.compile(r"\b(\d{1,3})\b")


class HookOutcome(StrEnum):
    """How a hook's run ended, as far as the journal tells."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class HookRun:
    """One run of a hook in one run of a unit.

    `serial` is the board's, None where the unit's name does not tell it (bootstrap).
    `started_at`, `ended_at`, `outcome` and `exit_status` are None where no line of the journal
    tells them: a hook that fails mostly ends its unit before anything more is written.
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


def runs_in(unit: str, serial: str | None, lines: Iterable[JournalLine]) -> list[HookRun]:
    """Returns the runs that the lines of a unit tell of, in the order of `lines`, which is that
    of time."""
    runs: list[HookRun] = []
    for line in lines:
        started = _STARTED.search(line.message or "")
        hook = find_hook(f"{started[1]}-{started[2]}") if started else None
        if hook is not None:
            runs.append(_begun(hook, unit, serial, line))
            continue
        ended = _ended(line.message or "")
        if ended is None:
            continue
        hook, outcome, status = ended
        if not runs or runs[-1].outcome or not _belongs(runs[-1], hook, line):
            # Its beginning has been rotated out of the journal.
            runs.append(replace(_begun(hook, unit, serial, line), started_at=None))
        runs[-1] = replace(
            runs[-1],
            ended_at=line.at,
            outcome=outcome,
            exit_status=status,
            newest=line.microseconds,
        )
    return runs


def _begun(hook: Hook, unit: str, serial: str | None, line: JournalLine) -> HookRun:
    return HookRun(
        hook, unit, serial, line.invocation, line.at, None, None, None, line.microseconds
    )


def _belongs(run: HookRun, hook: Hook, line: JournalLine) -> bool:
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
