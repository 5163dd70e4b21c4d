"""Units of a real systemd, of a bus without one, and of buses that hang or go away."""

import asyncio
import importlib.util
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from adapters.systemd import SystemdUnits
from adapters.systemd_pipe import BusPipe, ChildGone
from domain.services.units import (
    Unit,
    UnitChanged,
    UnitNameInvalid,
    UnitRefused,
    Units,
    UnitsUnavailable,
    UnitUnknown,
)
from tests.adapters.systemd_manager import RealSystemd, missing, real_systemd
from tests.fakes.units import Ending, FakeUnits

PATIENCE = 10.0
LIMIT = 0.6
STAND_IN = Path(__file__).parents[3] / "shared/parity/systembus.py"
JOB = """[Unit]
Description=Job %i
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'case %i in bad*) exit 7;; esac'
"""
LOCKED = "[Unit]\nRefuseManualStart=yes\n[Service]\nExecStart=/bin/true\n"
UNITS = {"job@.service": JOB, "locked.service": LOCKED, "masked.service": ""}

needs_pystemd = pytest.mark.skipif(
    importlib.util.find_spec("pystemd") is None,
    reason="pystemd is not built: install the Debian packages gcc, pkg-config and libsystemd-dev",
)


class Seen:
    """The changes that a watch told."""

    def __init__(self) -> None:
        self.changes: list[UnitChanged] = []
        self._news = asyncio.Event()

    def __call__(self, change: UnitChanged) -> None:
        self.changes.append(change)
        self._news.set()

    def of(self, name: str) -> list[tuple[str, str, str]]:
        found = [change for change in self.changes if change.name == name]
        return [(change.active_state, change.sub_state, change.result) for change in found]

    async def until(self, *change: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while UnitChanged(*change) not in self.changes:
                self._news.clear()
                await self._news.wait()


class Relay:
    """A bus socket that hands on to a real bus, or hangs, or closes, as the test says."""

    def __init__(self, path: Path, real: Path | None = None) -> None:
        self._path = path
        self._real = real
        self._writers: set[asyncio.StreamWriter] = set()
        self.hangs = False
        self.came = asyncio.Event()
        self.address = f"unix:path={path}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Relay"]:
        server = await asyncio.start_unix_server(self._serve, self._path)
        try:
            yield self
        finally:
            server.close()
            await self.cut()

    async def cut(self) -> None:
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(w.wait_closed() for w in self._writers), return_exceptions=True)
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.came.set()
        if self.hangs:
            return
        if self._real is None:
            writer.close()
            return
        there, back = await asyncio.open_unix_connection(self._real)
        self._writers.add(back)
        await asyncio.gather(_hand_on(reader, back), _hand_on(there, writer))


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def asking(address: str, *, limit: float = PATIENCE) -> AsyncIterator[SystemdUnits]:
    units = SystemdUnits(address, limit=limit)
    try:
        yield units
    finally:
        await units.aclose()


@pytest.fixture(scope="module")
def systemd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSystemd]:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    with real_systemd(tmp_path_factory.mktemp("systemd"), UNITS) as manager:
        yield manager


@pytest.fixture(
    params=["fake", pytest.param("real", marks=[pytest.mark.real, needs_pystemd])],
)
async def units(request: pytest.FixtureRequest) -> AsyncIterator[Units]:
    if request.param == "fake":
        endings = {"job@.service": Ending(), "masked.service": Ending()}
        endings |= {f"job@bad{number}.service": Ending("exit-code", 7) for number in range(9)}
        yield FakeUnits(datetime(2026, 1, 2, tzinfo=UTC), endings, refused={"masked.service"})
        return
    async with asking(request.getfixturevalue("systemd").address) as real:
        yield real


