"""What GraphQL clients filter and order manufacturing records by."""

from datetime import datetime
from typing import Annotated

import strawberry

from domain.manufacturing.filters import (
    EVERYTHING,
    LONGEST_VALUE,
    MOST_VALUES,
    NEWEST_FIRST,
    FlagState,
    OrderField,
    RecordFilter,
    RecordOrder,
)
from domain.manufacturing.record import ConnectStatus
from schema.enums import describe_enum

describe_enum(
    FlagState,
    name="RecordFlag",
    description="What a flag of a record says.",
    values={
        FlagState.YES: "The record says yes.",
        FlagState.NO: "The record says no.",
        FlagState.UNKNOWN: "The record does not say.",
    },
)
describe_enum(
    ConnectStatus,
    description="What came of the registration with Raspberry Pi Connect.",
    values={
        ConnectStatus.REGISTERED: "The board is registered.",
        ConnectStatus.FAILED: "It was tried, and failed.",
        ConnectStatus.NOT_CONFIGURED: "The station is not set up for it.",
    },
)
describe_enum(
    OrderField,
    name="ManufacturingRecordOrderField",
    description="What records are ordered by. Those that are equal in it are ordered by id.",
    values={
        OrderField.ID: "The record's number: the order in which boards were finished.",
        OrderField.TIME: "The time that the record tells; those without one are the oldest.",
        OrderField.SERIAL: "The serial, as text.",
        OrderField.BOARD: "The board's type, as text.",
        OrderField.IMAGE: "The image's name, as text.",
    },
)
ANY = "absent, null or empty means any."


def _flag(what: str) -> FlagState | None:
    found: FlagState | None = strawberry.field(default=None, description=f"{what}; {ANY}")
    return found


def _texts(what: str) -> list[str] | None:
    found: list[str] | None = strawberry.field(default=None, description=f"{what}; {ANY}")
    return found


@strawberry.input(
    description="Which manufacturing records: every member that is given must hold; of a list, one "
    f"of its values. A list has at most {MOST_VALUES} values, a text {LONGEST_VALUE} characters."
)
class ManufacturingRecordFilter:
    """Conditions on records."""

    serial: list[str] | None = _texts("The board's serial, its 8 or its 16 digits")
    duid: list[str] | None = _texts("The device's unique id, exactly as on the label")
    board: list[str] | None = _texts("The board's type, such as CM5, exactly")
    processor: list[str] | None = _texts("The processor, such as BCM2712, exactly")
    image: list[str] | None = _texts("The image's name, exactly as recorded")
    image_sha256: list[str] | None = strawberry.field(
        name="imageSha256", default=None, description=f"The image's SHA-256, in any case; {ANY}"
    )
    key_fingerprint: list[str] | None = _texts("The signing key's fingerprint, in any case")
    secure: FlagState | None = _flag("Whether the board is secure")
    jtag_locked: FlagState | None = _flag("Whether its JTAG was to be locked")
    eeprom_write_protected: FlagState | None = _flag("Whether its EEPROM was to be protected")
    public_key_programmed: FlagState | None = _flag("Whether its OTP holds a public key")
    development_key_revoked: FlagState | None = _flag("Whether its development key is revoked")
    signed_boot_enabled: FlagState | None = _flag("Whether it boots signed images only")
    connect_status: ConnectStatus | None = strawberry.field(
        default=None, description="What came of the registration with Connect; null means any."
    )
    since: datetime | None = strawberry.field(
        default=None, description="Finished at this moment or later; null means any time."
    )
    until: datetime | None = strawberry.field(
        default=None, description="Finished before this moment; null means any time."
    )
    text: str | None = strawberry.field(
        default=None,
        description="A part of the serial, DUID, a MAC address, the card's, EEPROM's or Connect's "
        "id, the board, processor, memory, manufacturer, revision, image, or the key; letters of "
        f"ASCII in any case. {ANY.capitalize()}",
    )


@strawberry.input(description="The order of manufacturing records.")
class ManufacturingRecordOrder:
    """An order."""

    by: OrderField = strawberry.field(
        default=OrderField.ID, description="What they are ordered by; absent: by id."
    )
    descending: bool = strawberry.field(
        default=True, description="The newest or last first; absent: yes."
    )


Wanted = Annotated[
    ManufacturingRecordFilter | None,
    strawberry.argument(name="filter", description="Which records; null for all."),
]
Order = Annotated[
    ManufacturingRecordOrder | None,
    strawberry.argument(
        name="orderBy", description="In which order; null for the newest (highest id) first."
    ),
]


def filter_of(given: ManufacturingRecordFilter | None) -> RecordFilter:
    """Returns the checked filter; raises `RecordFilterInvalid`."""
    if given is None:
        return EVERYTHING
    return RecordFilter(
        serials=tuple(given.serial or ()),
        duids=tuple(given.duid or ()),
        boards=tuple(given.board or ()),
        processors=tuple(given.processor or ()),
        images=tuple(given.image or ()),
        image_hashes=tuple(given.image_sha256 or ()),
        key_fingerprints=tuple(given.key_fingerprint or ()),
        secure=given.secure,
        jtag_locked=given.jtag_locked,
        eeprom_write_protected=given.eeprom_write_protected,
        public_key_programmed=given.public_key_programmed,
        development_key_revoked=given.development_key_revoked,
        signed_boot_enabled=given.signed_boot_enabled,
        connect_status=given.connect_status,
        since=given.since,
        until=given.until,
        text=given.text or "",
    )


def order_of(given: ManufacturingRecordOrder | None) -> RecordOrder:
    """Returns the order."""
    return NEWEST_FIRST if given is None else RecordOrder(given.by, descending=given.descending)
