"""Flags: the file that bootstrap finds in every phase, who set it, and what became of it."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from domain.caller import Caller, Role
from domain.devices.devices import Devices, SerialMissing
from domain.devices.flag_files import FlagFolderNotMade, FlagNotRemoved, FlagNotWritten
from domain.devices.flag_kinds import (
    FlagKind,
    FlagMissing,
    FlagMode,
    FlagModeUnknown,
    FlagUnknown,
    flag_order,
    warning_for,
)
from domain.devices.flag_states import Flag
from domain.devices.flags import ORDER, Flags, SerialNotResolved
from domain.devices.names import DeviceNames
from domain.errors import ProvisionerError, Unavailable
from domain.events import Hub
from domain.host_paths import HostPaths
from domain.paging import page_request
from tests.fakes.device_files import Accesses, FakeFlagNotes
from tests.fakes.presence import FakePresence
from tests.fakes.state_rows import FakeStateRows, Written

LONG, SHORT = "10000000a0b0c0d0", "a0b0c0d0"
SKIP, AGAIN = FlagKind.SKIP_EEPROM, FlagKind.REPROVISION_DEVICE
ONCE, KEPT, OFF = FlagMode.ONCE, FlagMode.PERSISTENT, FlagMode.OFF
ETC = "/etc/rpi-sb-provisioner"
ANNA = Caller("anna", Role.OPERATOR, "127.0.0.1", "127.0.0.1", "", "", "graphql", "1")


class Station:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ETC.lstrip("/") / "special-skip-eeprom"
        self.rows, self.notes, self.note = FakeStateRows(), FakeFlagNotes(), Accesses()
        hub = Hub()
        devices = Devices(hub, self.rows)
        names = DeviceNames(devices, FakePresence())
        self.flags = Flags(HostPaths(root), hub, names=names, devices=devices, notes=self.notes)

    def touch(self, name: str, content: str = "") -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(content)
        return self.folder / name

    async def set(self, identifier: str, mode: FlagMode, **others: Any) -> str:
        chosen = {"unseen": False, "caller": ANNA, "note": self.note, **others}
        return (await self.flags.set(identifier, SKIP, mode, **chosen)).serial

    async def flag(self, identifier: str) -> Flag:
        return (await self.flags.get(identifier)).flags[0]

    @property
    def files(self) -> dict[str, str]:
        return {file.name: file.read_text() for file in sorted(self.folder.glob("*"))}


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


async def test_a_long_serial_is_written_as_its_last_eight_digits(station: Station) -> None:
    station.rows.write(Written("10000000A0B0C0D0", "1-1"))
    assert await station.set("10000000A0B0C0D0", ONCE) == "10000000A0B0C0D0"
    assert station.files == {SHORT: "once\n"}
    assert station.folder.joinpath(SHORT).stat().st_mode & 0o777 == 0o644
    assert station.folder.stat().st_mode & 0o777 == 0o755
    target = f"{ETC}/special-skip-eeprom/{SHORT}"
    assert station.note.rows == [("SET_FLAG", target, True)]
    assert all(fact in station.note.infos[0] for fact in ("skip-eeprom", "once", "A0B0C0D0"))


@pytest.mark.parametrize("identifier", [LONG, SHORT, "1-1.2"])
async def test_off_takes_away_both_names_and_notes_each(station: Station, identifier: str) -> None:
    station.rows.write(Written(SHORT, "1-1.2"), Written(LONG, "1-1.2"))
    station.touch(LONG, "once\n")
    station.touch(SHORT, "persistent\n")
    await station.set(identifier, OFF)
    assert station.files == {}
    assert {row[0] for row in station.note.rows} == {"DELETE_FLAG"}
    assert len(station.note.rows) == 2


async def test_off_without_a_flag_is_done_and_not_noted(station: Station) -> None:
    station.rows.write(Written(LONG, "1-1"))
    assert await station.set(LONG, OFF) == LONG
    assert station.note.rows == []


async def test_setting_replaces_what_an_older_service_wrote_under_the_long_name(
    station: Station,
) -> None:
    station.rows.write(Written(LONG, "1-1"))
    station.touch(LONG, "persistent\n")
    await station.set(LONG, ONCE)
    assert station.files == {SHORT: "once\n"}
    assert (await station.flag(LONG)).mode is ONCE


@pytest.mark.parametrize(
    ("content", "mode"),
    [
        ("once\n", ONCE),
        ("once", ONCE),
        (" \tonce \r\nmore", ONCE),
        ("on ce\n", ONCE),
        ("", KEPT),
        ("persistent\n", KEPT),
        ("Once\n", KEPT),
        ("\nonce\n", KEPT),
        ("once" + "x" * 10_000, KEPT),
    ],
)
async def test_a_file_is_read_as_the_scripts_read_it(
    station: Station, content: str, mode: FlagMode
) -> None:
    station.touch(SHORT, content)
    assert (await station.flag(LONG)).mode is mode


async def test_flags_of_an_unknown_device_are_off(station: Station) -> None:
    found = await station.flags.get("../../x")
    assert (found.serial, [flag.mode for flag in found.flags]) == ("../../x", [OFF, OFF])
    with pytest.raises(SerialMissing):
        await station.flags.get("")


@pytest.mark.parametrize("row", [Written("", "1-1"), Written("/dev/bus/usb/001/004", "1-1")])
async def test_a_board_without_a_serial_gets_no_flag(station: Station, row: Written) -> None:
    station.rows.write(row)
    for identifier in ("1-1", "nothing", LONG, "bootstrap"):
        with pytest.raises(SerialNotResolved) as caught:
            await station.set(identifier, ONCE)
        assert identifier in caught.value.detail
    assert not station.folder.exists()


async def test_an_excluded_boards_stage_is_not_its_name(station: Station) -> None:
    station.rows.write(Written(LONG, "bootstrap", "PORT-EXCLUDED"))
    with pytest.raises(SerialNotResolved):
        await station.set("bootstrap", ONCE)


@pytest.mark.parametrize("serial", [LONG, LONG.upper(), SHORT, SHORT.upper()])
async def test_a_serial_that_was_never_seen_may_be_flagged_beforehand(
    station: Station, serial: str
) -> None:
    assert await station.set(serial, KEPT, unseen=True) == serial.lower()
    assert station.files == {SHORT: "persistent\n"}


@pytest.mark.parametrize("serial", ["1-1", "xyz", "a0b0c0d", "/dev/x", LONG + "0"])
async def test_what_is_no_serial_is_refused_even_beforehand(station: Station, serial: str) -> None:
    with pytest.raises(SerialNotResolved):
        await station.set(serial, KEPT, unseen=True)


async def test_who_set_it_is_told_until_the_file_is_another_one(station: Station) -> None:
    station.rows.write(Written(LONG, "1-1"))
    await station.set(LONG, ONCE)
    flag = await station.flag(LONG)
    assert (flag.set_by, flag.set_at is not None) == ("anna", True)
    station.folder.joinpath(SHORT).unlink()
    station.touch("other")
    station.touch(SHORT, "once\n")
    assert (await station.flag(LONG)).set_by is None


async def test_a_flag_counts_though_nobody_can_write_down_who_set_it(
    station: Station, caplog: pytest.LogCaptureFixture
) -> None:
    station.notes.failure = Unavailable("The disk is full.")
    station.rows.write(Written(LONG, "1-1"))
    await station.set(LONG, ONCE)
    assert station.files == {SHORT: "once\n"}
    assert (await station.flag(LONG)).mode is ONCE
    assert "The disk is full." in caplog.text


@pytest.mark.parametrize(
    ("board_type", "warns"), [("17", False), ("1a", False), ("14", True), ("", False)]
)
async def test_reprovisioning_warns_of_boards_of_other_families(
    station: Station, board_type: str, *, warns: bool
) -> None:
    station.rows.write(Written(LONG, "1-1", board_type=board_type))
    skip, again = (await station.flags.get(LONG)).flags
    assert skip.warning is None
    assert (again.warning is not None) is warns
    assert warning_for(AGAIN, board_type) == again.warning


async def test_every_set_flag_is_listed_also_of_boards_never_seen(station: Station) -> None:
    for name in ("b" * 8, "a" * 8):
        station.touch(name, "once\n")
    for name in (".a.tmp", "README.txt", "a b"):
        station.touch(name)
    (station.folder / "folder").mkdir()
    page = await station.flags.list_page(page_request(ORDER, first=1))
    rest = await station.flags.list_page(page_request(ORDER, first=9, after=page.cursors[0]))
    assert [flag.name for flag in (*page.items, *rest.items)] == ["a" * 8, "b" * 8]
    assert page.total == 2


async def test_watchers_are_told_of_set_and_consumed_flags(station: Station) -> None:
    station.rows.write(Written(LONG, "1-1"))
    station.touch("b" * 8)
    async with aclosing(station.flags.watch()) as updates:
        first = await asyncio.wait_for(anext(updates), 5)
        await station.set(LONG, ONCE)
        seen = await asyncio.wait_for(anext(updates), 5)
        station.folder.joinpath(SHORT).unlink()
        await station.flags.catch_up()
        gone = await asyncio.wait_for(anext(updates), 5)
    assert (first.snapshot, [flag.name for flag in first.value]) == (True, ["b" * 8])
    assert [(flag.name, flag.mode, flag.set_by) for flag in seen.value] == [(SHORT, ONCE, "anna")]
    assert [(flag.name, flag.mode) for flag in gone.value] == [(SHORT, OFF)]
    assert station.notes.kept == {}


async def failing(station: Station, mode: FlagMode) -> ProvisionerError:
    station.rows.write(Written(LONG, "1-1"))
    with pytest.raises(Unavailable) as caught:
        await station.set(LONG, mode)
    assert str(station.root) not in caught.value.message
    assert station.note.rows[-1][2] is False
    return caught.value


async def test_a_file_in_the_folders_place_is_told_and_noted(station: Station) -> None:
    station.folder.parent.mkdir(parents=True)
    station.folder.write_text("a file")
    assert isinstance(await failing(station, ONCE), FlagFolderNotMade)


async def test_a_folder_in_the_files_place_is_told_and_noted(station: Station) -> None:
    (station.folder / SHORT / "x").mkdir(parents=True)
    assert isinstance(await failing(station, ONCE), FlagNotWritten)
    assert isinstance(await failing(station, OFF), FlagNotRemoved)


@pytest.mark.parametrize(
    ("flag", "mode", "error"),
    [
        ("", "", FlagMissing),
        ("nonsense", "sometimes", FlagModeUnknown),
        ("skip-eeprom", "", FlagModeUnknown),
        ("skip-eeprom", "ONCE", FlagModeUnknown),
        ("nonsense", "once", FlagUnknown),
    ],
)
def test_an_order_is_checked_in_the_contracts_order(
    flag: str, mode: str, error: type[ProvisionerError]
) -> None:
    with pytest.raises(error) as caught:
        flag_order(flag, mode)
    if error is FlagUnknown:
        assert caught.value.message.endswith("nonsense")
