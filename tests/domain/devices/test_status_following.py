"""Following: events of all kinds lead to judgements, and watchers see them in order."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.devices.devices import DevicesChanged
from domain.devices.explanations import LOOK_SECONDS
from domain.devices.status import GRACE, Cause, Status
from domain.devices.status_following import DeviceFrame, StatusFollower, watch_devices
from domain.devices.statuses import DeviceStatusChanged
from domain.events import Event, Published, Update
from domain.manufacturing.board_records import RecordsChanged
from domain.services.units import UnitChanged
from tests.fakes.judging import KEY, NOW, PORT, SERIAL, JudgedStation

PATIENCE = 5.0
PROVISIONER = f"rpi-sb-provisioner@{SERIAL}.service"
WAY = ("BOOTSTRAP-STARTED", "BOOTSTRAP-FINISHED", "TRIAGE-STARTED", "TRIAGE-FINISHED")
STARTED, FINISHED = "SB-PROVISIONER-STARTED", "SB-PROVISIONER-FINISHED"
OTHER = "10000000ffffffff"
Frames = AsyncGenerator[Update[DeviceFrame], None]


@dataclass(frozen=True, slots=True)
class Moved(Event):
    """Something was plugged in or out."""


@pytest.fixture
def station(tmp_path: Path) -> JudgedStation:
    made = JudgedStation(tmp_path)
    made.presence.plug(PORT, SERIAL)
    made.start_unit(PROVISIONER)
    made.write(*WAY, STARTED)
    return made


@asynccontextmanager
async def following(station: JudgedStation) -> AsyncIterator[Frames]:
    """Runs the follower, and yields what a watcher of all boards sees."""
    follower = StatusFollower(
        station.hub, station.statuses, station.witnesses, places=(Moved,), clock=station.clock
    )
    task = asyncio.ensure_future(follower.run())
    frames = watch_devices(station.hub, station.statuses)
    try:
        yield frames
    finally:
        await frames.aclose()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await station.statuses.aclose()


async def until(frames: Frames, status: Status) -> Update[DeviceFrame]:
    """Returns the first frame in which the board stands so."""
    async with asyncio.timeout(PATIENCE):
        async for update in frames:
            if any(view.verdict.status is status for view in update.value.views):
                return update
    raise AssertionError(status)


async def caught_up(station: JudgedStation) -> None:
    await station.devices.catch_up()


async def test_the_present_comes_first(station: JudgedStation) -> None:
    async with following(station) as frames:
        first = await until(frames, Status.ACTIVE)
    assert (first.snapshot, [view.device.key for view in first.value.views]) == (True, [KEY])


async def test_a_unit_that_fails_is_seen_at_once(station: JudgedStation) -> None:
    async with following(station) as frames:
        first = await until(frames, Status.ACTIVE)
        await station.units.watch(station.hub.publish)
        station.end_unit(PROVISIONER, result="exit-code", status=7)
        failed = await until(frames, Status.FAILED)
    (view,) = failed.value.views
    assert (view.verdict.cause, view.verdict.reason) == (
        Cause.UNIT_FAILED,
        f"{PROVISIONER} failed: exit-code 7.",
    )
    assert (failed.snapshot, failed.sequence > first.sequence) == (False, True)


async def test_a_row_and_the_end_of_the_unit_complete_the_board(station: JudgedStation) -> None:
    async with following(station) as frames:
        await until(frames, Status.ACTIVE)
        await station.units.watch(station.hub.publish)
        station.records.add(SERIAL, secure=True, at=NOW)
        station.write(FINISHED)
        await caught_up(station)
        station.end_unit(PROVISIONER)
        await until(frames, Status.COMPLETE)


async def test_a_row_that_comes_with_the_end_of_its_unit_is_read(station: JudgedStation) -> None:
    async with following(station) as frames:
        await until(frames, Status.ACTIVE)
        station.write("SB-PROVISIONER-ABORTED")
        station.hub.publish(UnitChanged(PROVISIONER, "inactive", "dead", "success"))
        update = await until(frames, Status.FAILED)
    assert update.value.views[0].verdict.cause is Cause.ABORTED


async def test_a_board_that_is_pulled_out_stalls_when_its_grace_is_over(
    station: JudgedStation,
) -> None:
    async with following(station) as frames:
        await until(frames, Status.ACTIVE)
        station.presence.unplug(PORT)
        station.hub.publish(Moved())
        await until(frames, Status.ACTIVE)
        station.clock.seconds += GRACE
        station.hub.publish(DevicesChanged(frozenset()))
        update = await until(frames, Status.STALLED)
    assert update.value.views[0].verdict.cause is Cause.BOARD_GONE


async def test_a_record_that_denies_secure_boot_is_heard(station: JudgedStation) -> None:
    async with following(station) as frames:
        station.write(FINISHED)
        station.end_unit(PROVISIONER)
        await until(frames, Status.COMPLETE)
        station.records.add(SERIAL, secure=False, at=NOW)
        station.hub.publish(RecordsChanged(frozenset({KEY})))
        update = await until(frames, Status.FAILED)
    assert update.value.views[0].verdict.cause is Cause.NOT_SECURE


async def test_a_reason_that_comes_late_is_told(station: JudgedStation) -> None:
    async with following(station) as frames:
        await until(frames, Status.ACTIVE)
        station.write("SB-PROVISIONER-ABORTED")
        await caught_up(station)
        (view,) = (await until(frames, Status.FAILED)).value.views
        await station.statuses.settle()
        await station.statuses.explain(view)
        with station.hub.subscribe(DeviceStatusChanged) as told:
            station.log(f"{SERIAL}/provisioner.log", b"ERROR: no such eeprom\n")
            station.clock.seconds += LOOK_SECONDS
            station.hub.publish(Moved())
            async with asyncio.timeout(PATIENCE):
                news = await told.next()
    assert isinstance(news, Published)
    assert news.event == DeviceStatusChanged(frozenset({KEY}))


@pytest.mark.parametrize(
    ("serial", "port", "count"), [(KEY, None, 1), ("ffffffff", None, 0), (None, "1-9", 0)]
)
async def test_a_watcher_of_one_board_sees_that_one(
    station: JudgedStation, serial: str | None, port: str | None, count: int
) -> None:
    frames = watch_devices(station.hub, station.statuses, serial=serial, port=port)
    first = await anext(frames)
    await frames.aclose()
    assert len(first.value.views) == count


async def test_a_port_shows_the_board_in_it_else_the_one_that_was_there_last(
    station: JudgedStation,
) -> None:
    station.write("BOOTSTRAP-STARTED")
    station.write("BOOTSTRAP-STARTED", serial="10000000ffffffff")
    frames = watch_devices(station.hub, station.statuses, port=PORT)
    first = await anext(frames)
    await frames.aclose()
    assert [view.device.key for view in first.value.views] == [KEY]
    station.presence.unplug(PORT)
    frames = watch_devices(station.hub, station.statuses, port=PORT)
    first = await anext(frames)
    await frames.aclose()
    assert [view.device.key for view in first.value.views] == ["ffffffff"]


@asynccontextmanager
async def port_frames(station: JudgedStation, serial: str | None = None) -> AsyncIterator[Frames]:
    """Yields what a watcher of the port sees."""
    frames = watch_devices(station.hub, station.statuses, serial=serial, port=PORT, places=(Moved,))
    try:
        yield frames
    finally:
        await frames.aclose()


async def told(frames: Frames) -> tuple[bool, list[str], list[str]]:
    """Returns what the next frame says: whether it is a snapshot, which boards, which are gone."""
    async with asyncio.timeout(PATIENCE):
        update = await anext(frames)
    return update.snapshot, [view.device.key for view in update.value.views], update.value.gone


async def test_a_board_that_another_one_replaces_is_withdrawn_from_the_port(
    station: JudgedStation,
) -> None:
    async with port_frames(station) as frames:
        first = await told(frames)
        station.presence.plug(PORT, OTHER)
        station.hub.publish(Moved())
        nobody = await told(frames)
        station.write("BOOTSTRAP-STARTED", serial=OTHER)
        await station.statuses.ready()
        other = await told(frames)
        station.write("BOOTSTRAP-FINISHED", serial=OTHER)
        await station.statuses.ready()
        later = await told(frames)
    assert (first, nobody) == ((True, [KEY], []), (True, [], []))
    assert (other, later) == ((True, [OTHER[8:]], []), (False, [OTHER[8:]], []))


async def test_what_moves_elsewhere_is_not_told_to_a_port(station: JudgedStation) -> None:
    async with port_frames(station) as frames:
        await told(frames)
        station.presence.plug("1-1.4", OTHER)
        station.hub.publish(Moved())
        station.write("BOOTSTRAP-STARTED", serial=OTHER, port="1-1.4")
        station.write("SB-PROVISIONER-ABORTED")
        await station.statuses.ready()
        assert await told(frames) == (False, [KEY], [])


async def test_only_the_last_board_of_an_empty_port_is_told(station: JudgedStation) -> None:
    station.presence.unplug(PORT)
    station.write("BOOTSTRAP-STARTED", serial=OTHER)
    async with port_frames(station) as frames:
        await told(frames)
        station.write("SB-PROVISIONER-ABORTED")
        station.write("BOOTSTRAP-FINISHED", serial=OTHER)
        await station.statuses.ready()
        assert await told(frames) == (False, [OTHER[8:]], [])


async def test_a_watcher_of_a_board_in_a_port_sees_no_other_one(station: JudgedStation) -> None:
    async with port_frames(station, SERIAL) as frames:
        first = await told(frames)
        station.presence.plug(PORT, OTHER)
        station.write("BOOTSTRAP-STARTED", serial=OTHER)
        await station.statuses.ready()
        assert [first, await told(frames)] == [(True, [KEY], []), (True, [], [])]


async def test_frames_of_a_port_are_known_by_the_events_that_it_follows(
    station: JudgedStation,
) -> None:
    async with port_frames(station) as frames, port_frames(station) as later:
        sequences = [(await anext(frames)).sequence]
        station.presence.plug(PORT, OTHER)
        station.hub.publish(Moved())
        sequences.append((await anext(frames)).sequence)
        station.hub.publish(RecordsChanged(frozenset()))
        newcomer = await anext(later)
    assert sequences == sorted(set(sequences))
    assert (newcomer.sequence, newcomer.value.views) == (sequences[-1], [])


async def test_a_nameless_board_is_told_to_be_gone_when_it_has_a_name(tmp_path: Path) -> None:
    station = JudgedStation(tmp_path)
    station.write("BOOTSTRAP-STARTED", serial="")
    frames = watch_devices(station.hub, station.statuses)
    first = await anext(frames)
    station.write("BOOTSTRAP-FINISHED", serial=KEY)
    await station.statuses.ready()
    update = await anext(frames)
    await frames.aclose()
    assert [view.device.key for view in first.value.views] == [f"port:{PORT}"]
    assert [view.device.key for view in update.value.views] == [KEY]
    assert update.value.gone == [f"port:{PORT}"]


async def test_a_watcher_that_is_too_slow_gets_everything_anew(station: JudgedStation) -> None:
    frames = watch_devices(station.hub, station.statuses)
    await anext(frames)
    for _ in range(300):
        station.hub.publish(DeviceStatusChanged(frozenset({KEY})))
    update = await anext(frames)
    await frames.aclose()
    assert update.snapshot


async def test_another_database_is_a_new_snapshot(station: JudgedStation) -> None:
    frames = watch_devices(station.hub, station.statuses)
    await anext(frames)
    station.rows.replace()
    await station.statuses.ready()
    update = await anext(frames)
    await frames.aclose()
    assert (update.snapshot, update.value.views) == (True, [])
