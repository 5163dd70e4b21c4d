"""The simulated host: when it booted, and the scripts that run on it."""

import itertools
import random
import shutil
from datetime import datetime

from domain.host_paths import HostPaths
from server.demo.attempts import Phase
from server.demo.boards import Board
from server.demo.journal import Journal
from server.demo.scripts import Script
from server.demo.services import Service
from server.demo.units import SimulatedUnits

LOCKS = "/var/lock/rpi-sb-bootstrap"
STAT = "/proc/stat"
BOOT_ID = "/proc/sys/kernel/random/boot_id"


class Host:
    """Runs scripts as units, and tells systemd and the journal what they do; blocks."""

    def __init__(self, paths: HostPaths, *, seed: int) -> None:
        self.units = SimulatedUnits()
        self.journal = Journal()
        self._paths = paths
        self._chance = random.Random(f"{seed}/host")
        self._numbers = itertools.count(1200)
        self._scripts: dict[tuple[str, Phase], Script] = {}

    def boot(self, *, at: datetime) -> None:
        """Starts the host, again if it runs: what ran is gone, and so are its locks."""
        self._scripts.clear()
        self.units.forget_all()
        boot_id = f"{self._chance.getrandbits(128):032x}"
        parts = (boot_id[:8], boot_id[8:12], boot_id[12:16], boot_id[16:20], boot_id[20:])
        self._write(STAT, f"cpu  0 0 0 0 0 0 0 0 0 0\nbtime {int(at.timestamp())}\n")
        self._write(BOOT_ID, "-".join(parts) + "\n")
        self.journal.boot(boot_id, at=at)
        locks = self._paths.real(LOCKS)
        shutil.rmtree(locks, ignore_errors=True)
        locks.mkdir(parents=True, exist_ok=True)

    def keep(self, board: Board, phase: Phase, script: Script) -> None:
        """Remembers which script works on a board."""
        self._scripts[board.serial, phase] = script

    def script_of(self, board: Board, phase: Phase) -> Script:
        """Returns the script that works on a board; raises ProcessLookupError where none does,
        since it could not be started."""
        script = self._scripts.get((board.serial, phase))
        if script is None:
            raise ProcessLookupError(f"no {phase.value} works on {board.serial}")
        return script

    def start(
        self,
        service: Service,
        instance: str,
        *,
        node: str,
        serial: str,
        endpoint: str,
        at: datetime,
    ) -> Script:
        """Starts a service's program for an instance, with what it finds out."""
        unit, number = service.unit(instance), next(self._numbers)
        invocation_id = f"{self._chance.getrandbits(128):032x}"
        script = Script(service, unit, number, number, invocation_id, node, serial, endpoint)
        self.units.begin(unit, service, invocation_id=invocation_id)
        self.journal.starting(script, at=at)
        return script

    def ready(self, script: Script, *, at: datetime) -> None:
        """Takes a script's word that it has started."""
        script.ready = True
        self.units.ready(script.unit, at=at)
        self.journal.started(script, at=at)

    def say(self, script: Script, text: str, *, at: datetime) -> None:
        """Takes a line from a script's output."""
        self.journal.said(script, text, at=at)

    def end(self, script: Script, *, status: int, at: datetime) -> None:
        """Ends a script with its exit status."""
        if status:
            self.journal.failed(script, status=status, at=at)
            if not script.ready:
                self.journal.not_started(script, at=at)
        else:
            self.journal.ended(script, at=at)
            if script.service.oneshot:
                self.journal.started(script, at=at)
        self.units.end(script.unit, status=status, at=at)

    def _write(self, logical: str, text: str) -> None:
        real = self._paths.real(logical)
        real.parent.mkdir(parents=True, exist_ok=True)
        real.write_text(text)
