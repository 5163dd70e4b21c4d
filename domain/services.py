"""systemd units that the station shows and starts, and the port to systemd's manager (contract
services)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.errors import Invalid, NotFound, Unavailable
from domain.events import Event


class UnitsUnavailable(Unavailable):
    """systemd does not answer."""

    code = "UNITS_UNAVAILABLE"
    title = "systemd Unavailable"
    meaning = "The system bus or systemd is absent, refuses, or did not answer in time."
    remedy = (
        "Check `systemctl status dbus` and that the extra `systemd` is installed (`make setup` "
        "builds it)."
    )


class UnitUnknown(NotFound):
    """systemd has no such unit."""

    code = "UNIT_UNKNOWN"
    title = "Unit Not Found"
    meaning = "systemd knows no unit of this name."
    remedy = "Check the name; install the package that brings the unit."


class UnitNameInvalid(Invalid):
    """A text that cannot be a unit's name."""

    code = "UNIT_NAME_INVALID"
    title = "Invalid Unit Name"
    meaning = (
        "Unit names are at most 255 of letters, digits and `:-_.\\@`, with a suffix such as "
        "`.service`."
    )
    remedy = "Give the unit's whole name; an instance is escaped as systemd-escape does."


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as `ListUnits` shows it (org.freedesktop.systemd1.Manager)."""

    name: str
    description: str
    load_state: str
    active_state: str
    sub_state: str


@dataclass(frozen=True, slots=True)
class UnitState:
    """What systemd says of one unit in full.

    `result` is systemd's word (`success`, `exit-code`, `timeout`, ...); `exit_status` is the main
    process's, None before it ended; `invocation_id` is 32 hex digits or empty. Times are UTC,
    None where it never happened.
    """

    unit: Unit
    result: str
    exit_status: int | None
    invocation_id: str
    active_since: datetime | None
    inactive_since: datetime | None


@dataclass(frozen=True, slots=True)
class UnitChanged(Event):
    """A unit's state changed, or its job ended.

    `result` is the job's (`done`, `failed`, ...) or the unit's own where the change tells it,
    else empty. A unit that ended well is unloaded at once and cannot be asked later: this event
    is the only live witness of how it ended.
    """

    name: str
    active_state: str
    sub_state: str
    result: str


class Units(Protocol):
    """systemd's manager. Every call has a time limit; all raise `UnitsUnavailable`."""

    async def list_units(self) -> list[Unit]:
        """Returns all loaded units."""

    async def get_state(self, name: str) -> UnitState:
        """Returns the unit's state; raises `UnitUnknown` and `UnitNameInvalid`."""

    async def start(self, name: str) -> None:
        """Queues a start job in mode `replace`; raises `UnitUnknown` and `UnitNameInvalid`."""

    async def watch(self, changed: Callable[[UnitChanged], None]) -> None:
        """Calls `changed` on the loop's thread for each change from now on, until the adapter
        is closed."""

    async def probe(self) -> None:
        """Raises `UnitsUnavailable` with the reason while systemd does not answer."""


UNIT_NAME = re.compile(r"[A-Za-z0-9:_.\\@-]{1,240}\.[a-z]{1,14}")


def checked_unit_name(name: str) -> str:
    """Returns `name`; raises `UnitNameInvalid` unless it is a whole unit name (systemd.unit(5))."""
    if not UNIT_NAME.fullmatch(name):
        raise UnitNameInvalid(
            f"{name[:80]!r} is no unit name; give the whole name with its suffix.", detail=name[:80]
        )
    return name


def unit_name_of_label(label: str) -> str:
    """Returns the unit name that a D-Bus object path's last part stands for.

    `_2d` is `-`: everything but letters and digits is written as `_` and two hex digits.
    """
    return re.sub(r"_([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), label)
