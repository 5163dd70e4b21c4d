"""Scenes at the jig with real libudev, real uevents and the loop that the service runs on.

`test_udev.py` runs this file in a process of its own, under `umockdev-wrapper`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import uvloop

from adapters.udev import UdevEvents
from domain.devices.devices import Devices
from domain.devices.live_topology import LiveTopology, PortContents
from domain.devices.usb_ports import UsbPorts
from domain.events import Hub
from domain.host_paths import HostPaths
from tests.adapters.umockdev_bed import Testbed
from tests.fakes.board_records import FakeBoardRecords
from tests.fakes.state_rows import FakeStateRows, Written
from tests.fakes.usb import BOARD, FASTBOOT, KEYBOARD, FakePortNames

SHORT, LONG = "a0b0c0d0", "10000000a0b0c0d0"


@dataclass
class Scene:
    """The service's USB part over a test bed; its timer is far too slow to help."""

    bed: Testbed
    usb: UsbPorts
    rows: FakeStateRows
    devices: Devices

    async def tell(self, path: str, action: str = "add") -> None:
        """Sends a uevent and lets the loop read it: unread, a dozen of them fills the queue of
        umockdev's socket (net.unix.max_dgram_qlen), and it ends the process."""
        self.bed.tell(path, action)
        await asyncio.sleep(0)

    async def pull(self, path: str) -> None:
        """Pulls it out, as the kernel tells it."""
        await self.tell(path, "remove")
        self.bed.remove(path)

    async def until(self, seen: Callable[[LiveTopology], bool]) -> LiveTopology:
        """Returns the first topology like that."""
        async with asyncio.timeout(5):
            async for update in self.usb.watch():
                if seen(update.value):
                    return update.value
        raise AssertionError("the watch ended")


Play = Callable[[Scene], Awaitable[None]]


@pytest.fixture
def bed() -> Iterator[Testbed]:
    made = Testbed()
    made.bus(1, ports=2)
    made.hub("1-1", ports=7)
    yield made
    made.close()


def play(bed: Testbed, scene: Play) -> None:
    """Plays a scene from the first scan on."""

    async def playing() -> None:
        hub, rows = Hub(), FakeStateRows()
        devices = Devices(hub, rows)
        usb = UsbPorts(
            hub,
            HostPaths(),
            devices,
            FakeBoardRecords(),
            names=FakePortNames(),
            events=UdevEvents(),
            clock=lambda: datetime.now(UTC),
        )
        works: list[Callable[[], Coroutine[Any, Any, None]]] = [
            usb.scanning.run,
            usb.follow_rows,
            usb.follow_events,
        ]
        tasks = [asyncio.create_task(work()) for work in works]
        await usb.rescan()
        await usb.rescan()
        await scene(Scene(bed, usb, rows, devices))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(playing())


def contents(topology: LiveTopology, port: str) -> PortContents:
    return topology.ports[port].contents


def test_a_board_is_plugged_in_and_pulled_out(bed: Testbed) -> None:
    async def scene(on: Scene) -> None:
        on.bed.plug("1-1.2", **BOARD, serial=SHORT)
        await on.tell("1-1.2")
        told = await on.until(lambda t: contents(t, "1-1.2") is PortContents.BOARD)
        assert told.nodes["1-1.2"].node.usb.serial == SHORT
        await on.pull("1-1.2")
        await on.until(lambda t: contents(t, "1-1.2") is PortContents.EMPTY)
        assert on.usb.empty_since("1-1.2") is not None

    play(bed, scene)


def test_a_hub_with_seven_boards_is_plugged_in(bed: Testbed) -> None:
    async def scene(on: Scene) -> None:
        on.bed.hub("1-2", ports=7)
        await on.tell("1-2")
        for port in range(1, 8):
            on.bed.plug(f"1-2.{port}", **BOARD, serial=f"a0b0c0d{port}")
            await on.tell(f"1-2.{port}")
        boards = [f"1-2.{port}" for port in range(1, 8)]
        told = await on.until(
            lambda t: (
                all(port in t.nodes for port in boards)
                and all(contents(t, port) is PortContents.BOARD for port in boards)
            )
        )
        assert {told.ports[port].hub_id for port in boards} == {"1-2"}

    play(bed, scene)


