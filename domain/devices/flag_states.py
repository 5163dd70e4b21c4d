"""Flag states: how the flags of a device are, and who set them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.devices.flag_files import FlagFile
from domain.devices.flag_kinds import FlagKind, FlagMode, warning_for
from domain.devices.flag_notes import FlagNote, place_of
from domain.events import Event


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of one device, set or not. `name` is the file's, empty while it is off; who and
    when are None where this service did not set it; `warning` says why it does not fit."""

    flag: FlagKind
    name: str
    mode: FlagMode
    set_by: str | None = None
    set_at: datetime | None = None
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceFlags:
    """All flags of one device, in their fixed order."""

    serial: str
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class DeviceFlagChanged(Event):
    """A flag was set, changed, taken away, or consumed by the scripts; `flag.mode` is how it is
    now."""

    flag: Flag


def flag_of(
    kind: FlagKind, file: FlagFile | None, notes: Mapping[str, FlagNote], board_type: str = ""
) -> Flag:
    """Returns the flag as it is: off where there is no file; `notes` are those of such files."""
    warning = warning_for(kind, board_type)
    if file is None:
        return Flag(kind, "", FlagMode.OFF, warning=warning)
    note = notes.get(place_of(file))
    by, at = (note.set_by, note.set_at) if note else (None, None)
    return Flag(kind, file.name, file.mode, by, at, warning)