@pytest.fixture(scope="module")
def stand_in() -> ModuleType:
    if not STAND_IN.exists():
        pytest.skip("../shared/parity/systembus.py is absent: the bus stand-in is not beside us")
    spec = importlib.util.spec_from_file_location("systembus", STAND_IN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Bus = Callable[..., str]


@pytest.fixture
def bus(stand_in: ModuleType, tmp_path: Path) -> Iterator[Bus]:
    """Starts the stand-in at `tmp_path/bus` and returns its address."""
    opened = []

    def start(*, systemd: bool = True) -> str:
        path = tmp_path / "bus"
        path.unlink(missing_ok=True)
        opened.append(stand_in.SystemBus(str(path), str(tmp_path / "log"), systemd))
        return f"unix:path={path}"

    yield start
    for one in opened:
        one.close()


class TestContract:
    """Each port has one contract test, run against the fake and the real adapter."""

    async def test_a_run_that_ends_well_is_told_and_then_forgotten(self, units: Units) -> None:
        await units.watch(seen := Seen())
        await units.start("job@good.service")
        await seen.until("job@good.service", "inactive", "dead", "done")
        assert seen.of("job@good.service") == [
            ("activating", "start", ""),
            ("inactive", "dead", "success"),
            ("inactive", "dead", "done"),
        ]
        assert (await units.get_state("job@good.service")).result == ""

    async def test_a_run_that_fails_is_told_and_stays(self, units: Units) -> None:
        await units.watch(seen := Seen())
        await units.start("job@bad1.service")
        await seen.until("job@bad1.service", "failed", "failed", "failed")
        assert seen.of("job@bad1.service")[1] == ("failed", "failed", "exit-code")
        assert "job@bad1.service" in [unit.name for unit in await units.list_units()]

    async def test_the_state_of_a_failed_run_says_how_it_ended(self, units: Units) -> None:
        await units.watch(seen := Seen())
        await units.start("job@bad2.service")
        await seen.until("job@bad2.service", "failed", "failed", "failed")
        state = await units.get_state("job@bad2.service")
        assert (state.unit.active_state, state.unit.sub_state) == ("failed", "failed")
        assert (state.result, state.exit_status) == ("exit-code", 7)
        assert len(bytes.fromhex(state.invocation_id)) == 16
        assert state.inactive_since is not None
        assert state.inactive_since.tzinfo is UTC

    async def test_a_unit_that_never_ran_has_no_result(self, units: Units) -> None:
        state = await units.get_state("job@never.service")
        assert (state.unit.active_state, state.result, state.exit_status) == ("inactive", "", None)
        assert (state.active_since, state.inactive_since) == (None, None)

    async def test_a_unit_without_a_file_is_unknown(self, units: Units) -> None:
        with pytest.raises(UnitUnknown):
            await units.get_state("nothing.service")
        with pytest.raises(UnitUnknown):
            await units.start("nothing.service")

    async def test_a_template_alone_is_no_units_name(self, units: Units) -> None:
        with pytest.raises(UnitNameInvalid):
            await units.get_state("job@.service")
        with pytest.raises(UnitNameInvalid):
            await units.start("job@.service")

    async def test_a_masked_unit_is_refused(self, units: Units) -> None:
        with pytest.raises(UnitRefused):
            await units.start("masked.service")

    async def test_a_manager_that_answers_passes_the_probe(self, units: Units) -> None:
        await units.probe()


@pytest.mark.real
@needs_pystemd
class TestRealSystemd:
    async def test_the_listing_has_descriptions_and_states(self, systemd: RealSystemd) -> None:
        async with asking(systemd.address) as units:
            listing = await units.list_units()
        socket = Unit(
            "dbus.socket", "D-Bus System Message Bus Socket", "loaded", "active", "running"
        )
        assert socket in listing

    async def test_a_target_has_a_state_though_it_has_no_result(self, systemd: RealSystemd) -> None:
        async with asking(systemd.address) as units:
            state = await units.get_state("fixture.target")
        assert (state.unit.active_state, state.result, state.exit_status) == ("active", "", None)
        assert state.active_since is not None

    async def test_a_unit_for_other_units_only_is_refused(self, systemd: RealSystemd) -> None:
        async with asking(systemd.address) as units:
            with pytest.raises(UnitRefused) as caught:
                await units.start("locked.service")
        assert caught.value.detail == "locked.service"

    async def test_a_lost_bus_is_found_again_by_the_next_call(
        self, systemd: RealSystemd, tmp_path: Path
    ) -> None:
        relay = Relay(tmp_path / "bus", systemd.socket)
        async with relay.serving(), asking(relay.address) as units:
            before = await units.list_units()
            await relay.cut()
            assert {unit.name for unit in before} <= {u.name for u in await units.list_units()}

    async def test_a_watch_tells_what_it_missed_while_the_bus_was_lost(
        self, systemd: RealSystemd, tmp_path: Path
    ) -> None:
        name, seen = "job@bad-unseen.service", Seen()
        relay = Relay(tmp_path / "bus", systemd.socket)
        async with asking(systemd.address) as other, asking(relay.address) as units:
            async with relay.serving():
                await units.watch(seen)
            await other.watch(others := Seen())
            await other.start(name)
            await others.until(name, "failed", "failed", "failed")
            (tmp_path / "bus").unlink(missing_ok=True)
            async with relay.serving():
                await seen.until(name, "failed", "failed", "")
        assert seen.of(name) == [("failed", "failed", "")]

    async def test_a_watch_begins_when_the_bus_comes(
        self, systemd: RealSystemd, tmp_path: Path
    ) -> None:
        relay = Relay(tmp_path / "bus", systemd.socket)
        async with asking(relay.address) as units:
            await units.watch(seen := Seen())
            async with relay.serving():
                async with asyncio.timeout(PATIENCE):
                    await relay.came.wait()
                await units.start("job@bad-late.service")
                await seen.until("job@bad-late.service", "failed", "failed", "failed")


@needs_pystemd
class TestStandIn:
    async def test_the_listing_has_every_row(self, bus: Bus, stand_in: ModuleType) -> None:
        async with asking(bus()) as units:
            listing = await units.list_units()
        found = [(unit.name, unit.active_state, unit.sub_state) for unit in listing]
        assert found == stand_in.UNITS

    async def test_a_start_asks_for_the_mode_replace(self, bus: Bus, tmp_path: Path) -> None:
        async with asking(bus()) as units:
            await units.start("ssh.service")
        assert (tmp_path / "log").read_text() == "StartUnit ssh.service replace\n"

    async def test_a_bus_without_systemd_says_so(self, bus: Bus) -> None:
        async with asking(bus(systemd=False)) as units:
            with pytest.raises(UnitsUnavailable) as caught:
                await units.list_units()
        assert "systemd is not on it" in caught.value.message

    async def test_a_unit_without_properties_is_unavailable(self, bus: Bus) -> None:
        async with asking(bus()) as units:
            with pytest.raises(UnitsUnavailable):
                await units.get_state("ssh.service")

    async def test_many_calls_at_once_each_have_their_answer(self, bus: Bus) -> None:
        async with asking(bus()) as units:
            answers = await asyncio.gather(*(units.list_units() for _ in range(50)))
        assert [len(answer) for answer in answers] == [3] * 50

    async def test_a_call_that_was_given_up_confuses_no_other(self, bus: Bus) -> None:
        async with asking(bus()) as units:
            await units.probe()
            given_up = asyncio.create_task(units.probe())
            await asyncio.sleep(0)
            given_up.cancel()
            assert len(await units.list_units()) == 3

    async def test_a_killed_child_is_started_again(self, bus: Bus) -> None:
        async with asking(bus()) as units:
            await units.probe()
            os.kill(child_of(units), signal.SIGKILL)
            async with asyncio.timeout(PATIENCE):
                assert len(await until_answered(units)) == 3

    async def test_the_end_leaves_no_process(self, bus: Bus) -> None:
        async with asking(bus()) as units:
            await units.probe()
            child = child_of(units)
        assert not Path(f"/proc/{child}").exists()
        with pytest.raises(UnitsUnavailable):
            await units.probe()

    async def test_an_end_during_the_first_call_leaves_no_process(self, bus: Bus) -> None:
        async with asking(bus()) as units:
            first = asyncio.create_task(units.probe())
            await asyncio.sleep(0)
        with pytest.raises(UnitsUnavailable):
            await first
        assert children() == []

    async def test_after_a_hang_calls_fail_at_once_and_then_recover(
        self, bus: Bus, tmp_path: Path
    ) -> None:
        relay = Relay(tmp_path / "bus")
        relay.hangs = True
        async with asking(relay.address, limit=LIMIT) as units:
            async with relay.serving():
                with pytest.raises(UnitsUnavailable):
                    await units.list_units()
            bus()
            with pytest.raises(UnitsUnavailable) as caught:
                await units.list_units()
            assert "within 0.6 s" in caught.value.message
            async with asyncio.timeout(PATIENCE):
                assert len(await until_answered(units)) == 3


@needs_pystemd
class TestBrokenBus:
    async def test_a_hung_bus_is_unavailable_within_the_limit(self, tmp_path: Path) -> None:
        relay = Relay(tmp_path / "bus")
        relay.hangs = True
        async with relay.serving(), asking(relay.address, limit=LIMIT) as units:
            begun = time.monotonic()
            with pytest.raises(UnitsUnavailable):
                await units.list_units()
            assert LIMIT <= time.monotonic() - begun < LIMIT + 2

    async def test_a_hung_bus_holds_up_nothing_else(self, tmp_path: Path) -> None:
        relay = Relay(tmp_path / "bus")
        relay.hangs = True
        async with relay.serving(), asking(relay.address) as units:
            hung = asyncio.create_task(units.list_units())
            async with asyncio.timeout(PATIENCE / 2):
                await relay.came.wait()
            assert not hung.done()
            begun = time.monotonic()
            await units.aclose()
            assert time.monotonic() - begun < PATIENCE / 2
            with pytest.raises(UnitsUnavailable):
                await hung

    async def test_a_child_that_lost_its_service_in_a_call_ends(self, tmp_path: Path) -> None:
        relay = Relay(tmp_path / "bus")
        relay.hangs = True
        async with relay.serving():
            pipe = await BusPipe.open("calls", relay.address, limit=LIMIT / 2)
            pipe.send({"id": 1, "call": "ping", "name": ""})
            async with asyncio.timeout(PATIENCE):
                with pytest.raises(ChildGone):
                    await pipe.receive()
            await pipe.close()

    async def test_a_watch_on_a_hung_bus_begins_without_it(self, tmp_path: Path) -> None:
        relay = Relay(tmp_path / "bus")
        relay.hangs = True
        async with relay.serving(), asking(relay.address, limit=LIMIT) as units:
            async with asyncio.timeout(PATIENCE):
                await units.watch(seen := Seen())
        assert seen.changes == []

    async def test_a_bus_that_closes_at_once_is_unavailable(self, tmp_path: Path) -> None:
        async with Relay(tmp_path / "bus").serving() as relay, asking(relay.address) as units:
            with pytest.raises(UnitsUnavailable) as caught:
                await units.probe()
        assert "The system bus failed" in caught.value.message

    async def test_no_socket_is_no_system_bus(self, tmp_path: Path) -> None:
        async with asking(f"unix:path={tmp_path}/none") as units:
            with pytest.raises(UnitsUnavailable) as caught:
                await units.probe()
        assert caught.value.message.startswith("There is no system bus")
        assert str(tmp_path) not in caught.value.message


async def test_without_the_driver_units_are_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pystemd", None)
    async with asking("unix:path=/nonexistent") as units:
        with pytest.raises(UnitsUnavailable) as caught:
            await units.watch(Seen())
        with pytest.raises(UnitsUnavailable):
            await units.probe()
    assert "pystemd is not installed" in caught.value.message


async def until_answered(units: Units) -> list[Unit]:
    while True:
        try:
            return await units.list_units()
        except UnitsUnavailable:
            await asyncio.sleep(0.05)


def child_of(units: SystemdUnits) -> int:
    pipe = units._calls._pipe
    assert pipe is not None
    return pipe._child.pid


def children() -> list[str]:
    """Returns the command lines of this process's children that speak to a bus."""
    tasks = Path("/proc/self/task").glob("*/children")
    pids = [pid for task in tasks for pid in task.read_text().split()]
    lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in pids]
    return [line for line in lines if "systemd_child.py" in line]
