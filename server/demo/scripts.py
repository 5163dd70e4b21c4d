"""What the station's scripts leave behind: state rows, manufacturing records, log lines.

Each write is what another process would do: a connection of its own, WAL, a busy timeout of 5 s
(contract devices section 3, manufacturing section 2).
"""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from domain.host_paths import HostPaths
from server.demo.batches import Batch
from server.demo.boards import Board

LOGS = "/var/log/rpi-sb-provisioner"
STAMP = "%Y-%m-%d %H:%M:%S"
STATES = (
    "CREATE TABLE IF NOT EXISTS devices(id integer primary key, serial TEXT not null, "
    "endpoint TEXT not null, state TEXT not null, image TEXT not null, "
    "ip_address TEXT not null, board_type TEXT not null default '', "
    "ts timestamp default current_timestamp)"
)
RECORDS = (
    "CREATE TABLE IF NOT EXISTS devices(id integer primary key, boardname varchar(255) not null, "
    "serial char(8) not null, eth_mac char(17) not null, wifi_mac char(17) not null, "
    "bt_mac char(17) not null, mmc_size integer not null, mmc_cid char(32) not null, "
    "rpi_duid char(32) not null, board_revision varchar(255) not null, "
    "processor varchar(255) not null, memory varchar(255) not null, "
    "manufacturer varchar(255) not null, secure integer not null default 1, "
    "jtag_locked integer default NULL, eeprom_write_protected integer default NULL, "
    "pubkey_programmed integer default NULL, devkey_revoked integer default NULL, "
    "signed_boot_enabled integer default NULL, os_image_filename varchar(255) default NULL, "
    "os_image_sha256 char(64) default NULL, connect_registered integer default NULL, "
    "connect_device_id varchar(255) default NULL, eeprom_size integer default NULL, "
    "eeprom_jedec char(6) default NULL, eeprom_unique_id varchar(32) default NULL, "
    "bootloader_build_timestamp integer default NULL, "
    "customer_key_fingerprint char(64) default NULL, "
    "customer_key_label varchar(255) default NULL, "
    "provision_ts timestamp default current_timestamp)"
)


class Scripts:
    """Writes below the station's root; `key` is fingerprint and label of the active signing key."""

    def __init__(self, paths: HostPaths, *, key: tuple[str, str]) -> None:
        self._states = paths.real(paths.state_db)
        self._records = paths.real(paths.manufacturing_db)
        self._paths = paths
        self._key = key

    def make_databases(self) -> None:
        """Makes both databases as the package's post-install step does: WAL, 0644."""
        for file, table in ((self._states, STATES), (self._records, RECORDS)):
            file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(file)) as connection, connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute(table)
            file.chmod(0o644)

    def record_state(
        self, serial: str, endpoint: str, state: str, *, image: str, board_type: str, at: datetime
    ) -> None:
        """Appends a state row."""
        names = "serial, endpoint, state, image, ip_address, board_type, ts"
        values = (serial, endpoint, state, image, "", board_type, _stamp(at))
        _insert(self._states, names, values)

    def record_manufacturing(self, board: Board, batch: Batch, *, at: datetime) -> None:
        """Inserts the manufacturing record of a board that is done."""
        model, secure = board.model, int(batch.style == "SB")
        fingerprint, label = self._key if secure else ("", "")
        record: dict[str, str | int | None] = {
            "boardname": model.name,
            "serial": board.serial,
            "eth_mac": board.eth_mac,
            "wifi_mac": board.wifi_mac,
            "bt_mac": board.bt_mac,
            "mmc_size": model.mmc_size,
            "mmc_cid": board.mmc_cid,
            "rpi_duid": board.duid,
            "board_revision": "0x0",
            "processor": model.processor,
            "memory": model.memory,
            "manufacturer": "Sony UK",
            "secure": secure,
            "jtag_locked": secure or None,
            "pubkey_programmed": secure,
            "devkey_revoked": 0,
            "signed_boot_enabled": secure,
            "os_image_filename": batch.image.summary,
            "os_image_sha256": batch.image.sha256,
            "connect_registered": 1 if batch.connect else None,
            "connect_device_id": f"demo-{board.duid[-6:]}" if batch.connect else "",
            "eeprom_size": model.eeprom_size or None,
            "eeprom_jedec": model.eeprom_jedec or None,
            "eeprom_unique_id": board.eeprom_unique_id or None,
            "customer_key_fingerprint": fingerprint or None,
            "customer_key_label": label or None,
            "provision_ts": _stamp(at),
        }
        _insert(self._records, ", ".join(record), tuple(record.values()))

    def log(self, folder: str, name: str, text: str, *, at: datetime) -> None:
        """Appends a line to `folder`/`name`.log (contract devices section 5)."""
        file = self._paths.real(f"{LOGS}/{folder}/{name}.log")
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(f"[{at.astimezone():{STAMP}}.{at.microsecond // 1000:03d}] {text}\n")


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime(STAMP)


def _insert(file: Path, names: str, values: tuple[str | int | None, ...]) -> None:
    places = ", ".join("?" * len(values))
    with closing(sqlite3.connect(file, timeout=5)) as connection, connection:
        connection.execute(f"INSERT INTO devices({names}) VALUES({places})", values)
