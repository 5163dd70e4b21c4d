"""A log that is followed: its end, then every new line, whatever happens to the file."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from domain.devices.devices import Devices
from domain.devices.log_files import LogKind
from domain.devices.log_following import MOST_BEHIND, LogUpdate
from domain.devices.logs import DeviceLogs
from domain.devices.names import DeviceNames
from domain.events import Hub
from domain.host_paths import HostPaths
from tests.fakes.presence import FakePresence
from tests.fakes.state_rows import FakeStateRows, Written

LONG, SHORT, NODE = "10000000a0b0c0d0", "a0b0c0d0", "/dev/bus/usb/001/004"
LOGS = "/var/log/rpi-sb-provisioner"
Frames = AsyncGenerator[LogUpdate, None]


class Station:
    """A log folder below a root, and a feature that looks often."""

    def __init__(self, root: Path) -> None:
        self.folder = root / LOGS.lstrip("/")
        self.rows, hub = FakeStateRows(), Hub()
        self.devices = Devices(hub, self.rows)
        self.logs = DeviceLogs(
            HostPaths(root), hub, DeviceNames(self.devices, FakePresence()), poll=0.01
        )
        self.file = self.folder / LONG / "triage.log"
        self.file.parent.mkdir(parents=True)

    def append(self, text: str, file: Path | None = None) -> None:
        with (file or self.file).open("a") as log:
            log.write(text)

    def follow(self, identifier: str = LONG, kind: LogKind = LogKind.TRIAGE) -> Frames:
        return self.logs.follow(identifier, kind, lines=100)


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


async def next_of(frames: Frames) -> tuple[bool, list[str]]:
    frame = await asyncio.wait_for(anext(frames), 5)
    return frame.snapshot, [line.text for line in frame.lines]


async def test_the_end_comes_first_then_new_lines(station: Station) -> None:
    station.append("one\ntwo\n")
    async with aclosing(station.follow()) as frames:
        assert await next_of(frames) == (True, ["one", "two"])
        station.append("three\n")
        assert await next_of(frames) == (False, ["three"])


async def test_a_log_that_begins_later_is_waited_for(station: Station) -> None:
    async with aclosing(station.follow()) as frames:
        first = await asyncio.wait_for(anext(frames), 5)
        station.append("one\n")
        assert (first.snapshot, first.log, first.lines) == (True, None, ())
        assert await next_of(frames) == (True, ["one"])


async def test_half_a_line_is_shown_when_nobody_finishes_it(station: Station) -> None:
    station.append("one\nhal")
    async with aclosing(station.follow()) as frames:
        assert await next_of(frames) == (True, ["one"])
        half = await asyncio.wait_for(anext(frames), 5)
        station.append("f\n")
        assert [(line.text, line.continues) for line in half.lines] == [("hal", True)]
        assert await next_of(frames) == (False, ["f"])


async def test_a_truncated_log_is_shown_anew(station: Station) -> None:
    station.append("one\ntwo\n")
    async with aclosing(station.follow()) as frames:
        await next_of(frames)
        station.file.write_text("new\n")
        assert await next_of(frames) == (True, ["new"])


async def test_a_truncated_log_that_grew_past_the_place_is_shown_anew(station: Station) -> None:
    station.append("one\ntwo\n")
    async with aclosing(station.follow()) as frames:
        await next_of(frames)
        station.file.write_text("other\nlines\nand more of them\n")
        assert await next_of(frames) == (True, ["other", "lines", "and more of them"])


async def test_a_replaced_log_is_shown_anew(station: Station) -> None:
    station.append("one\n")
    async with aclosing(station.follow()) as frames:
        await next_of(frames)
        new = station.file.with_name("new")
        new.write_text("one\ntwo\n")
        new.replace(station.file)
        assert await next_of(frames) == (True, ["one", "two"])


async def test_a_bootstrap_log_is_followed_through_all_its_moves(station: Station) -> None:
    early = station.folder / f"early{NODE}" / "bootstrap.log"
    early.parent.mkdir(parents=True)
    station.append("one\n", early)
    short, link = station.folder / SHORT, station.folder / "1-1.2" / "bootstrap.log"
    for folder in (short, link.parent):
        folder.mkdir()
        (folder / "bootstrap.log").symlink_to(f"{LOGS}/early{NODE}/bootstrap.log")
    station.rows.write(Written(SHORT, "1-1.2"))
    async with aclosing(station.follow("1-1.2", LogKind.BOOTSTRAP)) as frames:
        assert await next_of(frames) == (True, ["one"])
        # Bootstrap ends: the real file takes the place of the board's link.
        early.replace(short / "bootstrap.log")
        link.unlink()
        link.symlink_to(f"{LOGS}/{SHORT}/bootstrap.log")
        station.append("two\n", short / "bootstrap.log")
        assert await next_of(frames) == (False, ["two"])
        # Triage begins: everything is copied to the long serial's folder.
        moved = station.folder / LONG / "bootstrap.log"
        moved.write_text("one\ntwo\n")
        (short / "bootstrap.log").unlink()
        station.rows.write(Written(LONG, "1-1.2", "TRIAGE-STARTED"))
        await station.devices.catch_up()
        assert await next_of(frames) == (True, ["one", "two"])


async def test_who_is_far_behind_is_shown_the_end(station: Station) -> None:
    station.append("one\n")
    async with aclosing(station.follow()) as frames:
        await next_of(frames)
        station.append("x" * 99 + "\n" * 1)
        station.append(("y" * 99 + "\n") * (MOST_BEHIND // 100 + 100))
        snapshot, lines = await next_of(frames)
    assert (snapshot, len(lines)) == (True, 100)


async def test_much_at_once_comes_in_bounded_frames(station: Station) -> None:
    station.append("one\n")
    async with aclosing(station.follow()) as frames:
        await next_of(frames)
        station.append("".join(f"{n}\n" for n in range(1200)))
        seen: list[str] = []
        while len(seen) < 1200:
            snapshot, lines = await next_of(frames)
            assert not snapshot
            assert len(lines) <= 500
            seen += lines
    assert seen == [str(n) for n in range(1200)]


async def test_a_follower_that_stops_reading_holds_up_nobody(station: Station) -> None:
    station.append("one\n")
    async with aclosing(station.follow()) as idle, aclosing(station.follow()) as frames:
        await next_of(idle)
        await next_of(frames)
        for number in range(20):
            station.append(f"{number}\n")
            assert await next_of(frames) == (False, [str(number)])
        assert await next_of(idle) == (False, [str(n) for n in range(20)])


async def test_following_leaves_no_file_open(station: Station) -> None:
    station.append("one\n")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        async with aclosing(station.follow()) as frames:
            await next_of(frames)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1
