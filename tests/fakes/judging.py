"""A station that judges boards over fakes: a test writes rows, plugs, starts units, lets time
pass."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from domain.devices.attempt_list import Attempts
from domain.devices.board_units import BoardUnits
from domain.devices.device_filters import DeviceView
from domain.devices.devices import Devices
from domain.devices.explanations import Explanations
from domain.devices.failure_lines import FailureLines
from domain.devices.logs import DeviceLogs
from domain.devices.names import DeviceNames
from domain.devices.run_failures import SeenFailures
from domain.devices.run_records import RunRecords
from domain.devices.status import Cause, Status
from domain.devices.statuses import Statuses
from domain.devices.verdicts import Verdicts
from domain.devices.whereabouts import Whereabouts
from domain.devices.witnesses import Witnesses
from domain.events import Hub
from domain.host_paths import HostPaths
from domain.services.units import Unit, UnitChanged, UnitState
from tests.fakes.board_records import FakeBoardRecords
from tests.fakes.presence import FakePresence
from tests.fakes.run_failures import FakeRunFailures
from tests.fakes.state_rows import FakeStateRows, Written
from tests.fakes.units import Ending, FakeUnits

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
SERIAL, KEY, PORT = "10000000a0b0c0d0", "a0b0c0d0", "1-1.2"
TEMPLATES = (
    "rpi-sb-bootstrap@.service",
    "rpi-sb-triage@.service",
    *(f"rpi-{style}-provisioner@.service" for style in ("sb", "fde", "naked", "idp")),
)


class Clock:
    """Stands until a test lets time pass; the station's own clock may go wrong by `error`."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.error = timedelta()

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds - 1000.0) + self.error


class JudgedStation:
    """Everything around `Statuses`; without units installed or USB where a test says so."""

    def __init__(self, root: Path, *, installed: bool = True, usb: bool = True) -> None:
        self.root, self.hub, self.clock = root, Hub(), Clock()
        self.rows, self.records = FakeStateRows(), FakeBoardRecords()
        self.presence = FakePresence(available=usb)
        self.failures = FakeRunFailures()
        endings = {template: Ending() for template in TEMPLATES} if installed else {}
        self.units = FakeUnits(NOW, endings)
        self.devices = Devices(self.hub, self.rows)
        self.begin()

    def begin(self) -> None:
        """Starts the service; a second time, anew."""
        paths, clock = HostPaths(self.root), self.clock
        self.devices = Devices(self.hub, self.rows)
        logs = DeviceLogs(paths, self.hub, DeviceNames(self.devices, self.presence))
        self.board_units = BoardUnits(self.units, clock=clock)
        self.witnesses = Witnesses(
            paths,
            units=self.board_units,
            whereabouts=Whereabouts(self.presence, clock=clock),
            records=RunRecords(self.records),
            failures=SeenFailures(self.failures),
            clock=clock,
            now=clock.now,
        )
        self.verdicts = Verdicts(self.devices, self.witnesses, clock=clock)
        self.statuses = Statuses(
            self.hub,
            self.devices,
            ports=self.presence,
            witnesses=self.witnesses,
            verdicts=self.verdicts,
            explanations=Explanations(self.devices, self.verdicts, FailureLines(logs), clock=clock),
        )
        self.attempts = Attempts(self.devices, self.statuses)

    def write(self, *states: str, serial: str = SERIAL, port: str = PORT, **row: Any) -> None:
        """Appends a row for each state, as of now."""
        at = self.clock.now().strftime("%Y-%m-%d %H:%M:%S")
        written = Written(serial=serial, endpoint=port, ts=at)
        self.rows.write(*(replace(written, state=state, **row) for state in states))

    def start_unit(self, name: str) -> None:
        """Has systemd run a unit."""
        unit = Unit(name, name, "loaded", "activating", "start")
        at = self.clock.now()
        self.units.loaded[name] = UnitState(unit, "success", None, "0" * 32, at, None)
        self.units.tell(UnitChanged(name, "activating", "start", ""))

    def end_unit(self, name: str, *, result: str = "success", status: int = 0) -> None:
        """Has a running unit end."""
        self.units.at = self.clock.now()
        self.units.end(name, Ending(result, status))

    async def hear(self, name: str, active: str, sub: str, result: str = "") -> None:
        """Tells a change of a unit as the follower does."""
        works_on = await self.board_units.hear(UnitChanged(name, active, sub, result))
        if works_on is not None:
            self.statuses.doubt({works_on})

    async def view(self, serial: str = SERIAL) -> DeviceView:
        """Returns how a board stands now."""
        self.statuses.doubt({*self.verdicts.unsettled(), KEY})
        return await self.statuses.get(serial=serial)

    async def status(self, serial: str = SERIAL) -> tuple[Status, Cause | None]:
        """Returns how a board stands now, and why."""
        verdict = (await self.view(serial)).verdict
        return verdict.status, verdict.cause

    def log(self, path: str, text: bytes) -> None:
        """Writes a log below the log folder."""
        file = self.root / "var/log/rpi-sb-provisioner" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text)
