"""A manufacturing record as GraphQL clients see it."""

from datetime import datetime
from typing import Annotated

import strawberry

import schema.manufacturing.filters  # noqa: F401 -- describes the enums
from domain.manufacturing import record as domain
from domain.manufacturing.filters import NEWEST_FIRST, RecordFilter
from domain.paging import page_request
from domain.serials import is_real
from resolvers.manufacturing import page_records
from resolvers.parts import part_of
from schema.connections import Connection, connection
from schema.context import Info, who
from schema.scalars import Long
from schema.totals import asks_for

NOT_SAID = "null where the record does not say."


def _text(what: str) -> str | None:
    found: str | None = strawberry.field(description=f"{what}; {NOT_SAID}")
    return found


def _flag(what: str) -> bool | None:
    found: bool | None = strawberry.field(description=f"{what}; {NOT_SAID}")
    return found


def _size(what: str) -> Long | None:
    found: Long | None = strawberry.field(description=f"{what}, in bytes; {NOT_SAID}")
    return found


@strawberry.type(
    description="What was written when a board was done. A board that was provisioned again has "
    "another record for each time."
)
class ManufacturingRecord:
    """A record."""

    id: strawberry.ID = strawberry.field(description="The record's number, as text.")
    number: Long = strawberry.field(description="The record's number; it grows.")
    serial: str = strawberry.field(description="The board's serial; empty where none was written.")
    duid: str | None = _text("The device's unique id: what its label's code says")
    board: str | None = _text("The board's type, such as CM5")
    board_revision: str | None = _text("The board's revision, as it reported it")
    processor: str | None = _text("The processor, such as BCM2712")
    memory: str | None = _text("The size of its memory, such as 2GB")
    manufacturer: str | None = _text("Who made the board")
    ethernet_mac: str | None = _text("The address of its Ethernet")
    wifi_mac: str | None = _text("The address of its WiFi")
    bluetooth_mac: str | None = _text("The address of its Bluetooth")
    mmc_size: Long | None = strawberry.field(
        description="The size of its eMMC or card, in bytes; null where it has none or the record "
        "does not say."
    )
    mmc_cid: str | None = _text("The id of its eMMC or card")
    secure: bool | None = _flag("Whether the board is secure, as it reported")
    jtag_locked: bool | None = _flag("Whether its JTAG was to be locked")
    eeprom_write_protected: bool | None = _flag("Whether its EEPROM was to be write-protected")
    public_key_programmed: bool | None = _flag("Whether its OTP was seen to hold a public key")
    development_key_revoked: bool | None = _flag("Whether its development key was seen revoked")
    signed_boot_enabled: bool | None = _flag("Whether it boots signed images only")
    image: str | None = _text("The image that was written to it")
    image_sha256: str | None = strawberry.field(
        name="imageSha256", description=f"The image's SHA-256; {NOT_SAID}"
    )
    connect_status: domain.ConnectStatus | None = strawberry.field(
        description=f"What came of its registration with Raspberry Pi Connect; {NOT_SAID}"
    )
    connect_device_id: str | None = _text("The id that Connect gave it")
    eeprom_size: Long | None = _size("The size of its EEPROM")
    eeprom_jedec: str | None = _text("The JEDEC id of its EEPROM")
    eeprom_unique_id: str | None = _text("The unique id of its EEPROM")
    bootloader_built_at: datetime | None = strawberry.field(
        description=f"When its bootloader was built; {NOT_SAID}"
    )
    key_fingerprint: str | None = _text("The fingerprint of the signing key active at that time")
    key_label: str | None = _text("What people call that key")
    provisioned_at: datetime | None = strawberry.field(
        description="When the record was written; null where its text is no time."
    )

    @strawberry.field(
        description="Every record of the same board, this one among them, the newest first; of a "
        "board without a serial those with the same DUID."
    )
    async def runs(
        self,
        info: Info,
        first: Annotated[
            int | None, strawberry.argument(description="How many of the newest.")
        ] = None,
        after: Annotated[
            str | None, strawberry.argument(description="Older than the record at this cursor.")
        ] = None,
        last: Annotated[
            int | None, strawberry.argument(description="How many of the oldest.")
        ] = None,
        before: Annotated[
            str | None, strawberry.argument(description="Newer than the record at this cursor.")
        ] = None,
    ) -> Connection["ManufacturingRecord"]:
        """Resolves a page."""
        page = page_request(NEWEST_FIRST.name, first=first, after=after, last=last, before=before)
        counted, wanted = asks_for(info), self._of_same_board()
        found = await part_of(
            page_records.policy,
            *who(info),
            lambda call: page_records.perform(
                call, wanted=wanted, order=NEWEST_FIRST, page=page, counted=counted
            ),
        )
        return connection(found, record_of)

    def _of_same_board(self) -> RecordFilter:
        if is_real(self.serial):
            return RecordFilter(serials=(self.serial,))
        return RecordFilter(duids=(self.duid or "",))


def record_of(record: domain.ManufacturingRecord) -> ManufacturingRecord:
    """Returns the record as clients see it."""
    return ManufacturingRecord(
        id=strawberry.ID(str(record.id)),
        number=Long(record.id),
        serial=record.serial,
        duid=record.duid,
        board=record.board,
        board_revision=record.board_revision,
        processor=record.processor,
        memory=record.memory,
        manufacturer=record.manufacturer,
        ethernet_mac=record.ethernet_mac,
        wifi_mac=record.wifi_mac,
        bluetooth_mac=record.bluetooth_mac,
        mmc_size=_long(record.mmc_size),
        mmc_cid=record.mmc_cid,
        secure=record.secure,
        jtag_locked=record.jtag_locked,
        eeprom_write_protected=record.eeprom_write_protected,
        public_key_programmed=record.public_key_programmed,
        development_key_revoked=record.development_key_revoked,
        signed_boot_enabled=record.signed_boot_enabled,
        image=record.image,
        image_sha256=record.image_sha256,
        connect_status=record.connect_status,
        connect_device_id=record.connect_device_id,
        eeprom_size=_long(record.eeprom_size),
        eeprom_jedec=record.eeprom_jedec,
        eeprom_unique_id=record.eeprom_unique_id,
        bootloader_built_at=record.bootloader_built_at,
        key_fingerprint=record.key_fingerprint,
        key_label=record.key_label,
        provisioned_at=record.provisioned_at,
    )


def _long(number: int | None) -> Long | None:
    return None if number is None else Long(number)
