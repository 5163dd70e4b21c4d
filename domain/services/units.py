"""systemd units that the station shows and starts, and the port to systemd's manager (contract
services)."""

import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.errors import Conflict, Invalid, NotFound, Unavailable
from domain.events import Event

LONGEST_UNIT_NAME = 255
UNIT_SUFFIXES = frozenset(
    {
        "automount",
        "device",
        "mount",
        "path",
        "scope",
        "service",
        "slice",
        "socket",
        "swap",
        "target",
        "timer",
    }
)
UNIT_CHARACTERS = frozenset(string.ascii_letters + string.digits + ":-_.\\")


class UnitsUnavailable(Unavailable):
    """systemd does not answer."""

    code = "UNITS_UNAVAILABLE"
    title = "systemd Unavailable"
    meaning = "The system bus or systemd is absent, refuses, or did not answer in time."
    remedy = (
        "Check `systemctl status dbus` and that the extra `systemd` is installed (`make setup` "
        "builds it)."
    )


class BusUnavailable(UnitsUnavailable):
    """There is no system bus, or it lets nobody in."""

    title = "System Bus Unavailable"


class UnitsUnintelligible(UnitsUnavailable):
    """systemd answered something that its interface does not have."""

    title = "systemd Unintelligible"


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


class UnitRefused(Conflict):
    """systemd knows the unit and will not start it now."""

    code = "UNIT_REFUSED"
    title = "Unit Refused"
    meaning = (
        "systemd will not start the unit: it is masked, its file is broken, it starts only with "
        "another unit, or the machine is going down."
    )
    remedy = "Do what the message says; `systemctl status` of the unit tells more."


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

    `result` is systemd's word (`success`, `exit-code`, `timeout`, ...), empty where systemd
    remembers no run: a unit that ended well is forgotten at once, and the `success` that systemd
    gives a unit that never ran is not a result. `exit_status` is the main process's (the signal's
    number where `result` is `signal` or `core-dump`), None before it ended. `invocation_id` is 32
    hex digits or empty. Times are UTC, None where it never happened.
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

    `result` is the job's (`done`, `failed`, ...), or the unit's own (`success`, `exit-code`, ...)
    where the change ends a run, else empty. A unit that ended well is unloaded at once and cannot
    be asked later: this event is the only live witness of how it ended. After a gap in the watch
    a unit that is gone is told as `inactive` without a result: how it ended nobody saw.
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
        """Queues a start job in mode `replace`; raises `UnitUnknown`, `UnitNameInvalid` and
        `UnitRefused`."""

    async def watch(self, changed: Callable[[UnitChanged], None]) -> None:
        """Calls `changed` on the loop's thread for each change from now on, until the adapter
        is closed.

        Returns when it is subscribed, or when the first try failed: it then tries again by itself
        and `probe` knows the reason. Raises `UnitsUnavailable` only where it can never work.
        """

    async def probe(self) -> None:
        """Raises `UnitsUnavailable` with the reason while systemd does not answer."""


def unit_name_of_label(label: str) -> str:
    """Returns the unit name that a D-Bus object path's last part stands for.

    `_2d` is `-`: everything but letters and digits is written as `_` and two hex digits, a leading
    digit too (sd_bus_path_encode(3)). Unit names are ASCII.
    """
    return re.sub(r"_([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), label)


def checked_unit_name(name: str) -> str:
    """Returns `name`; raises `UnitNameInvalid` unless it is a plain unit's or an instance's whole
    name.

    The rule is systemd's `unit_name_is_valid` (systemd.unit(5)); a template without an instance
    (`x@.service`) can be neither asked nor started.
    """
    prefix, _, suffix = name.rpartition(".")
    template, at, instance = prefix.partition("@")
    if not template or (at and not instance) or suffix not in UNIT_SUFFIXES:
        raise _invalid(name)
    if len(name) > LONGEST_UNIT_NAME or not UNIT_CHARACTERS.issuperset(template):
        raise _invalid(name)
    if not UNIT_CHARACTERS.issuperset(instance.replace("@", "")):
        raise _invalid(name)
    return name


def _invalid(name: str) -> UnitNameInvalid:
    shown = name[:80]
    return UnitNameInvalid(
        f"{shown!r} is no unit's name; give the whole name, such as ssh.service.",
        detail=shown,
        field="name",
    )


def escape_instance(text: str) -> str:
    """Returns `text` as it stands between `@` and the suffix, as systemd-escape(1) does."""
    return "".join(
        _escaped(byte, first=position == 0) for position, byte in enumerate(text.encode())
    )


def _escaped(byte: int, *, first: bool) -> str:
    character = chr(byte)
    if character == "/":
        return "-"
    if character in "-\\" or character not in UNIT_CHARACTERS or (first and character == "."):
        return f"\\x{byte:02x}"
    return character


def unescape_instance(escaped: str) -> str:
    """Returns the text that `escape_instance` made `escaped` of; raises `UnitNameInvalid` for a
    backslash that begins no `\\xNN`."""
    head, *rest = escaped.replace("-", "/").split("\\")
    plain = bytearray(head.encode())
    for part in rest:
        digits = part[1:3]
        if part[:1] != "x" or len(digits) < 2 or not set(digits) <= set(string.hexdigits):
            raise _invalid(escaped)
        plain += bytes([int(digits, 16)]) + part[3:].encode()
    return plain.decode(errors="replace")
