"""The simulated host's units behave towards their watchers as systemd's do."""

import asyncio
import threading
from pathlib import Path

import pytest

from domain.services.units import UnitChanged, UnitNameInvalid, UnitRefused, Units, UnitUnknown
from server.demo.outcomes import FINISHED, SILENT_STOP
from server.demo.services import BOOTSTRAP, PROVISIONERS, TRIAGE
from server.demo.units import SimulatedUnits
from tests.server.demo.bench import NOW, Bench, build_bench

LIMIT = 30.0
UNIT = PROVISIONERS["SB"].unit("1000000000a0b000")
INVOCATION = "ab" * 16


class Seen:
    """The changes that a watch told, and on which thread."""

    def __init__(self) -> None:
        self.changes: list[UnitChanged] = []
        self.threads: set[int] = set()
        self._news = asyncio.Event()

    def __call__(self, change: UnitChanged) -> None:
        self.changes.append(change)
        self.threads.add(threading.get_ident())
        self._news.set()

    async def first(self, count: int) -> list[tuple[str, str, str]]:
        async with asyncio.timeout(LIMIT):
            while len(self.changes) < count:
                self._news.clear()
                await self._news.wait()
        return [(one.active_state, one.sub_state, one.result) for one in self.changes]


@pytest.fixture
def units() -> SimulatedUnits:
    return SimulatedUnits()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return build_bench(tmp_path)


def test_it_is_the_port(units: SimulatedUnits) -> None:
    port: Units = units
    assert port is units


def test_names_are_those_that_udev_and_triage_make() -> None:
    assert BOOTSTRAP.unit("/dev/bus/usb/001/004") == "rpi-sb-bootstrap@dev-bus-usb-001-004.service"
    assert TRIAGE.unit("1000000000a0b000") == "rpi-sb-triage@1000000000a0b000.service"


async def test_a_unit_that_runs_is_active_once_it_is_ready(units: SimulatedUnits) -> None:
    units.begin(UNIT, PROVISIONERS["SB"], invocation_id=INVOCATION)
    assert (await units.get_state(UNIT)).unit.active_state == "activating"
    units.ready(UNIT, at=NOW)
    state = await units.get_state(UNIT)
    assert (state.unit.active_state, state.unit.sub_state) == ("active", "running")
    assert (state.invocation_id, state.active_since) == (INVOCATION, NOW)


async def test_a_unit_that_ended_well_is_gone(units: SimulatedUnits) -> None:
    units.begin(UNIT, PROVISIONERS["SB"], invocation_id=INVOCATION)
    units.ready(UNIT, at=NOW)
    units.end(UNIT, status=0, at=NOW)
    assert await units.list_units() == []
    state = await units.get_state(UNIT)
    assert (state.unit.active_state, state.result, state.exit_status) == ("inactive", "", None)


async def test_a_unit_that_failed_stays_until_it_is_started_again(units: SimulatedUnits) -> None:
    units.begin(UNIT, PROVISIONERS["SB"], invocation_id=INVOCATION)
    units.end(UNIT, status=1, at=NOW)
    state = await units.get_state(UNIT)
    assert (state.unit.active_state, state.result, state.exit_status) == ("failed", "exit-code", 1)
    assert state.inactive_since == NOW
    units.begin(UNIT, PROVISIONERS["SB"], invocation_id=INVOCATION)
    assert [unit.active_state for unit in await units.list_units()] == ["activating"]


async def test_watchers_hear_on_their_own_loop_what_a_thread_does(bench: Bench) -> None:
    await bench.host.units.watch(seen := Seen())
    await asyncio.to_thread(bench.play, bench.plan(SILENT_STOP))
    # Four units: bootstrap, its rival, triage, provisioner.
    assert len(await seen.first(15)) == 15
    assert seen.threads == {threading.get_ident()}


async def test_a_good_run_is_told_as_systemd_tells_it(bench: Bench) -> None:
    await bench.host.units.watch(seen := Seen())
    attempt = bench.plan(FINISHED)
    bench.play(attempt)
    await seen.first(15)
    unit = PROVISIONERS["SB"].unit(attempt.board.serial)
    own = [one for one in seen.changes if one.name == unit]
    assert [(one.active_state, one.sub_state, one.result) for one in own] == [
        ("activating", "start", ""),
        ("active", "running", ""),
        ("active", "running", "done"),
        ("inactive", "dead", "success"),
    ]


async def test_a_restart_of_the_host_leaves_no_result(units: SimulatedUnits) -> None:
    units.begin(UNIT, PROVISIONERS["SB"], invocation_id=INVOCATION)
    await units.watch(seen := Seen())
    units.forget_all()
    assert await seen.first(1) == [("inactive", "dead", "")]
    assert await units.list_units() == []


async def test_nobody_but_the_line_starts_units(units: SimulatedUnits) -> None:
    with pytest.raises(UnitRefused):
        await units.start(UNIT)
    with pytest.raises(UnitUnknown):
        await units.start("rpi-sb-image-bootimg-generator@lite.service")
    with pytest.raises(UnitUnknown):
        await units.get_state("ssh.service")
    with pytest.raises(UnitNameInvalid):
        await units.start("rpi-sb-triage@.service")
    await units.probe()


def test_a_watcher_whose_loop_is_gone_hinders_nobody(units: SimulatedUnits) -> None:
    asyncio.run(units.watch(Seen()))
    units.begin(UNIT, PROVISIONERS["SB"], invocation_id=INVOCATION)
