"""Verdicts: what was judged last of every board, and when to judge it again."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from domain.devices.device_filters import DeviceView
from domain.devices.devices import Devices
from domain.devices.projection import Device
from domain.devices.run_failures import RunFailure
from domain.devices.runs import Run
from domain.devices.status import Status, Verdict, judge
from domain.devices.witnesses import Witnesses

AT_ONCE = 500
"""So many boards are judged before others have their turn."""
MOST_PAST = 10_000
"""Verdicts on earlier runs that are kept; the rows alone tell of the others."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A verdict, and the last row and the run that it is about."""

    row: int
    run: int
    verdict: Verdict


class Verdicts:
    """Keeps verdicts; `clock` is monotonic."""

    def __init__(
        self,
        devices: Devices,
        witnesses: Witnesses,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._devices = devices
        self._witnesses = witnesses
        self._clock = clock
        self._kept: dict[str, Kept] = {}
        self._past: dict[int, Verdict] = {}
        self._limits: dict[str, float] = {}

    def clear(self) -> None:
        """Forgets everything: the rows were read anew."""
        for memory in (self._kept, self._past, self._limits):
            memory.clear()

    def view(self, device: Device) -> DeviceView:
        """Returns how a board stands; while its last row was not judged yet, without the other
        sources' word."""
        kept = self._kept.get(device.key)
        if kept is not None and kept.row == device.newest_id:
            return DeviceView(device, kept.verdict, kept.run)
        run = self.run(device.key)
        facts = self._witnesses.facts(self._devices.projection.runs, run, checking=True)
        return DeviceView(device, judge(facts), run.id)

    def find(self, key: str) -> Verdict | None:
        """Returns what was judged last of a board, None before that."""
        kept = self._kept.get(key)
        return kept.verdict if kept else None

    def run(self, key: str) -> Run:
        """Returns the newest run of a board that there is."""
        run = self._devices.projection.runs.latest(key)
        if run is None:
            raise LookupError(key)
        return run

    def past(self, run: Run) -> Verdict | None:
        """Returns how an earlier run stood before the board began another one, where this service
        saw that."""
        return self._past.get(run.id)

    def failure(self, run: Run) -> RunFailure | None:
        """Returns what spoke against a run beside its rows, where this service ever saw that."""
        began_at = self._devices.projection.runs.started_at(run)
        return self._witnesses.failures.find(run, began_at)

    async def judge(self, keys: Collection[str], *, checking: bool = False) -> set[str]:
        """Judges these boards now; returns those whose verdict or evidence became another one."""
        changed: set[str] = set()
        for number, key in enumerate(keys, 1):
            if self._judge(key, checking=checking):
                changed.add(key)
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        return changed

    @property
    def next_limit(self) -> float | None:
        """The monotonic time at which time alone may change a verdict, None for never."""
        return min(self._limits.values(), default=None)

    def due(self) -> set[str]:
        """Returns the boards whose limit is over."""
        now = self._clock()
        return {key for key, limit in self._limits.items() if limit <= now}

    def unsettled(self) -> set[str]:
        """Returns the boards that something else than a row may change: those whose rows leave
        the end open, and those that are plugged in or were so when they were judged."""
        return {key for key, kept in self._kept.items() if _is_unsettled(kept.verdict)}

    def finished(self) -> Iterable[str]:
        """Returns the boards that are said to be finished."""
        return [key for key, kept in self._kept.items() if kept.verdict.facts.finished]

    def _judge(self, key: str, *, checking: bool) -> bool:
        projection, known = self._devices.projection, self._kept.get(key)
        device = projection.devices.get(key)
        self._limits.pop(key, None)
        if device is None:
            return self._kept.pop(key, None) is not None
        run = self.run(key)
        verdict = judge(self._witnesses.facts(projection.runs, run, checking=checking))
        if known is not None and known.run != run.id:
            self._remember(known)
        self._kept[key] = Kept(device.newest_id, run.id, verdict)
        if verdict.look_again is not None:
            self._limits[key] = self._clock() + verdict.look_again
        return known is None or known.verdict != verdict

    def _remember(self, kept: Kept) -> None:
        if kept.verdict.status is Status.ACTIVE:
            return
        self._past[kept.run] = kept.verdict
        if len(self._past) > MOST_PAST:
            del self._past[next(iter(self._past))]


def _is_unsettled(verdict: Verdict) -> bool:
    return verdict.facts.open or verdict.facts.presence.port is not None
