"""The line of a log that says why a stage failed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.devices.devices import Devices
from domain.devices.failure_lines import LONGEST, FailureLines, StageLog
from domain.devices.logs import DeviceLogs
from domain.devices.names import DeviceNames
from domain.devices.stages import Stage
from domain.events import Hub
from domain.host_paths import HostPaths
from tests.fakes.presence import FakePresence
from tests.fakes.state_rows import FakeStateRows

BEGAN = datetime(2026, 8, 1, 10, tzinfo=UTC)
LONG, SHORT = "10000000a0b0c0d0", "a0b0c0d0"
TOLD = "sb-provisioner-provision-failed.sh"
HOOK = ("Starting Running customisation script for sb-provisioner at stage provision-failed",)


class Station:
    def __init__(self, root: Path) -> None:
        self.folder = root / "var/log/rpi-sb-provisioner"
        hub = Hub()
        names = DeviceNames(Devices(hub, FakeStateRows()), FakePresence())
        self.lines = FailureLines(DeviceLogs(HostPaths(root), hub, names))

    async def find(
        self, serials: list[str], port: str | None, stage: Stage, since: datetime | None = None
    ) -> str | None:
        return await self.lines.find(StageLog(tuple(serials), port, stage, since))

    def write(self, path: str, *lines: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        stamped = (f"[2026-08-01 10:00:00.000] {line}" for line in lines)
        file.write_text("\n".join(stamped) + "\n")


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Starting", "ERROR: mmcblk0: not enough room", "Provisioning failed"], 1),
        (["fastboot erase mmcblk0: timed out", "SB-PROVISIONER-ABORTED"], 0),
        (["Starting", "Erased and partitioned mmcblk0"], 1),
        (["ERROR: first", "Trying again", "ERROR: second"], 2),
        (["Provisioning failed"], 0),
        (["Starting", "----", "   ", ""], 0),
        (
            [
                "ERROR: no room",
                *HOOK,
                f"Stopping Customisation script {TOLD} completed successfully",
            ],
            0,
        ),
        (
            [
                "ERROR: no room",
                *HOOK,
                f"WARNING: Customisation script {TOLD} failed with exit code 2",
            ],
            0,
        ),
        (
            [
                "ERROR: no room",
                "No customisation script found for sb-provisioner at stage provision-failed",
            ],
            0,
        ),
        (
            [
                "ERROR: no room",
                f"Skipping disabled customisation script: {TOLD}",
            ],
            0,
        ),
        (["Stopping Customisation script sb-provisioner-post-flash.sh failed with exit code 3"], 0),
        (["ERROR: no room", 'Running command with 30-second timeout: "fastboot reboot"'], 0),
        (["Writing", 'Running command with 30-second timeout: "fastboot reboot"'], 1),
        (["Writing", '"fastboot -s tcp: getvar version" FAILED: Command returned exit code 1.'], 0),
        (['"fastboot -s ab oem fwcrypto init" FAILED: Command timed out.', *HOOK], 0),
        (['"fastboot -s ab getvar version" FAILED: Command timed out.', "Bye"], 0),
        (["Waiting", "Starting Deleting udev lock", "Stopping Deleting udev lock", *HOOK], 0),
    ],
)
async def test_the_line_that_says_most_is_found(
    station: Station, lines: list[str], expected: int
) -> None:
    station.write(f"{LONG}/provisioner.log", *lines)
    assert await station.find([LONG], None, Stage.PROVISIONING) == lines[expected]


async def test_every_name_of_the_board_is_tried(station: Station) -> None:
    station.write(f"{SHORT}/bootstrap.log", "ERROR: rpiboot did not finish")
    station.write("1-1.2/bootstrap.log", "ERROR: of the port")
    assert await station.find([LONG], None, Stage.BOOTSTRAP) == "ERROR: rpiboot did not finish"
    assert await station.find([], "1-1.2", Stage.BOOTSTRAP) == "ERROR: of the port"


@pytest.mark.parametrize("stage", [Stage.TRIAGE, Stage.COMPLETE])
async def test_without_a_log_there_is_no_reason(station: Station, stage: Stage) -> None:
    assert await station.find([LONG], "1-1", stage) is None
    assert await station.find([], None, stage) is None


async def test_a_long_line_is_cut_and_an_empty_log_says_nothing(station: Station) -> None:
    station.write(f"{LONG}/triage.log", "ERROR " + "x" * 2000)
    station.write(f"{SHORT}/triage.log", "")
    told = await station.find([LONG], None, Stage.TRIAGE)
    assert told is not None
    assert (len(told), told[-1]) == (LONGEST, "…")


def stamp(at: datetime) -> str:
    """Returns the time as the scripts write it: the station's local one."""
    return at.astimezone().strftime("[%Y-%m-%d %H:%M:%S.000]")


OLD, NEW = stamp(BEGAN - timedelta(hours=3)), stamp(BEGAN + timedelta(seconds=1))
JUST_BEFORE = stamp(BEGAN - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([f"{OLD} ERROR: of the run before", f"{NEW} Reading the board"], "Reading the board"),
        ([f"{OLD} ERROR: of the run before", "ERROR: its second line"], None),
        ([f"{OLD} Starting", "ERROR: old, too", f"{NEW} Reading"], "Reading"),
        ([f"{OLD} Starting", f"{NEW} Reading", "ERROR: no time"], "ERROR: no time"),
        ([f"{JUST_BEFORE} ERROR: rows tell whole seconds"], "ERROR: rows tell whole seconds"),
        (["ERROR: this log has no times"], "ERROR: this log has no times"),
    ],
)
async def test_a_line_of_an_earlier_run_is_no_reason(
    station: Station, lines: list[str], expected: str | None
) -> None:
    file = station.folder / LONG / "triage.log"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(lines) + "\n")
    assert await station.find([LONG], None, Stage.TRIAGE, since=BEGAN) == expected
