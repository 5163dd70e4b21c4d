"""The units of the simulated host, as systemd's manager knows them."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from domain.services.units import (
    Unit,
    UnitChanged,
    UnitRefused,
    UnitState,
    UnitUnknown,
    checked_unit_name,
)
from server.demo.services import PREFIXES, Service


@dataclass(frozen=True, slots=True)
class _Watcher:
    loop: asyncio.AbstractEventLoop
    changed: Callable[[UnitChanged], None]

    def tell(self, change: UnitChanged) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.changed, change)


class SimulatedUnits:
    """Satisfies `domain.services.Units`.

    The line's worker threads begin and end units; watchers hear of it on their own loop. As with
    systemd a unit that ended well is unloaded at once, and one that failed stays.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, UnitState] = {}
        self._watchers: list[_Watcher] = []
        self._starters: dict[str, Callable[[str], None]] = {}
        self._lock = threading.Lock()

    def begin(self, name: str, service: Service, *, invocation_id: str) -> None:
        """Starts a unit's program."""
        unit = Unit(name, service.description, "loaded", "activating", "start")
        self._keep(UnitState(unit, "success", None, invocation_id, None, None))
        self._tell(UnitChanged(name, "activating", "start", ""))

    def ready(self, name: str, *, at: datetime) -> None:
        """Takes a unit's word that it has started."""
        state = self._loaded[name]
        unit = replace(state.unit, active_state="active", sub_state="running")
        self._keep(replace(state, unit=unit, active_since=at))
        self._tell(UnitChanged(name, "active", "running", ""))
        self._tell(UnitChanged(name, "active", "running", "done"))

    def end(self, name: str, *, status: int, at: datetime) -> None:
        """Ends a unit with the exit status of its program."""
        state = self._loaded[name]
        active, sub = ("failed", "failed") if status else ("inactive", "dead")
        if status:
            unit = replace(state.unit, active_state=active, sub_state=sub)
            ended = replace(state, unit=unit, result="exit-code")
            self._keep(replace(ended, exit_status=status, inactive_since=at))
        else:
            self._forget(name)
        self._tell(UnitChanged(name, active, sub, "exit-code" if status else "success"))
        if state.unit.active_state == "activating":
            self._tell(UnitChanged(name, active, sub, "failed" if status else "done"))

    def forget_all(self) -> None:
        """Forgets everything: the host was restarted."""
        with self._lock:
            gone, self._loaded = list(self._loaded), {}
        for name in gone:
            self._tell(UnitChanged(name, "inactive", "dead", ""))

    async def list_units(self) -> list[Unit]:
        """Returns all loaded units."""
        with self._lock:
            return [state.unit for state in self._loaded.values()]

    async def get_state(self, name: str) -> UnitState:
        """Returns the unit's state; raises `UnitUnknown` and `UnitNameInvalid`."""
        self._require(name)
        with self._lock:
            known = self._loaded.get(name)
        return known or UnitState(Unit(name, name, "loaded", "inactive", "dead"), *_NEVER_RAN)

    def offer(self, prefix: str, start: Callable[[str], None]) -> None:
        """Lets units of a template be started from outside: `start` gets the unit's name, and
        returns at once."""
        self._starters[prefix] = start

    async def start(self, name: str) -> None:
        """Starts what is offered; one that is at its start goes on. Raises `UnitRefused`,
        `UnitUnknown` and `UnitNameInvalid`: all others are started by the line alone."""
        self._require(name)
        starter = self._starters.get(_prefix(name))
        if starter is not None:
            if (await self.get_state(name)).unit.active_state != "activating":
                starter(name)
            return
        raise UnitRefused(
            f"The simulated station starts {name} by itself, when its board is plugged in.",
            detail=name,
        )

    async def watch(self, changed: Callable[[UnitChanged], None]) -> None:
        """Calls `changed` on this loop's thread for each change from now on."""
        self._watchers.append(_Watcher(asyncio.get_running_loop(), changed))

    async def probe(self) -> None:
        """Raises nothing: they are always there."""

    def _require(self, name: str) -> None:
        if _prefix(checked_unit_name(name)) not in PREFIXES | self._starters.keys():
            raise UnitUnknown(f"The simulated station has no unit {name}.", detail=name)

    def _keep(self, state: UnitState) -> None:
        with self._lock:
            self._loaded[state.unit.name] = state

    def _forget(self, name: str) -> None:
        with self._lock:
            del self._loaded[name]

    def _tell(self, change: UnitChanged) -> None:
        for watcher in tuple(self._watchers):
            watcher.tell(change)


_NEVER_RAN = ("", None, "", None, None)


def _prefix(name: str) -> str:
    return name.partition("@")[0]
