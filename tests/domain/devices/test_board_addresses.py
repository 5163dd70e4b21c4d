"""Board addresses: what the logs tell, and nothing else."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.devices.board_addresses import BoardAddresses
from domain.devices.presence import Plugged
from domain.host_paths import HostPaths

SERIAL = "10000000a0b0c0d0"
TRIED = '[2026-08-01 10:00:00.000] Running command: "fastboot -s tcp:{} getvar version"\n'
WRITTEN = datetime(2026, 8, 1, 10, tzinfo=UTC)


class Logs:
    """Writes logs of the board, and asks for its address."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "var/log/rpi-sb-provisioner" / SERIAL
        self.folder.mkdir(parents=True)
        self._addresses = BoardAddresses(HostPaths(root))

    def write(self, name: str, text: str, at: datetime = WRITTEN) -> None:
        with (self.folder / name).open("a") as log:
            log.write(text)
        os.utime(self.folder / name, (at.timestamp(), at.timestamp()))

    def address(self, *, since: datetime | None = None, target: bool = True) -> str | None:
        board = Plugged("1-1", SERIAL, target=target, since=since)
        found = self._addresses.find([board]).get(SERIAL)
        return found.address if found else None


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path)


@pytest.mark.parametrize("address", ["192.168.1.20", "fe80::1", "fe80::1%eth0", "2001:db8::a0"])
def test_the_address_that_the_scripts_try_is_known(logs: Logs, address: str) -> None:
    logs.write("triage.log", TRIED.format(address))
    assert logs.address() == address


@pytest.mark.parametrize("address", ["", "999.1.1.1", "1.2.3", "::::", "x" * 80])
def test_what_is_no_address_is_none(logs: Logs, address: str) -> None:
    logs.write("triage.log", TRIED.format(address))
    assert logs.address() is None


def test_an_address_in_another_line_is_none(logs: Logs) -> None:
    logs.write("triage.log", "[x] gateway 192.168.1.1, tcp:10.0.0.1\n")
    assert logs.address() is None


def test_the_last_line_of_the_newest_log_tells_it(logs: Logs) -> None:
    logs.write("provisioner.log", TRIED.format("10.0.0.1") + TRIED.format("10.0.0.2"))
    logs.write("triage.log", TRIED.format("10.0.0.3"), at=WRITTEN.replace(hour=9))
    assert logs.address() == "10.0.0.2"


def test_a_log_is_read_again_when_it_changed(logs: Logs) -> None:
    logs.write("triage.log", TRIED.format("10.0.0.1"))
    assert logs.address() == "10.0.0.1"
    logs.write("triage.log", TRIED.format("10.0.0.2"))
    assert logs.address() == "10.0.0.2"


def test_a_log_of_an_earlier_visit_tells_nothing(logs: Logs) -> None:
    logs.write("triage.log", TRIED.format("10.0.0.1"))
    assert logs.address(since=WRITTEN.replace(hour=11)) is None
    assert logs.address(since=WRITTEN.replace(hour=9)) == "10.0.0.1"


def test_a_stranger_and_a_board_without_log_have_none(logs: Logs) -> None:
    assert logs.address() is None
    logs.write("triage.log", TRIED.format("10.0.0.1"))
    assert logs.address(target=False) is None


def test_only_the_end_of_a_long_log_is_looked_through(logs: Logs) -> None:
    logs.write("triage.log", TRIED.format("10.0.0.1") + "x" * 100_000)
    assert logs.address() is None
