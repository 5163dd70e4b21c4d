"""manufacturing.db as the station's scripts write it: one row for each finished board (contract
manufacturing sections 1, 2)."""

import contextlib
import hashlib
import sqlite3
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from adapters.manufacturing.new_database import SCHEMA
from server.demo.attempts import Attempt
from server.demo.boards import Board
from server.demo.firmware import bootloader_time
from server.demo.signing_keys import SigningKey
from server.demo.states import BUSY_SECONDS, sql_time

Cell = str | int | None


def create_records(path: Path) -> None:
    """Makes the database as the package's post-install step does."""
    path.touch(mode=0o644)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(SCHEMA)


@contextlib.contextmanager
def open_records(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens the database as `metadata_gather` does: only if it is there, busy timeout 5 s.

    Raises sqlite3.OperationalError when it is missing.
    """
    address = f"{path.absolute().as_uri()}?mode=rw"
    connecting = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)
    with contextlib.closing(connecting) as connection, connection:
        yield connection


def add_record(
    connection: sqlite3.Connection, attempt: Attempt, *, key: SigningKey, at: datetime
) -> None:
    """Inserts the record of the finished board."""
    record = {
        **_identity(attempt.board),
        **_security(attempt.batch.style),
        "os_image_filename": attempt.batch.image.summary,
        "os_image_sha256": attempt.batch.image.sha256,
        **_connect(attempt),
        **_eeprom(attempt.board),
        # The key that is active at this moment, whatever the style; none before there was one.
        "customer_key_fingerprint": key.fingerprint if at >= key.added_at else None,
        "customer_key_label": key.label if at >= key.added_at else None,
        "provision_ts": sql_time(at),
    }
    columns, places = ", ".join(record), ", ".join("?" * len(record))
    connection.execute(
        f"INSERT INTO devices({columns}) VALUES({places})",
        tuple(record.values()),
    )


def _identity(board: Board) -> dict[str, Cell]:
    return {
        "boardname": board.model.name,
        "serial": board.serial,
        "eth_mac": board.eth_mac,
        "wifi_mac": board.wifi_mac,
        "bt_mac": board.bt_mac,
        "mmc_size": board.model.mmc_size,
        "mmc_cid": board.mmc_cid,
        "rpi_duid": board.duid,
        "board_revision": "0x0",
        "processor": board.model.processor,
        "memory": board.model.memory,
        "manufacturer": "Sony UK",
    }


def _security(style: str) -> dict[str, Cell]:
    secure = int(style == "SB")
    # Neither lock is configured: 0 on a secure board, unknown on others (contract
    # manufacturing section 2).
    locked = 0 if secure else None
    return {
        "secure": secure,
        "jtag_locked": locked,
        "eeprom_write_protected": locked,
        "pubkey_programmed": secure,
        "devkey_revoked": 0,
        "signed_boot_enabled": secure,
    }


def _connect(attempt: Attempt) -> dict[str, Cell]:
    if not attempt.batch.connect:
        return {"connect_registered": None, "connect_device_id": ""}
    digest = hashlib.sha256(attempt.board.serial.encode()).digest()
    if digest[0] < 16:  # now and then Connect cannot be reached
        return {"connect_registered": 0, "connect_device_id": ""}
    identity = uuid.UUID(bytes=digest[:16], version=4)
    return {"connect_registered": 1, "connect_device_id": str(identity)}


def _eeprom(board: Board) -> dict[str, Cell]:
    present = bool(board.model.eeprom_size)
    built = bootloader_time(board.model.usb_product) if present else None
    return {
        "eeprom_size": board.model.eeprom_size if present else None,
        "eeprom_jedec": board.model.eeprom_jedec if present else None,
        "eeprom_unique_id": board.eeprom_unique_id if present else None,
        "bootloader_build_timestamp": int(built.astimezone(UTC).timestamp()) if built else None,
    }