def test_two_controllers_each_have_their_ports(bed: Testbed) -> None:
    bed.bus(2, ports=1, speed=5000)
    bed.bus(3, ports=2)
    bed.bus(4, ports=1, speed=5000)

    async def scene(on: Scene) -> None:
        on.bed.hub("3-1", ports=2)
        on.bed.hub("4-1", ports=2, speed=5000)
        on.bed.plug("3-1.1", **FASTBOOT, serial=LONG)
        on.bed.plug("1-2", **KEYBOARD)
        await on.tell("3-1")
        told = await on.until(lambda t: "3-1.1" in t.ports and "1-2" in t.nodes)
        pairs = [(pair.usb2_bus, pair.usb3_bus) for pair in told.companions]
        assert pairs == [(1, 2), (3, 4)]
        assert (told.ports["3-1"].usb3_path, told.ports["3-1.1"].usb3_path) == ("4-1", "4-1.1")
        assert contents(told, "1-2") is PortContents.OTHER
        assert contents(told, "3-1.1") is PortContents.BOARD

    play(bed, scene)


def test_a_board_goes_to_fastboot_and_keeps_its_state(bed: Testbed) -> None:
    async def scene(on: Scene) -> None:
        on.bed.plug("1-1.3", **BOARD, serial=SHORT)
        await on.tell("1-1.3")
        await on.until(lambda t: contents(t, "1-1.3") is PortContents.BOARD)
        on.rows.write(Written(SHORT, "1-1.3", "BOOTSTRAP-FINISHED", board_type="18"))
        await on.devices.catch_up()
        await on.pull("1-1.3")
        on.bed.plug("1-1.3", **FASTBOOT, serial=LONG)
        await on.tell("1-1.3")
        told = await on.until(lambda t: t.nodes["1-1.3"].node.usb.serial == LONG)
        assert told.nodes["1-1.3"].facts.state == "BOOTSTRAP-FINISHED"
        assert told.nodes["1-1.3"].facts.generation == 5
        assert on.usb.plugged()["1-1.3"].serial == LONG

    play(bed, scene)


def test_a_burst_of_events_leads_to_few_scans_and_none_is_lost(bed: Testbed) -> None:
    async def scene(on: Scene) -> None:
        before = on.usb.scanning.count
        for _ in range(400):
            await on.tell("1-1", "change")
        on.bed.plug("1-1.7", **BOARD)
        await on.tell("1-1.7")
        await on.until(lambda t: contents(t, "1-1.7") is PortContents.BOARD)
        assert on.usb.scanning.count - before <= 8

    play(bed, scene)


def test_what_is_plugged_in_during_a_scan_is_seen_by_the_next(bed: Testbed) -> None:
    async def scene(on: Scene) -> None:
        for port in (1, 2, 3, 4, 5, 6, 7):
            on.bed.plug(f"1-1.{port}", **BOARD, serial=f"a0b0c0d{port}")
            await on.tell(f"1-1.{port}")
            await asyncio.sleep(0.005 * port)
        await on.until(lambda t: len([p for p in t.ports.values() if p.occupant]) == 8)

    play(bed, scene)


def test_events_are_heard_again_after_the_watch_was_opened_anew(bed: Testbed) -> None:
    async def scene(on: Scene) -> None:
        heard, events = 0, UdevEvents()
        for _ in range(2):
            changes = events.changes()
            await asyncio.wait_for(anext(changes), 5)
            await on.tell("1-1", "change")
            await asyncio.wait_for(anext(changes), 5)
            heard += 1
            await changes.aclose()
        await events.probe()
        assert heard == 2

    play(bed, scene)
