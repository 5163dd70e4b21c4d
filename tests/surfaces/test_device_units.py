"""Devices over a real systemd: units that write rows as the station's scripts do, and fail."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from domain.devices.device_filters import DeviceView
from domain.devices.evidence import UnitSight
from domain.devices.status import Cause, Status
from domain.devices.status_following import watch_devices
from domain.station import Station
from server.settings import Settings
from server.wiring.station import open_station
from tests.adapters.systemd_manager import RealSystemd, missing, real_systemd
from tests.fakes.state_rows import ShellStates

PATIENCE = 15.0
SERIAL = "10000000a0b0c0d0"
RUNS, FAILS = (UnitSight.RUNNING,), (UnitSight.FAILED,)
# systemd forgets at once what ended well: only who listened then knows.
OVER = (UnitSight.ENDED, UnitSight.GONE)
PROVISIONER = """[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh {folder}/provisioner %I
"""
SCRIPT = """set -eu
row() {{ sqlite3 -cmd '.timeout 5000' {db} "INSERT INTO devices(serial, endpoint, state, image, \
ip_address) VALUES('$1', '1-1.2', '$2', '', '')"; }}
row "$1" SB-PROVISIONER-STARTED
while [ ! -e {folder}/go-"$1" ]; do sleep 0.02; done
case "$1" in *0) exit 7;; *1) exit 0;; esac
row "$1" SB-PROVISIONER-FINISHED
case "$1" in *2) exit 9;; esac
"""
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        importlib.util.find_spec("pystemd") is None,
        reason="pystemd is not built: install the Debian packages gcc, pkg-config, libsystemd-dev",
    ),
]


class Bench:
    """A root with a state database, a script, and a systemd that runs it."""

    def __init__(self, folder: Path, manager: RealSystemd) -> None:
        self.root = folder / "root"
        self.folder = folder
        self.manager = manager

    def let_end(self, serial: str) -> None:
        (self.folder / f"go-{serial}").touch()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("bench")
    states = ShellStates(folder / "root/srv/rpi-sb-provisioner/state.db")
    (folder / "provisioner").write_text(SCRIPT.format(db=states.file, folder=folder))
    units = {"rpi-sb-provisioner@.service": PROVISIONER.format(folder=folder)}
    with real_systemd(tmp_path_factory.mktemp("systemd"), units) as manager:
        yield Bench(folder, manager)


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[Station]:
    async with AsyncExitStack() as stack:
        settings = Settings(root=bench.root, bus_address=bench.manager.address)
        yield await open_station(settings, stack)


async def until(
    station: Station, serial: str, *, status: Status, sight: tuple[UnitSight, ...]
) -> DeviceView:
    """Returns how the board stands as soon as it stands so."""
    async with asyncio.timeout(PATIENCE):
        async for update in watch_devices(station.hub, station.statuses, serial=serial):
            for view in update.value.views:
                if view.verdict.status is status and view.verdict.facts.unit.sight in sight:
                    return view
    raise AssertionError(status)


async def test_a_failing_provisioner_fails_the_board_with_its_exit_code(bench: Bench) -> None:
    unit = f"rpi-sb-provisioner@{SERIAL}.service"
    async with running(bench) as station:
        await station.units.start(unit)
        await until(station, SERIAL, status=Status.ACTIVE, sight=RUNS)
        bench.let_end(SERIAL)
        view = await until(station, SERIAL, status=Status.FAILED, sight=FAILS)
    assert (view.verdict.cause, view.verdict.reason) == (
        Cause.UNIT_FAILED,
        f"{unit} failed: exit-code 7.",
    )


async def test_a_service_that_starts_later_learns_of_the_failure(bench: Bench) -> None:
    serial = "10000000b0b0c0d0"
    bench.let_end(serial)
    async with running(bench) as station:
        await station.units.start(f"rpi-sb-provisioner@{serial}.service")
        await until(station, serial, status=Status.FAILED, sight=FAILS)
    async with running(bench) as station:
        view = await until(station, serial, status=Status.FAILED, sight=FAILS)
    assert view.verdict.facts.unit.how == "exit-code 7"


async def test_a_provisioner_that_ends_without_a_word_stalls_the_board(bench: Bench) -> None:
    serial = "10000000a0b0c0d1"
    async with running(bench) as station:
        await station.units.start(f"rpi-sb-provisioner@{serial}.service")
        await until(station, serial, status=Status.ACTIVE, sight=RUNS)
        bench.let_end(serial)
        view = await until(station, serial, status=Status.STALLED, sight=OVER)
    assert view.verdict.cause is Cause.UNIT_GONE


async def test_a_provisioner_that_fails_after_its_last_row_completes_nothing(
    bench: Bench,
) -> None:
    serial = "10000000a0b0c0d2"
    async with running(bench) as station:
        await station.units.start(f"rpi-sb-provisioner@{serial}.service")
        await until(station, serial, status=Status.ACTIVE, sight=RUNS)
        bench.let_end(serial)
        view = await until(station, serial, status=Status.FAILED, sight=FAILS)
    assert view.device.state == "SB-PROVISIONER-FINISHED"
    assert view.verdict.reason.endswith("failed: exit-code 9.")


async def test_a_provisioner_that_ends_well_completes_the_board(bench: Bench) -> None:
    serial = "10000000a0b0c0d3"
    async with running(bench) as station:
        await station.units.start(f"rpi-sb-provisioner@{serial}.service")
        await until(station, serial, status=Status.ACTIVE, sight=RUNS)
        bench.let_end(serial)
        view = await until(station, serial, status=Status.COMPLETE, sight=OVER)
    assert view.verdict.cause is None
