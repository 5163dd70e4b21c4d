"""Units of a real systemd and what its own journald wrote of them."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.journal import SystemdJournal
from adapters.systemd import SystemdUnits
from domain.events import Hub
from domain.host_paths import HostPaths
from domain.paging import page_request
from domain.services.journal import JournalLine
from domain.services.line_filters import EVERY_LINE, LineFilter, Origin
from domain.services.log_following import LogFollowing
from domain.services.run_history import run_order
from domain.services.runs import RunOutcome
from domain.services.services import ORDER, Services
from domain.services.states import ServiceState
from tests.adapters.systemd_manager import missing, real_systemd

PATIENCE = 20.0
ONESHOT = """[Unit]
Description=Triage of %i
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo works on %i; sleep 0.2; case %i in bad*) exit 7;; esac'
"""
LONG = """[Unit]
DefaultDependencies=no
[Service]
ExecStart=/bin/sh -c 'echo begins; exec sleep 1000'
"""
UNITS = {"rpi-sb-triage@.service": ONESHOT, "rpi-sb-provisioner@.service": LONG}
WARM = "rpi-sb-triage@warm.service"
GOOD, BAD = "rpi-sb-triage@1000000000a0b000.service", "rpi-sb-triage@bad.service"
RUNS = "rpi-sb-provisioner@1000000000a0b001.service"
ENDINGS = ("Deactivated successfully", "Failed with result", "Started")

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        importlib.util.find_spec("pystemd") is None,
        reason="pystemd is not built: install the Debian packages gcc, pkg-config, libsystemd-dev",
    ),
]


@dataclass(frozen=True, slots=True)
class Host:
    """A machine with systemd and journald, and what the service knows of it."""

    services: Services
    units: SystemdUnits
    following: LogFollowing

    async def run(self, unit: str) -> list[JournalLine]:
        """Starts a unit and returns its lines up to the one that ends or begins it."""
        lines: list[JournalLine] = []
        async with asyncio.timeout(PATIENCE):
            updates = self.following.follow(unit, tail=0, wanted=EVERY_LINE)
            async with aclosing(updates):
                await anext(updates)
                await self.units.start(unit)
                async for update in updates:
                    lines += update.lines
                    if any(word in (line.message or "") for word in ENDINGS for line in lines):
                        return lines
        return lines


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    lacking = missing()
    if lacking:
        pytest.skip(lacking)
    base = tmp_path_factory.mktemp("systemd")
    with real_systemd(base, UNITS) as running:
        (base / "etc").mkdir()
        (base / "etc/machine-id").write_text((base / "machine-id").read_text())
        yield base, running.address


@pytest.fixture
async def host(manager: tuple[Path, str]) -> AsyncIterator[Host]:
    base, address = manager
    journal, units = SystemdJournal(HostPaths(base)), SystemdUnits(address)
    hub = Hub()
    host = Host(Services(hub, journal, units), units, LogFollowing(hub, journal, look=0.05))
    try:
        # journald starts with the first line, and systemd's own lines before that are lost.
        await host.run(WARM)
        yield host
    finally:
        await asyncio.gather(journal.aclose(), units.aclose())


async def test_a_failed_unit_tells_its_result_and_systemds_own_line(host: Host) -> None:
    lines = await host.run(BAD)
    service, run = await host.services.get(BAD), await host.services.runs.newest(BAD)
    messages = [line.message for line in lines if line.by_systemd]
    assert f"{BAD}: Failed with result 'exit-code'." in messages
    assert service.state is ServiceState.FAILED
    assert run is not None
    assert (run.outcome, run.result, run.job_result) == (RunOutcome.FAILED, "exit-code", "failed")
    assert (run.exit_code, run.exit_status) == ("exited", 7)
    assert run.failure == f"{BAD}: Main process exited, code=exited, status=7/NOTRUNNING"
    assert 0.2 <= (run.seconds or 0) < PATIENCE


async def test_a_unit_that_ended_well_is_remembered_by_the_journal(host: Host) -> None:
    await host.run(GOOD)
    service, run = await host.services.get(GOOD), await host.services.runs.newest(GOOD)
    assert (service.state, service.parts.serial) == (ServiceState.FINISHED, "1000000000a0b000")
    assert run is not None
    assert (run.outcome, run.result, run.exit_status) == (RunOutcome.SUCCEEDED, "success", 0)


async def test_a_unit_that_runs_is_seen_running(host: Host) -> None:
    await host.run(RUNS)
    service, run = await host.services.get(RUNS), await host.services.runs.newest(RUNS)
    assert service.state is ServiceState.ACTIVE
    assert run is not None
    assert (run.outcome, run.ended_at) == (RunOutcome.RUNNING, None)


async def test_each_run_has_its_own_lines(host: Host) -> None:
    for _ in range(2):
        await host.run(GOOD)
    page = await host.services.runs.page(GOOD, page_request(run_order(GOOD), first=2))
    newer, older = page.items
    assert newer.started_at is not None
    assert older.ended_at is not None
    assert newer.started_at > older.ended_at
    wanted = LineFilter(invocation=newer.invocation, origin=Origin.SYSTEMD)
    request = page_request("any")
    found = await host.services.logs.page(GOOD, request, wanted=wanted, newest_first=False)
    assert (found.lines[0].message or "").startswith("Starting")


async def test_all_units_of_the_station_are_listed(host: Host) -> None:
    await host.run(GOOD)
    page = await host.services.list_page(page_request(ORDER))
    assert page.items[0].name == GOOD
    assert {service.parts.base_name for service in page.items} <= {
        "rpi-sb-triage",
        "rpi-sb-provisioner",
    }
