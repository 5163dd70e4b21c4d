"""Hook runs: when each hook ran, for which board and how it ended, as the journal and the logs of
devices show it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from domain.customisation.hook_lines import MARK, HookLine, HookRun, runs_in
from domain.customisation.hook_logs import HookLogs
from domain.customisation.hooks import HOOKS, Hook
from domain.paging import Page, PageRequest, slice_page
from domain.serials import same_board
from domain.services.journal import (
    Journal,
    JournalLine,
    JournalQuestion,
    JournalUnavailable,
    JournalUnit,
)
from domain.services.line_filters import LineFilter, Origin
from domain.services.unit_logs import collect
from domain.services.unit_names import UnitFamily, UnitName, parsed

ORDER = "hook-runs"
MOST_UNITS = 50
"""The units that are looked at, those with the newest lines first."""
MOST_LINES = 400
"""Lines about hooks that are read of each unit, the newest."""
PATIENCE = 1.0
"""Seconds for the lines of one unit."""
RUNNING = frozenset({UnitFamily.BOOTSTRAP, UnitFamily.TRIAGE, UnitFamily.PROVISIONER})
WANTED = LineFilter(origin=Origin.UNIT, text=MARK)


@dataclass(frozen=True, slots=True)
class DeviceHook:
    """A hook point and its newest run for one board, None where the journal has none."""

    hook: Hook
    last_run: HookRun | None


class HookRuns:
    """Reads the journal of the units that run hooks, and the provisioners' logs. All methods raise
    `JournalUnavailable` where neither tells of any."""

    def __init__(self, journal: Journal, logs: HookLogs) -> None:
        self._journal = journal
        self._logs = logs

    async def list_page(
        self, request: PageRequest, *, hook: Hook | None = None, serial: str | None = None
    ) -> Page[HookRun]:
        """Returns a page of the runs, the newest first, of one hook or of one board."""
        runs = [run for run in await self._runs(serial) if hook in (None, run.hook)]
        return slice_page(runs, request, order=ORDER, key=_key)

    async def of_device(self, serial: str) -> list[DeviceHook]:
        """Returns every hook point with its newest run for the board with this serial."""
        newest: dict[Hook, HookRun] = {}
        for run in await self._runs(serial):
            newest.setdefault(run.hook, run)
        return [DeviceHook(hook, newest.get(hook)) for hook in HOOKS]

    async def _runs(self, serial: str | None) -> list[HookRun]:
        runs = await asyncio.to_thread(self._of_logs, serial)
        try:
            runs += await self._of_journal(serial)
        except JournalUnavailable:
            if not runs:
                raise
        return sorted(runs, key=_key)

    def _of_logs(self, serial: str | None) -> list[HookRun]:
        runs: list[HookRun] = []
        for name, lines in self._logs.lines(serial).items():
            runs += runs_in(_provisioner_of(name), name, lines)
        return runs

    async def _of_journal(self, serial: str | None) -> list[HookRun]:
        units = await self._journal.list_units()
        wanted = [unit for unit in units if _is_wanted(parsed(unit.name), serial)]
        wanted.sort(key=lambda unit: -unit.newest)
        runs: list[HookRun] = []
        for unit in wanted[:MOST_UNITS]:
            runs += await self._of_unit(unit)
        return runs

    async def _of_unit(self, unit: JournalUnit) -> list[HookRun]:
        question = JournalQuestion(unit=unit.name, count=MOST_LINES, backwards=True, wanted=WANTED)
        found = await collect(self._journal, question, patience=PATIENCE)
        lines = [_line(line) for line in reversed(found.lines)]
        return runs_in(lambda _: unit.name, parsed(unit.name).serial, lines)


def _line(line: JournalLine) -> HookLine:
    return HookLine(line.message or "", line.at, line.invocation)


def _provisioner_of(serial: str) -> Callable[[Hook], str]:
    return lambda hook: f"rpi-{hook.provisioner}@{serial}.service"


def _is_wanted(name: UnitName, serial: str | None) -> bool:
    if name.family not in RUNNING:
        return False
    return serial is None or (name.serial is not None and same_board(name.serial, serial))


def _key(run: HookRun) -> tuple[int, str, str]:
    return (-run.newest, run.unit, run.hook.name)
