"""Flags: what people want the scripts to do differently with a device, and who wanted it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime

from domain.caller import Caller
from domain.devices.devices import DeviceNotFound, Devices
from domain.devices.flag_files import FlagFile, FlagFolders, probed_names, written_name
from domain.devices.flag_kinds import FlagKind, FlagMode
from domain.devices.flag_notes import BestNotes, FlagNotes, place_of
from domain.devices.flag_states import DeviceFlagChanged, DeviceFlags, Flag, flag_of
from domain.devices.names import DeviceNames, Known, is_hex_serial, required
from domain.errors import Conflict, ProvisionerError, Unavailable
from domain.events import Event, Hub, Update, watch_changes
from domain.file_accesses import FileAccess
from domain.host_paths import HostPaths
from domain.paging import Key, Page, PageRequest, slice_page

ORDER = "flags:name"


class SerialNotResolved(Conflict):
    """The board has not told its serial yet, or was never seen."""

    code = "SERIAL_NOT_RESOLVED"
    title = "Serial Not Available"
    meaning = "The identifier is unknown to the station, or the board has told no serial yet."
    remedy = (
        "Wait until the board has told its serial and try again; GraphQL's setDeviceFlag also "
        "takes a serial of 8 or 16 digits that was never seen."
    )


class Flags:
    """Reads and sets the flags of devices; the files are the truth, notes only say who."""

    def __init__(
        self,
        paths: HostPaths,
        hub: Hub,
        *,
        names: DeviceNames,
        devices: Devices,
        notes: FlagNotes,
    ) -> None:
        self._folders = FlagFolders(paths)
        self._hub = hub
        self._names = names
        self._devices = devices
        self._notes = BestNotes(notes)
        self._turn = asyncio.Lock()
        self._known: dict[str, FlagFile] | None = None

    async def get(self, identifier: str) -> DeviceFlags:
        """Returns all flags of a device, all off for one that nobody knows. Raises
        `SerialMissing`."""
        known = await self._names.known(required(identifier))
        serial = known.serial or identifier
        names = _names(serial, known)
        files = await asyncio.to_thread(self._probe, names)
        notes = await self._notes.find_for([file for file in files.values() if file])
        board_type = await self._board_type(serial)
        flags = [flag_of(kind, files[kind], notes, board_type) for kind in FlagKind]
        return DeviceFlags(serial, tuple(flags))

    async def list_page(self, request: PageRequest) -> Page[Flag]:
        """Returns a page of the flags that are set, also for boards that were never seen."""
        return slice_page(await self._list_set(), request, order=ORDER, key=_place_key)

    async def set(
        self,
        identifier: str,
        flag: FlagKind,
        mode: FlagMode,
        *,
        unseen: bool,
        caller: Caller,
        note: FileAccess,
    ) -> DeviceFlags:
        """Sets the flag, or takes it away under all its names; returns the device's flags.

        `unseen` allows serials of 8 or 16 digits that the station has not seen. Raises
        `SerialMissing`, `SerialNotResolved`, `FlagFolderNotMade`, `FlagNotWritten` and
        `FlagNotRemoved`.
        """
        known = await self._names.known(required(identifier))
        serial = _resolved(identifier, known, unseen=unseen)
        kept = None if mode is FlagMode.OFF else written_name(serial)
        if self._known is None:
            await self.catch_up()
        async with self._turn:
            if kept is not None:
                await self._write(flag, kept, mode, serial=serial, caller=caller, note=note)
            for name in _names(serial, known):
                if name != kept:
                    await self._remove(flag, name, serial=serial, note=note)
        await self.catch_up()
        return await self.get(serial)

    async def catch_up(self) -> None:
        """Looks at the files and publishes `DeviceFlagChanged` for each that has changed since
        the last look."""
        async with self._turn:
            files = await asyncio.to_thread(self._folders.list_all)
            present = {place_of(file): file for file in files}
            known, self._known = self._known, present
            if known is None:
                return
            gone = [file for place, file in known.items() if place not in present]
            changed = [file for place, file in present.items() if known.get(place) != file]
            notes = await self._notes.find_for(changed)
            await self._notes.drop(gone)
        for file in gone:
            self._hub.publish(DeviceFlagChanged(Flag(file.flag, file.name, FlagMode.OFF)))
        for file in changed:
            self._hub.publish(DeviceFlagChanged(flag_of(file.flag, file, notes)))

    def watch(self) -> AsyncGenerator[Update[list[Flag]], None]:
        """Yields all flags that are set, then each one that changes."""
        return watch_changes(self._hub, DeviceFlagChanged, snapshot=self._snapshot, change=_changed)

    async def _write(
        self,
        flag: FlagKind,
        name: str,
        mode: FlagMode,
        *,
        serial: str,
        caller: Caller,
        note: FileAccess,
    ) -> None:
        path, info = self._folders.path(flag, name), f"flag {flag}, mode {mode}, device {serial}"
        try:
            await asyncio.to_thread(self._folders.write, flag, name, mode)
        except ProvisionerError as error:
            note("SET_FLAG", path, success=False, info=f"{info}: {error.code}")
            raise
        note("SET_FLAG", path, info=info)
        written = await asyncio.to_thread(self._folders.find, flag, name)
        if written is not None:
            await self._notes.keep(written, set_by=caller.name, set_at=datetime.now(UTC))

    async def _remove(self, flag: FlagKind, name: str, *, serial: str, note: FileAccess) -> None:
        path, info = self._folders.path(flag, name), f"flag {flag}, device {serial}"
        try:
            removed = await asyncio.to_thread(self._folders.remove, flag, name)
        except ProvisionerError as error:
            note("DELETE_FLAG", path, success=False, info=f"{info}: {error.code}")
            raise
        if removed:
            note("DELETE_FLAG", path, info=info)

    def _probe(self, names: Sequence[str]) -> dict[FlagKind, FlagFile | None]:
        return {kind: self._first(kind, names) for kind in FlagKind}

    def _first(self, kind: FlagKind, names: Sequence[str]) -> FlagFile | None:
        found = (self._folders.find(kind, name) for name in names)
        return next((file for file in found if file is not None), None)

    async def _snapshot(self) -> list[Flag]:
        await self.catch_up()
        return await self._list_set()

    async def _list_set(self) -> list[Flag]:
        files = await asyncio.to_thread(self._folders.list_all)
        notes = await self._notes.find_for(files)
        return sorted((flag_of(file.flag, file, notes) for file in files), key=_place_key)

    async def _board_type(self, serial: str) -> str:
        try:
            return (await self._devices.get(serial=serial)).board_type
        except (DeviceNotFound, Unavailable):
            return ""


def _resolved(identifier: str, known: Known, *, unseen: bool) -> str:
    if known.serial is not None:
        return known.serial
    if unseen and is_hex_serial(identifier):
        return identifier.lower()
    raise SerialNotResolved(
        "The serial of this device is not known yet; wait until the board has told it, and try "
        "again.",
        detail=f"Requested device: {identifier}",
        field="serial",
    )


def _names(serial: str, known: Known) -> tuple[str, ...]:
    """Returns every name that a flag of this board may have, those that count first."""
    names = [name for one in (serial, *known.serials) for name in probed_names(one)]
    return tuple(dict.fromkeys(names))


def _place_key(flag: Flag) -> Key:
    return (flag.flag.value, flag.name)


def _changed(event: Event) -> list[Flag] | None:
    return [event.flag] if isinstance(event, DeviceFlagChanged) else None
