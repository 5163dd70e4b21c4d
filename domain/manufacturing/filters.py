"""Record filters: which manufacturing records somebody wants, and in which order."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from domain.errors import Invalid
from domain.manufacturing.record import ConnectStatus

MOST_VALUES = 100
LONGEST_VALUE = 255


_SPELLED = {
    "serials": "serial",
    "duids": "duid",
    "boards": "board",
    "processors": "processor",
    "images": "image",
    "image_hashes": "imageSha256",
    "key_fingerprints": "keyFingerprint",
}


class RecordFilterInvalid(Invalid):
    """A filter that no record could be asked with."""

    code = "INVALID_FILTER"
    title = "Invalid Filter"
    meaning = (
        f"A list of the filter has more than {MOST_VALUES} values, a value is longer than "
        f"{LONGEST_VALUE} characters or cannot be printed, or the time range is empty."
    )
    remedy = "Correct the member of the filter that the message names."


class FlagState(StrEnum):
    """What a flag of a record says."""

    YES = "YES"
    NO = "NO"
    UNKNOWN = "UNKNOWN"


class OrderField(StrEnum):
    """What records are ordered by; records that are equal in it are ordered by id."""

    ID = "ID"
    TIME = "TIME"
    SERIAL = "SERIAL"
    BOARD = "BOARD"
    IMAGE = "IMAGE"


@dataclass(frozen=True, slots=True)
class RecordOrder:
    """An order and its direction. `name` is what a cursor of this order carries."""

    by: OrderField = OrderField.ID
    descending: bool = True

    @property
    def name(self) -> str:
        """The order's name."""
        return f"records:{self.by.lower()}:{'desc' if self.descending else 'asc'}"


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Records that satisfy every member; an empty or missing member is satisfied by all.

    `serials` may be of either length; a list is satisfied by any of its values. Names are
    compared exactly, digests ignoring case. `since` counts, `until` does not; a record without a
    time satisfies neither. `text` is a part of any text of the record, ignoring case. Raises
    `RecordFilterInvalid`.
    """

    serials: tuple[str, ...] = ()
    duids: tuple[str, ...] = ()
    boards: tuple[str, ...] = ()
    processors: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    image_hashes: tuple[str, ...] = ()
    key_fingerprints: tuple[str, ...] = ()
    secure: FlagState | None = None
    jtag_locked: FlagState | None = None
    eeprom_write_protected: FlagState | None = None
    public_key_programmed: FlagState | None = None
    development_key_revoked: FlagState | None = None
    signed_boot_enabled: FlagState | None = None
    connect_status: ConnectStatus | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""

    def __post_init__(self) -> None:
        for member in fields(self):
            value = getattr(self, member.name)
            if isinstance(value, tuple):
                _check_values(member.name, value)
        _check_value("text", self.text)
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise RecordFilterInvalid(
                "`until` is not after `since`: no record can be in that time.", field="until"
            )


def find_board_filter(serial: str) -> RecordFilter | None:
    """Returns the filter of a board's records by the serial that a state row holds, which may be
    anything; None for one that no record can be asked with."""
    try:
        return RecordFilter(serials=(serial,))
    except RecordFilterInvalid:
        return None


def _check_values(name: str, values: tuple[str, ...]) -> None:
    if len(values) > MOST_VALUES:
        raise RecordFilterInvalid(
            f"`{_input(name)}` has {len(values)} values; at most {MOST_VALUES} are possible.",
            field=_input(name),
        )
    for value in values:
        _check_value(name, value)


def _check_value(name: str, value: str) -> None:
    if len(value) > LONGEST_VALUE:
        raise RecordFilterInvalid(
            f"A value of `{_input(name)}` is longer than {LONGEST_VALUE} characters.",
            field=_input(name),
        )
    if not value.isprintable():
        raise RecordFilterInvalid(
            f"A value of `{_input(name)}` holds a character that cannot be printed.",
            field=_input(name),
        )


def _input(name: str) -> str:
    """Returns the member as clients spell it: a list is named like one of its values."""
    return _SPELLED.get(name, name)


EVERYTHING = RecordFilter()
"""The filter that all records satisfy."""
NEWEST_FIRST = RecordOrder()
"""The order of an answer to whoever asks for none."""
