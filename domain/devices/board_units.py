"""Board units: how the systemd units that work on boards are, or ended."""

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from domain.devices.evidence import UnitReport, UnitSight
from domain.devices.stages import Stage, Style
from domain.devices.unit_work import Work, unit_names, work_of, work_on
from domain.errors import Unavailable
from domain.services.units import (
    Unit,
    UnitChanged,
    UnitNameInvalid,
    Units,
    UnitState,
    UnitUnknown,
)

T = TypeVar("T")

_RUNNING = ("active", "activating", "deactivating", "reloading", "refreshing")
UNASKED = UnitReport(UnitSight.UNASKED)


@dataclass(frozen=True, slots=True)
class Known:
    """What was heard of a unit last; `heard` is a monotonic time, minus infinity for what was
    there before this service. `invocation` is systemd's id of this run, empty where it is not
    known."""

    name: str
    sight: UnitSight
    result: str
    exit_status: int | None
    at: datetime | None
    heard: float
    invocation: str = ""

    def is_running_as(self, name: str) -> bool:
        """Whether it runs under this name; that of a bootstrap may be escaped in two ways."""
        return self.sight is UnitSight.RUNNING and self.name == name


class BoardUnits:
    """Remembers how the boards' units are.

    A failure that was seen stays one, whatever systemd forgets, until `begin_anew`. What cannot
    be asked now is unasked.
    """

    def __init__(self, units: Units, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._units = units
        self._clock = clock
        self._known: dict[Work, Known] = {}
        self._over: dict[Work, str] = {}
        self._told: dict[Work, int] = {}
        self._tellings = 0
        self._installed: set[tuple[Stage, Style | None]] = set()
        self._began = False
        self._available = False

    async def refresh(self) -> set[str]:
        """Asks for all loaded units; returns on what those work that changed."""
        asked = self._tellings
        try:
            listed = {unit: work_of(unit.name) for unit in await uncut(self._units.list_units())}
        except Unavailable:
            changed = {work.on for work in self._known} if self._available else set()
            self._available = False
            return changed
        self._available = True
        found = {work: unit for unit, work in listed.items() if work is not None}
        changed = {work.on for work, unit in found.items() if await self._take(work, unit, asked)}
        changed |= self._forget(found, asked)
        self._began = True
        return changed

    async def ask(self, stage: Stage, style: Style | None, on: str) -> None:
        """Asks how the units of these names are now."""
        for name in unit_names(stage, style, on):
            await self._look(name)

    @property
    def available(self) -> bool:
        """Whether systemd answered last time."""
        return self._available

    def can_tell(self, stage: Stage, style: Style | None) -> bool:
        """Whether units of this kind are known to be installed, so that an absent one is over."""
        return self._available and (stage, style) in self._installed

    async def hear(self, change: UnitChanged) -> str | None:
        """Takes a change; returns on what the unit works, None where it is none of a board's."""
        work = work_of(change.name)
        if work is None:
            return None
        self._available = True
        self._tellings += 1
        self._told[work] = self._tellings
        known = self._known.get(work)
        if change.active_state == "failed":
            self._keep(work, change.name, UnitSight.FAILED, result=change.result)
            await self._look(change.name)
        elif _runs(change.active_state, change.sub_state):
            self._keep(work, change.name, UnitSight.RUNNING)
        elif known is None or known.is_running_as(change.name):
            well = change.result in ("success", "done")
            self._keep(work, change.name, UnitSight.ENDED if well else UnitSight.GONE)
        return work.on

    def begin_anew(self, board: str) -> None:
        """Forgets how the units of a board ended: another run of it has begun."""
        for work, known in list(self._known.items()):
            if work.on == board and known.sight is not UnitSight.RUNNING:
                # systemd lists a failed unit until its next start.
                self._over[work] = known.invocation
                del self._known[work]

    def report(self, stage: Stage, style: Style | None, on: str) -> UnitReport:
        """Returns what is known of the unit that works on this serial or device node."""
        known = self._known.get(work_on(stage, style, on))
        if known is not None and (self._available or known.sight is not UnitSight.RUNNING):
            return self._reported(known)
        if self.can_tell(stage, style):
            name = unit_names(stage, style, on)[0]
            return UnitReport(UnitSight.GONE, name, seconds=float("inf"))
        return UNASKED

    def begun(self, stage: Stage, on: str, *, since: float, after: datetime | None) -> UnitReport:
        """Returns the unit of a stage that has not told its start yet: where it runs, or has
        failed since the monotonic time `since` or, by its own time, since `after`."""
        styles: Collection[Style | None] = tuple(Style) if stage is Stage.PROVISIONING else (None,)
        for style in styles:
            known = self._known.get(work_on(stage, style, on))
            if known is None:
                continue
            later = known.heard > since or (after and known.at and known.at >= after)
            failed = known.sight is UnitSight.FAILED and later
            if failed or (known.sight is UnitSight.RUNNING and self._available):
                return self._reported(known)
        return UNASKED

    def _reported(self, known: Known) -> UnitReport:
        seconds = self._clock() - known.heard
        status = known.exit_status
        return UnitReport(known.sight, known.name, known.result, status, known.at, seconds)

    async def _look(self, name: str) -> None:
        work = work_of(name)
        if work is None:
            return
        asked = self._tellings
        try:
            state = await uncut(self._units.get_state(name))
        except (UnitUnknown, UnitNameInvalid):
            return
        except Unavailable:
            self._available = False
            return
        self._available = True
        self._installed.add((work.stage, work.style))
        if not self._is_outdated(work, asked):
            self._keep_state(work, state)

    def _is_outdated(self, work: Work, asked: int) -> bool:
        """Whether systemd has told more of a unit than the answer to a question knows that was
        asked after `asked` tellings."""
        return self._told.get(work, 0) > asked

    def _keep_state(self, work: Work, state: UnitState) -> None:
        unit, known = state.unit, self._known.get(work)
        if _runs(unit.active_state, unit.sub_state):
            self._keep(work, unit.name, UnitSight.RUNNING)
        elif unit.active_state == "failed":
            self._keep(work, unit.name, UnitSight.FAILED, state)
        elif unit.active_state == "active":
            self._keep(work, unit.name, UnitSight.ENDED)
        elif known is not None and known.is_running_as(unit.name):
            # It ended while nobody looked.
            self._keep(work, unit.name, UnitSight.GONE)

    async def _take(self, work: Work, unit: Unit, asked: int) -> bool:
        before = self._known.get(work)
        self._installed.add((work.stage, work.style))
        if self._is_outdated(work, asked):
            return False
        if unit.active_state == "failed":
            await self._look(unit.name)
        elif _runs(unit.active_state, unit.sub_state):
            self._keep(work, unit.name, UnitSight.RUNNING)
        elif before is not None and before.is_running_as(unit.name):
            self._keep(work, unit.name, UnitSight.GONE)
        return self._known.get(work) != before

    def _forget(self, found: Collection[Work], asked: int) -> set[str]:
        over = [
            (work, known)
            for work, known in self._known.items()
            if known.sight is UnitSight.RUNNING
            and work not in found
            and not self._is_outdated(work, asked)
        ]
        for work, known in over:
            self._keep(work, known.name, UnitSight.GONE)
        return {work.on for work, _ in over}

    def _keep(
        self,
        work: Work,
        name: str,
        sight: UnitSight,
        state: UnitState | None = None,
        *,
        result: str = "",
    ) -> None:
        known, invocation = self._known.get(work), state.invocation_id if state else ""
        if invocation and invocation == self._over.get(work):
            return
        result, at = (state.result, state.inactive_since) if state else (result, None)
        if known is not None and known.sight is sight and (not state or known.at == at):
            return
        heard = self._clock() if self._began else float("-inf")
        status = state.exit_status if state else None
        self._known[work] = Known(name, sight, result, status, at, heard, invocation)


async def is_any_at_work(units: Units) -> bool:
    """Returns whether a unit works on a board now, True where nobody can tell."""
    try:
        listed = await uncut(units.list_units())
    except Unavailable:
        return True
    return any(_runs(unit.active_state, unit.sub_state) for unit in listed if work_of(unit.name))


async def uncut(asking: Coroutine[None, None, T]) -> T:
    """Lets a question end that its asker is taken away from: it may be starting the process that
    speaks to systemd, and asyncio loses a process whose start is cut."""
    question = asyncio.ensure_future(asking)
    question.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    return await asyncio.shield(question)


def _runs(active_state: str, sub_state: str) -> bool:
    return active_state in _RUNNING and sub_state != "exited"
