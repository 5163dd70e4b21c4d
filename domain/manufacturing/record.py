"""A manufacturing record: one finished run of one board, typed, with absence told from values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias

Cell: TypeAlias = int | float | str | bytes | None
"""What SQLite keeps in one place; None is NULL."""

Row: TypeAlias = Mapping[str, Cell]
"""A row as it was written, by column; it holds no column that its table has not."""

CURRENT_TIMESTAMP = len("YYYY-MM-DD HH:MM:SS")


class ConnectStatus(StrEnum):
    """What came of the registration with Raspberry Pi Connect (contract manufacturing section
    2)."""

    REGISTERED = "REGISTERED"
    FAILED = "FAILED"
    NOT_CONFIGURED = "NOT_CONFIGURED"


@dataclass(frozen=True, slots=True)
class ManufacturingRecord:
    """The columns of contract manufacturing section 2. None: the column is absent, NULL or empty,
    or holds what the station never writes there.

    Sizes are in bytes; `mmc_size` is None for 0 too, which is written for an unknown size. Times
    are in UTC. `jtag_locked` and `eeprom_write_protected` are what was asked for, the other flags
    what was seen. `serial` is empty where the table has none.
    """

    id: int
    serial: str
    duid: str | None
    board: str | None
    board_revision: str | None
    processor: str | None
    memory: str | None
    manufacturer: str | None
    ethernet_mac: str | None
    wifi_mac: str | None
    bluetooth_mac: str | None
    mmc_size: int | None
    mmc_cid: str | None
    secure: bool | None
    jtag_locked: bool | None
    eeprom_write_protected: bool | None
    public_key_programmed: bool | None
    development_key_revoked: bool | None
    signed_boot_enabled: bool | None
    image: str | None
    image_sha256: str | None
    connect_status: ConnectStatus | None
    connect_device_id: str | None
    eeprom_size: int | None
    eeprom_jedec: str | None
    eeprom_unique_id: str | None
    bootloader_built_at: datetime | None
    key_fingerprint: str | None
    key_label: str | None
    provisioned_at: datetime | None


def record_of(row: Row) -> ManufacturingRecord:
    """Returns the row as a record."""
    return ManufacturingRecord(
        id=whole(row.get("id")) or 0,
        serial=text(row.get("serial")) or "",
        duid=text(row.get("rpi_duid")),
        board=text(row.get("boardname")),
        board_revision=text(row.get("board_revision")),
        processor=text(row.get("processor")),
        memory=text(row.get("memory")),
        manufacturer=text(row.get("manufacturer")),
        ethernet_mac=text(row.get("eth_mac")),
        wifi_mac=text(row.get("wifi_mac")),
        bluetooth_mac=text(row.get("bt_mac")),
        mmc_size=whole(row.get("mmc_size")) or None,
        mmc_cid=text(row.get("mmc_cid")),
        secure=flag(row.get("secure")),
        jtag_locked=flag(row.get("jtag_locked")),
        eeprom_write_protected=flag(row.get("eeprom_write_protected")),
        public_key_programmed=flag(row.get("pubkey_programmed")),
        development_key_revoked=flag(row.get("devkey_revoked")),
        signed_boot_enabled=flag(row.get("signed_boot_enabled")),
        image=text(row.get("os_image_filename")),
        image_sha256=text(row.get("os_image_sha256")),
        connect_status=_connect_status(row),
        connect_device_id=text(row.get("connect_device_id")),
        eeprom_size=whole(row.get("eeprom_size")),
        eeprom_jedec=text(row.get("eeprom_jedec")),
        eeprom_unique_id=text(row.get("eeprom_unique_id")),
        bootloader_built_at=built_at(row.get("bootloader_build_timestamp")),
        key_fingerprint=text(row.get("customer_key_fingerprint")),
        key_label=text(row.get("customer_key_label")),
        provisioned_at=moment(row.get("provision_ts")),
    )


def text(cell: Cell) -> str | None:
    """Returns the cell as text, None for NULL and for the empty text."""
    if type(cell) is str:
        return cell or None
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace") or None
    return None if cell is None else str(cell) or None


def whole(cell: Cell) -> int | None:
    """Returns the whole number, None for anything else."""
    return cell if isinstance(cell, int) else None


_ANSWERS = {"1": True, "0": False}


def flag(cell: Cell) -> bool | None:
    """Returns what 1 and 0 say, None for anything else: an unknown answer is written as ''."""
    return _ANSWERS.get(cell if type(cell) is str else str(cell))


def moment(cell: Cell) -> datetime | None:
    """Returns the time of a `current_timestamp` text, which is UTC without saying so; to the
    second. None where the cell is no such text."""
    if not isinstance(cell, str) or len(cell) < CURRENT_TIMESTAMP:
        return None
    try:
        found = datetime.fromisoformat(cell)
        aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return aware.replace(microsecond=0)


def built_at(cell: Cell) -> datetime | None:
    """Returns the time that the seconds since the epoch tell, None for anything else."""
    seconds = whole(cell)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _connect_status(row: Row) -> ConnectStatus | None:
    if "connect_registered" not in row:
        return None
    cell = row["connect_registered"]
    if cell is None:
        return ConnectStatus.NOT_CONFIGURED
    registered = flag(cell)
    if registered is None:
        return None
    return ConnectStatus.REGISTERED if registered else ConnectStatus.FAILED
