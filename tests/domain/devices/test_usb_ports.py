"""The USB ports of the station: what is told of them, when, and to whom."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.devices.devices import Devices
from domain.devices.live_topology import PortContents, TopologyChange
from domain.devices.port_names import PortNameInvalid, PortNameTaken, PortNotFound
from domain.devices.presence import Presence
from domain.devices.states import StateDatabaseNotRead
from domain.devices.usb_ports import UsbPorts
from domain.devices.usb_tree import UsbTreeUnreadable
from domain.errors import Unavailable
from domain.events import Hub, Update
from domain.manufacturing.board_records import RecordsChanged
from tests.fakes.board_records import FakeBoardRecords
from tests.fakes.state_rows import FakeStateRows, Written
from tests.fakes.usb import BOARD, FASTBOOT, KEYBOARD, FakePortNames, FakeUsbEvents, Sysfs

SHORT, LONG = "a0b0c0d0", "10000000a0b0c0d0"
START = datetime(2026, 8, 1, 10, tzinfo=UTC)


@dataclass
class Jig:
    """A station with one hub, and everything that its ports stand on."""

    sysfs: Sysfs
    rows: FakeStateRows
    devices: Devices
    records: FakeBoardRecords
    names: FakePortNames
    events: FakeUsbEvents
    hub: Hub
    now: datetime = START

    def __post_init__(self) -> None:
        self.usb = UsbPorts(
            self.hub,
            self.sysfs.paths,
            self.devices,
            self.records,
            names=self.names,
            events=self.events,
            clock=lambda: self.now,
        )

    async def write(self, serial: str, endpoint: str, state: str, *, at: datetime) -> None:
        """Writes a row as the scripts do, and has it read."""
        self.rows.write(Written(serial, endpoint, state, ts=f"{at:%Y-%m-%d %H:%M:%S}"))
        await self.devices.catch_up()

    async def look(self, *, seconds: float = 10) -> None:
        """Scans once more, so much later."""
        self.now += timedelta(seconds=seconds)
        await self.usb.rescan()

    def state(self, port: str) -> str:
        return self.usb.current.nodes[port].facts.state

    async def next(self, updates: AsyncIterator[Update[TopologyChange]]) -> Update[TopologyChange]:
        return await asyncio.wait_for(anext(updates), 5)


@pytest.fixture
async def jig(tmp_path: Path) -> AsyncIterator[Jig]:
    sysfs = Sysfs(tmp_path)
    sysfs.bus(1, ports=2)
    sysfs.hub("1-1", ports=4)
    sysfs.plug("1-2", **KEYBOARD)
    hub, rows = Hub(), FakeStateRows()
    made = Jig(
        sysfs, rows, Devices(hub, rows), FakeBoardRecords(), FakePortNames(), FakeUsbEvents(), hub
    )
    works = (made.usb.scanning.run, made.usb.follow_rows, made.usb.follow_events)
    tasks = [asyncio.create_task(work()) for work in works]
    yield made
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_boards_are_told_apart_from_strangers(jig: Jig) -> None:
    jig.sysfs.plug("1-1.2", **BOARD, serial=SHORT)
    topology = await jig.usb.rescan()
    contents = {id: port.contents for id, port in topology.ports.items()}
    assert contents == {
        "1-1": PortContents.HUB,
        "1-1.1": PortContents.EMPTY,
        "1-1.2": PortContents.BOARD,
        "1-1.3": PortContents.EMPTY,
        "1-1.4": PortContents.EMPTY,
        "1-2": PortContents.OTHER,
    }


async def test_it_is_a_presence(jig: Jig) -> None:
    presence: Presence = jig.usb
    await jig.usb.view()
    await jig.look()
    jig.sysfs.plug("1-1.2", **BOARD, serial=SHORT)
    await jig.look()
    plugged = presence.plugged()
    assert presence.available
    assert (plugged["1-1.2"].serial, plugged["1-1.2"].since) == (SHORT, jig.now)
    assert (plugged["1-2"].target, plugged["1-2"].since) == (False, None)
    assert presence.empty_since("1-1.2") == jig.now - timedelta(seconds=10)
    assert presence.empty_since("1-2") is None


async def test_an_event_leads_to_a_change_of_only_what_changed(jig: Jig) -> None:
    updates = jig.usb.watch_changes()
    first = await jig.next(updates)
    jig.sysfs.plug("1-1.2", **BOARD, serial=SHORT)
    jig.events.tell()
    then = await jig.next(updates)
    assert (first.snapshot, len(first.value.nodes)) == (True, 7)
    assert (then.snapshot, [node.id for node in then.value.nodes]) == (False, ["1-1.2"])
    assert [port.id for port in then.value.ports] == ["1-1.2"]
    assert (then.value.patterns, then.value.companions, then.value.problem) == (None, None, None)
    assert then.sequence > first.sequence


async def test_what_goes_with_its_hub_is_removed(jig: Jig) -> None:
    updates = jig.usb.watch_changes()
    await jig.next(updates)
    jig.sysfs.pull("1-1")
    jig.events.tell()
    change = (await jig.next(updates)).value
    gone = ("1-1.1", "1-1.2", "1-1.3", "1-1.4")
    assert (change.removed_nodes, change.removed_ports) == (gone, gone)
    assert [port.contents for port in change.ports] == [PortContents.EMPTY]


async def test_a_row_is_told_without_a_scan(jig: Jig) -> None:
    jig.sysfs.plug("1-1.2", **BOARD, serial=SHORT)
    await jig.look()
    updates = jig.usb.watch_changes()
    await jig.next(updates)
    await jig.write(SHORT, "1-1.2", "BOOTSTRAP-STARTED", at=jig.now)
    change = (await jig.next(updates)).value
    assert [(node.id, node.facts.state) for node in change.nodes] == [
        ("1-1.2", "BOOTSTRAP-STARTED")
    ]


async def test_a_logged_address_is_told_by_the_look_that_finds_the_board(jig: Jig) -> None:
    log = jig.sysfs.paths.real(f"{jig.sysfs.paths.logs}/{LONG}") / "triage.log"
    log.parent.mkdir(parents=True)
    log.write_text('Running command: "fastboot -s tcp:10.0.0.9 getvar version"\n')
    written = (START + timedelta(minutes=1)).timestamp()
    os.utime(log, (written, written))
    jig.sysfs.plug("1-1.2", **FASTBOOT, serial=LONG)
    await jig.look()
    assert jig.usb.current.nodes["1-1.2"].facts.ip_address == "10.0.0.9"


async def test_looking_again_without_any_difference_tells_nothing(jig: Jig) -> None:
    await jig.look()
    before = jig.hub.sequence
    await jig.look()
    assert jig.hub.sequence == before
    assert jig.usb.current.scanned_at == jig.now


async def test_a_board_keeps_its_state_on_its_way_to_fastboot(jig: Jig) -> None:
    jig.sysfs.plug("1-1.2", **BOARD, serial=SHORT)
    await jig.look()
    await jig.write(SHORT, "1-1.2", "BOOTSTRAP-FINISHED", at=jig.now)
    jig.sysfs.pull("1-1.2")
    await jig.look()
    jig.sysfs.plug("1-1.2", **FASTBOOT, serial=LONG)
    await jig.look()
    assert jig.state("1-1.2") == "BOOTSTRAP-FINISHED"


async def test_a_new_nameless_board_does_not_inherit_the_state_of_the_last_one(jig: Jig) -> None:
    jig.sysfs.plug("1-1.2", **BOARD)
    await jig.look()
    await jig.write("/dev/bus/usb/001/004", "1-1.2", "BOOTSTRAP-ABORTED", at=jig.now)
    await jig.look(seconds=0)
    told = jig.state("1-1.2")
    jig.sysfs.pull("1-1.2")
    await jig.look()
    jig.sysfs.plug("1-1.2", **BOARD)
    await jig.look()
    assert (told, jig.state("1-1.2")) == ("BOOTSTRAP-ABORTED", "")


async def test_nameless_rows_from_before_the_start_tell_nothing(jig: Jig) -> None:
    jig.sysfs.plug("1-1.2", **BOARD)
    await jig.write("", "1-1.2", "BOOTSTRAP-STARTED", at=START - timedelta(minutes=1))
    await jig.look()
    assert jig.state("1-1.2") == ""


async def test_another_state_database_is_joined_anew(jig: Jig) -> None:
    jig.sysfs.plug("1-1.2", **BOARD)
    for _ in range(3):
        await jig.write("", "1-1.2", "BOOTSTRAP-STARTED", at=START)
    await jig.look(seconds=0)
    jig.rows.replace(Written("", "1-1.2", "BOOTSTRAP-FINISHED", ts=f"{START:%Y-%m-%d %H:%M:%S}"))
    await jig.devices.catch_up()
    await jig.look(seconds=0)
    assert jig.state("1-1.2") == "BOOTSTRAP-FINISHED"


async def test_a_record_is_joined_when_it_is_told(jig: Jig) -> None:
    jig.sysfs.plug("1-1.2", **FASTBOOT, serial=LONG)
    await jig.look()
    updates = jig.usb.watch_changes()
    await jig.next(updates)
    jig.records.add(LONG, boardname="CM5", image="done.img")
    jig.hub.publish(RecordsChanged(frozenset()))
    facts = (await jig.next(updates)).value.nodes[0].facts
    assert (facts.model, facts.image, facts.generation) == ("CM5", "done.img", 5)


async def test_databases_that_fail_leave_usb_as_it_is(jig: Jig) -> None:
    jig.rows.failure = StateDatabaseNotRead("locked")
    jig.records.failure = StateDatabaseNotRead("locked")
    jig.sysfs.plug("1-1.2", **BOARD, serial=SHORT)
    topology = await jig.usb.rescan()
    assert topology.ports["1-1.2"].contents is PortContents.BOARD


async def test_rules_are_told_and_decide_for_the_path_in_use(jig: Jig) -> None:
    updates = jig.usb.watch_changes()
    await jig.next(updates)
    jig.sysfs.rules("jig.conf", "1-1.1\n")
    jig.events.tell()
    change = (await jig.next(updates)).value
    assert change.patterns == ("1-1.1",)
    permitted = {id for id, port in jig.usb.current.ports.items() if port.is_permitted}
    assert permitted == {"1-1.1"}
    assert (await jig.usb.permission("1-1.1")).pattern == "1-1.1"


async def test_a_tree_that_cannot_be_read_any_more_leaves_what_was_seen(jig: Jig) -> None:
    await jig.usb.view()
    moved = jig.sysfs.links.rename(jig.sysfs.links.with_name("away"))
    with pytest.raises(UsbTreeUnreadable):
        await jig.usb.rescan()
    during = (jig.usb.available, len(jig.usb.current.nodes), bool(jig.usb.current.problem))
    moved.rename(jig.sysfs.links)
    await jig.usb.rescan()
    assert during == (False, 7, True)
    assert (jig.usb.available, jig.usb.current.problem) == (True, "")


async def test_without_events_the_part_says_so_and_goes_on(jig: Jig) -> None:
    await jig.usb.probe()
    jig.events.failure = Unavailable("no events")
    with pytest.raises(Unavailable, match="no events"):
        await jig.usb.probe()
    assert (await jig.usb.rescan()).problem == ""


async def test_a_port_has_a_name_by_either_path_until_it_is_taken_away(jig: Jig) -> None:
    jig.sysfs.bus(2, ports=1, speed=5000)
    await jig.look()
    named = await jig.usb.name("2-1", "  Head\u2009 A ")
    assert (named.id, named.name) == ("1-1", "Head A")
    assert jig.usb.current.ports["1-1"].name == "Head A"
    assert (await jig.usb.name("1-1", " ")).name is None
    assert jig.usb.current.ports["1-1"].name is None


async def test_names_are_refused_with_the_reason(jig: Jig) -> None:
    await jig.usb.name("1-1.1", "Head A")
    for port, name, error in (
        ("1-1.2", "head a", PortNameTaken),
        ("1-1.2", "x" * 41, PortNameInvalid),
        ("1-1.2", "a\x07b", PortNameInvalid),
        ("9-9", "Head B", PortNotFound),
        ("9-9", "", PortNotFound),
    ):
        with pytest.raises(error):
            await jig.usb.name(port, name)
    assert (await jig.usb.name("1-1.1", "HEAD A")).name == "HEAD A"


async def test_a_port_whose_hub_was_taken_away_can_lose_its_name(jig: Jig) -> None:
    await jig.usb.name("1-1.1", "Head A")
    jig.sysfs.pull("1-1")
    await jig.look()
    named = await jig.usb.name("1-1.1", "")
    assert (named.port, await jig.names.all()) == (None, {})


async def test_names_are_there_after_a_start(jig: Jig) -> None:
    await jig.names.set("1-2", "Keyboard")
    await jig.usb.view()
    await jig.usb.load_names()
    assert jig.usb.current.ports["1-2"].name == "Keyboard"
    assert (await jig.usb.port("1-2")).name == "Keyboard"


async def test_a_watcher_of_the_whole_sees_the_newest_only(jig: Jig) -> None:
    updates = jig.usb.watch()
    await asyncio.wait_for(anext(updates), 5)
    for port in ("1-1.1", "1-1.2", "1-1.3"):
        jig.sysfs.plug(port, **BOARD)
        await jig.usb.rescan()
    update = await asyncio.wait_for(anext(updates), 5)
    assert update.value is jig.usb.current
