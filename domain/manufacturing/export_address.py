"""The address of an export: which records, in which order and format, as query parameters."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from domain.errors import Invalid
from domain.manufacturing.export import ExportFormat
from domain.manufacturing.filters import (
    EVERYTHING,
    NEWEST_FIRST,
    FlagState,
    OrderField,
    RecordFilter,
    RecordOrder,
)
from domain.manufacturing.record import ConnectStatus

PATH = "/api/v2/manufacturing/export"
V = TypeVar("V", bound=StrEnum)

LISTS = {
    "serial": "serials",
    "duid": "duids",
    "board": "boards",
    "processor": "processors",
    "image": "images",
    "image_sha256": "image_hashes",
    "key_fingerprint": "key_fingerprints",
}
"""Parameters that may be given several times, and the members of the filter that they fill."""
FLAGS = (
    "secure",
    "jtag_locked",
    "eeprom_write_protected",
    "public_key_programmed",
    "development_key_revoked",
    "signed_boot_enabled",
)
ASCENDING, DESCENDING = "asc", "desc"
SINGLE = ("format", "order", "direction", *FLAGS, "connect_status", "since", "until", "text")


class ExportParameterInvalid(Invalid):
    """A parameter of an export's address that means nothing."""

    code = "INVALID_EXPORT"
    title = "Invalid Export"
    meaning = "A parameter of the export is unknown, given twice, or has no such value."
    remedy = "Correct the parameter that the message names, or let `manufacturingExport` write it."


@dataclass(frozen=True, slots=True)
class Export:
    """What is exported, and how it is written."""

    format: ExportFormat = ExportFormat.CSV
    wanted: RecordFilter = EVERYTHING
    order: RecordOrder = NEWEST_FIRST

    @property
    def address(self) -> str:
        """The path and query that give this export."""
        wanted, direction = self.wanted, DESCENDING if self.order.descending else ASCENDING
        given: list[tuple[str, str]] = [("format", self.format.lower())]
        if self.order != NEWEST_FIRST:
            given += [("order", self.order.by.lower()), ("direction", direction)]
        for name, member in LISTS.items():
            given += [(name, value) for value in getattr(wanted, member)]
        for name in (*FLAGS, "connect_status"):
            value = getattr(wanted, name)
            given += [] if value is None else [(name, value.lower())]
        for name in ("since", "until"):
            value = getattr(wanted, name)
            given += [] if value is None else [(name, value.astimezone(UTC).isoformat())]
        given += [("text", wanted.text)] if wanted.text else []
        return f"{PATH}?{urlencode(given)}"


def export_of(parameters: Iterable[tuple[str, str]]) -> Export:
    """Returns what the query parameters ask for; raises `ExportParameterInvalid` and
    `RecordFilterInvalid`. An empty value is none."""
    lists: dict[str, list[str]] = {name: [] for name in LISTS}
    single: dict[str, str] = {}
    for name, value in parameters:
        if name in lists:
            lists[name] += [value] if value else []
        elif name not in SINGLE:
            raise _invalid(name, "there is no such parameter")
        elif name in single:
            raise _invalid(name, "it is given twice")
        elif value:
            single[name] = value
    return Export(
        _value(ExportFormat, single, "format") or ExportFormat.CSV,
        _filter(lists, single),
        RecordOrder(
            _value(OrderField, single, "order") or OrderField.ID,
            descending=_is_descending(single),
        ),
    )


def _filter(lists: dict[str, list[str]], single: dict[str, str]) -> RecordFilter:
    return RecordFilter(
        serials=tuple(lists["serial"]),
        duids=tuple(lists["duid"]),
        boards=tuple(lists["board"]),
        processors=tuple(lists["processor"]),
        images=tuple(lists["image"]),
        image_hashes=tuple(lists["image_sha256"]),
        key_fingerprints=tuple(lists["key_fingerprint"]),
        secure=_value(FlagState, single, "secure"),
        jtag_locked=_value(FlagState, single, "jtag_locked"),
        eeprom_write_protected=_value(FlagState, single, "eeprom_write_protected"),
        public_key_programmed=_value(FlagState, single, "public_key_programmed"),
        development_key_revoked=_value(FlagState, single, "development_key_revoked"),
        signed_boot_enabled=_value(FlagState, single, "signed_boot_enabled"),
        connect_status=_value(ConnectStatus, single, "connect_status"),
        since=_moment(single, "since"),
        until=_moment(single, "until"),
        text=single.get("text", ""),
    )


def _value(kind: type[V], single: dict[str, str], name: str) -> V | None:
    given = single.get(name)
    if given is None:
        return None
    words = {value.lower(): value for value in kind}
    if given not in words:
        raise _invalid(name, f"it is one of {', '.join(words)}")
    return words[given]


def _is_descending(single: dict[str, str]) -> bool:
    direction = single.get("direction", DESCENDING)
    if direction not in (ASCENDING, DESCENDING):
        raise _invalid("direction", f"it is {ASCENDING} or {DESCENDING}")
    return direction == DESCENDING


def _moment(single: dict[str, str], name: str) -> datetime | None:
    given = single.get(name)
    if given is None:
        return None
    try:
        # A plus that was not escaped arrives as a blank.
        found = datetime.fromisoformat(given.upper().replace(" ", "+"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise _invalid(name, "it is a moment with an offset, such as 2026-08-01T12:00:00Z")
    return found


def _invalid(name: str, why: str) -> ExportParameterInvalid:
    return ExportParameterInvalid(f"The parameter `{name[:80]}`: {why}.", field=name[:80])
