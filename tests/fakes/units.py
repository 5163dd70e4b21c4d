"""A systemd without processes: what a test wants of units, and what it saw of them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.services.units import (
    Unit,
    UnitChanged,
    UnitRefused,
    UnitState,
    UnitsUnavailable,
    UnitUnknown,
    checked_unit_name,
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a started unit ends: its `result` as systemd says it, and its exit status."""

    result: str = "success"
    exit_status: int = 0


@dataclass
class FakeUnits:
    """Satisfies `domain.services.units.Units`.

    `endings` tells which units can be started and how each run ends, a whole name or a template
    (`job@.service`) each; where it `holds`, the test ends them. `refused` are masked. With a
    `reason`, all calls are unavailable. As in systemd a unit that ended well is gone from the
    listing, one that failed stays.
    """

    at: datetime
    endings: dict[str, Ending] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    reason: str = ""
    holds: bool = False
    loaded: dict[str, UnitState] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    watchers: list[Callable[[UnitChanged], None]] = field(default_factory=list)

    async def list_units(self) -> list[Unit]:
        self._require()
        return [state.unit for state in self.loaded.values()]

    async def get_state(self, name: str) -> UnitState:
        self._find_ending(name)
        return self.loaded.get(name, _never_ran(name))

    async def start(self, name: str) -> None:
        ending = self._find_ending(name)
        if name in self.refused:
            raise UnitRefused(f"systemd will not start {name}: it is masked.", detail=name)
        self.started.append(name)
        self.loaded[name] = _running(name, f"{len(self.started):032x}", at=self.at)
        self.tell(UnitChanged(name, "activating", "start", ""))
        if not self.holds:
            self.end(name, ending)

    def end(self, name: str, ending: Ending) -> None:
        """Ends a running unit, and tells it."""
        failed = ending.result != "success"
        active, sub = ("failed", "failed") if failed else ("inactive", "dead")
        state = self.loaded.pop(name)
        if failed:
            self.loaded[name] = replace(
                state,
                unit=replace(state.unit, active_state=active, sub_state=sub),
                result=ending.result,
                exit_status=ending.exit_status,
                inactive_since=self.at,
            )
        self.tell(UnitChanged(name, active, sub, ending.result))
        self.tell(UnitChanged(name, active, sub, "failed" if failed else "done"))

    def tell(self, change: UnitChanged) -> None:
        """Tells every watcher a change."""
        for watcher in self.watchers:
            watcher(change)

    async def watch(self, changed: Callable[[UnitChanged], None]) -> None:
        self.watchers.append(changed)

    async def probe(self) -> None:
        self._require()

    def _require(self) -> None:
        if self.reason:
            raise UnitsUnavailable(self.reason)

    def _find_ending(self, name: str) -> Ending:
        checked_unit_name(name)
        self._require()
        template, at, _ = name.partition("@")
        found = self.endings.get(f"{template}@.service" if at else name)
        ending = self.endings.get(name, found)
        if ending is None and name not in self.loaded:
            raise UnitUnknown(f"systemd knows no unit {name}.", detail=name)
        return ending or Ending()


def _never_ran(name: str) -> UnitState:
    unit = Unit(name, name, "loaded", "inactive", "dead")
    return UnitState(unit, "", None, "", None, None)


def _running(name: str, invocation_id: str, *, at: datetime) -> UnitState:
    unit = Unit(name, name, "loaded", "activating", "start")
    return UnitState(unit, "success", None, invocation_id, at, None)
