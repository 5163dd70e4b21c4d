"""Explanations: the line of a log that says why a board failed or stalled, as it is now."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from domain.devices.device_filters import DeviceView
from domain.devices.devices import Devices
from domain.devices.failure_lines import FailureLines, StageLog
from domain.devices.log_files import LogFile
from domain.devices.status import Status, Verdict
from domain.devices.verdicts import Verdicts

LOOK_SECONDS = 1.0
"""How often logs are looked at again."""
WATCHED_SECONDS = 600.0
"""For so long after somebody asked, a line that comes later is told without being asked for."""
MOST_WATCHED = 64
"""More boards than a station has ports: a list of all that ever failed is not looked at again."""


@dataclass(frozen=True, slots=True)
class Explained:
    """The line that was found for a verdict in the log as it was then."""

    verdict: Verdict
    file: LogFile | None
    line: str | None


class Explanations:
    """Finds lines, and sees later ones: the scripts may write a reason after the row that tells of
    the failure. `clock` is monotonic."""

    def __init__(
        self,
        devices: Devices,
        verdicts: Verdicts,
        lines: FailureLines,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._devices = devices
        self._verdicts = verdicts
        self._lines = lines
        self._clock = clock
        self._explained: dict[str, Explained] = {}
        self._watched: dict[str, float] = {}
        self._changed: set[str] = set()
        self._look_at = 0.0

    def clear(self) -> None:
        """Forgets everything: the rows were read anew."""
        self._explained.clear()
        self._watched.clear()
        self._changed.clear()

    async def find(self, view: DeviceView) -> str | None:
        """Returns the line, None where there is none or the board needs no reason."""
        log = self._log(view)
        if log is None:
            return None
        self._watch(view.device.key)
        return await self._find(view, log)

    async def look(self) -> set[str]:
        """Looks again at what was asked for lately, at times; returns the boards whose line is
        another one than before."""
        if self._clock() >= self._look_at:
            self._look_at = self._clock() + LOOK_SECONDS
            for key, until in list(self._watched.items()):
                await self._look(key, until)
        changed, self._changed = self._changed, set()
        return changed

    async def _look(self, key: str, until: float) -> None:
        device = self._devices.projection.devices.get(key)
        view = self._verdicts.view(device) if device and self._clock() < until else None
        log = self._log(view) if view else None
        if view is None or log is None:
            self._watched.pop(key, None)
            return
        try:
            await self._find(view, log)
        except OSError:
            # The next who asks is told of it; the judging goes on.
            self._watched.pop(key, None)

    def _watch(self, key: str) -> None:
        self._watched.pop(key, None)
        self._watched[key] = self._clock() + WATCHED_SECONDS
        if len(self._watched) > MOST_WATCHED:
            del self._watched[next(iter(self._watched))]

    async def _find(self, view: DeviceView, log: StageLog) -> str | None:
        # Before the log is read: what is written in between is found by the next look.
        file = await self._lines.look(log)
        known = self._explained.get(view.device.key)
        if known is not None and (known.verdict, known.file) == (view.verdict, file):
            return known.line
        line = await self._lines.find(log)
        self._explained[view.device.key] = Explained(view.verdict, file, line)
        # Whoever asked now knows; who is told of changes only has to be told.
        if known is not None and known.line != line:
            self._changed.add(view.device.key)
        return line

    def _log(self, view: DeviceView) -> StageLog | None:
        """Returns the log of the stage that failed, None where no stage did."""
        verdict, device = view.verdict, view.device
        runs = self._devices.projection.runs
        run = runs.latest(device.key)
        if verdict.status not in (Status.FAILED, Status.STALLED) or not (verdict.stage and run):
            return None
        is_there = device.port and runs.at_port.get(device.port) is run
        serials = dict.fromkeys([*([device.serial] if device.serial else []), *run.serials])
        port = device.port if is_there else None
        return StageLog(tuple(serials), port, verdict.stage, runs.started_at(run))
