"""Whereabouts: whether the board of a run is plugged in, and for how long it is away."""

import time
from collections.abc import Callable, Collection

from domain.devices.evidence import BoardPresence, PresenceSight
from domain.devices.presence import Plugged, Presence
from domain.devices.row_names import is_nameless
from domain.devices.runs import Run, Runs
from domain.devices.stages import Stage
from domain.devices.status import REBOOT_GRACE
from domain.serials import board_key


class Whereabouts:
    """Remembers since when boards are away; `clock` is monotonic."""

    def __init__(self, presence: Presence, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._presence = presence
        self._clock = clock
        self._ports: dict[str, str] = {}
        self._away: dict[str, float | None] = {}
        self._lost: dict[str, int] = {}

    def look(self) -> None:
        """Looks which boards are plugged in where; do this before `find`."""
        plugged = self._presence.plugged() if self._presence.available else {}
        self._ports = {
            board_key(there.serial): port for port, there in plugged.items() if there.serial
        }

    @property
    def plugged(self) -> Collection[str]:
        """The boards that were plugged in at the last look."""
        return self._ports.keys()

    def forget(self, key: str | None = None) -> None:
        """Forgets how long a board was away: it has written a row. None: every board."""
        for memory in (self._away, self._lost):
            if key is None:
                memory.clear()
            else:
                memory.pop(key, None)

    def find(self, runs: Runs, run: Run, *, quiet: float, met: bool) -> BoardPresence:
        """Returns where the board is. `quiet`: the seconds since its last row. `met`: its rows
        came while this service ran; any other board that is away now always was."""
        if not self._presence.available:
            return BoardPresence(PresenceSight.UNKNOWN)
        port = self._port_of(runs, run)
        if run.ended:
            sight = PresenceSight.PRESENT if port else PresenceSight.ABSENT
            return BoardPresence(sight, port)
        lost = self._lost.get(run.key) == run.last_id
        if port is not None:
            self._away[run.key] = None
            return BoardPresence(PresenceSight.PRESENT, port, lost)
        seconds = min(quiet, self._clock() - self._away_since(run.key, met=met))
        if seconds >= REBOOT_GRACE:
            self._lost[run.key] = run.last_id
        return BoardPresence(PresenceSight.ABSENT, None, lost, seconds)

    def _away_since(self, key: str, *, met: bool) -> float:
        known = self._away.get(key)
        if known is None:
            always = key not in self._away and not met
            known = self._away[key] = float("-inf") if always else self._clock()
        return known

    def _port_of(self, runs: Runs, run: Run) -> str | None:
        known = self._ports.get(run.key)
        if known is not None:
            return known
        there = self._presence.plugged().get(run.port) if run.port else None
        if there is None or run.port is None or runs.at_port.get(run.port) is not run:
            return None
        return run.port if _may_be(run, there) else None


def _may_be(run: Run, plugged: Plugged) -> bool:
    """Whether what is in the run's port may be its board: boot ROMs tell no serial at times."""
    if not plugged.target or run.ended:
        return False
    return is_nameless(run.key) or (plugged.serial is None and run.stage is Stage.BOOTSTRAP)
