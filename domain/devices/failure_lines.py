"""Failure lines: the line of a stage's log that says best why the stage failed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.devices.log_files import LogFile, LogKind
from domain.devices.log_lines import LogLine
from domain.devices.logs import DeviceLogs
from domain.devices.names import twins
from domain.devices.run_records import CLOCK_SLACK
from domain.devices.stages import Stage

KINDS = {
    Stage.BOOTSTRAP: LogKind.BOOTSTRAP,
    Stage.TRIAGE: LogKind.TRIAGE,
    Stage.PROVISIONING: LogKind.PROVISIONER,
}
LONGEST = 300
"""Characters that are told of a line."""

_TELLING = re.compile(
    r"error|fail|fatal|abort|cannot|can't|could not|unable|not enough|not found|no such|denied|"
    r"refus|invalid|mismatch|missing|timed? ?out|unexpected|exceed|did not",
    re.IGNORECASE,
)
# These say that a stage failed, not why.
_GENERAL = re.compile(
    r"(?:[A-Z]+-)?(?:PROVISIONER|TRIAGE|BOOTSTRAP)-ABORTED|"
    r"(?:bootstrap|triage|provision\w*)(?: has| was)? ?(?:failed|aborted)\W*",
    re.IGNORECASE,
)
# What the scripts write in good runs too, and of the hook that is told of a failure.
_USUAL = re.compile(
    r"provision-failed|(?:Starting|Stopping) Deleting udev lock|"
    r"(?:No|disabled) customisation script|customisation script \S+ completed successfully|"
    # A board without an address of one kind makes this line in every run.
    r'"fastboot -s tcp:\S* getvar version" FAILED',
    re.IGNORECASE,
)
# It names its limit in seconds: no timeout yet.
_ABOUT_TO_RUN = re.compile(r"Running command with ")
_WORD = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class StageLog:
    """Where a run may have written why a stage failed. `serials` are the board's, `port` is given
    only while the board is the last one there, `since` is when the run began."""

    serials: tuple[str, ...]
    port: str | None
    stage: Stage
    since: datetime | None = None


class FailureLines:
    """Looks for reasons at the end of logs."""

    def __init__(self, logs: DeviceLogs) -> None:
        self._logs = logs

    async def look(self, log: StageLog) -> LogFile | None:
        """Returns the log as it is now, without reading it; None where there is none."""
        kind = KINDS.get(log.stage)
        return None if kind is None else await self._logs.find_file(_names(log), log.port, kind)

    async def find(self, log: StageLog) -> str | None:
        """Returns the last line that tells of a failure, else the last one that says anything;
        None where there is none. Reads the last 100 lines."""
        kind = KINDS.get(log.stage)
        if kind is None:
            return None
        page = await self._logs.tail(_names(log), log.port, kind)
        return _best(_of_run(page.lines, log.since))


def _names(log: StageLog) -> tuple[str, ...]:
    names = [name for serial in log.serials for name in (serial, *twins(serial))]
    return tuple(dict.fromkeys(names))


def _of_run(lines: Sequence[LogLine], since: datetime | None) -> Sequence[LogLine]:
    """Returns the lines from the first one of this run on: logs are appended to (contract devices
    section 5). Where no line has a time, nothing tells the runs apart."""
    times = [line.at for line in lines]
    if since is None or not any(times):
        return lines
    earliest = since - CLOCK_SLACK
    first = next((n for n, at in enumerate(times) if at and at >= earliest), len(lines))
    return lines[first:]


def _best(lines: Sequence[LogLine]) -> str | None:
    texts = [line.text.strip() for line in lines if _WORD.search(line.text)]
    own = [text for text in texts if not (_GENERAL.fullmatch(text) or _USUAL.search(text))]
    telling = [text for text in own if _TELLING.search(text) and not _ABOUT_TO_RUN.match(text)]
    best = next((found[-1] for found in (telling, own, texts) if found), None)
    return best if best is None or len(best) <= LONGEST else f"{best[: LONGEST - 1]}…"
