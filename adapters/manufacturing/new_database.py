"""Makes manufacturing databases as the station's package does."""

import sqlite3
from contextlib import closing
from pathlib import Path

from domain.atomic_files import create_whole
from domain.host_paths import HostPaths
from domain.manufacturing.new_database import RecordDatabaseNotMade

MODE = 0o600
MOST_FOLDERS = 8
"""Folders that are made for a database; a longer way is a slip or mischief."""
SCHEMA = """CREATE TABLE devices(
    id                          integer      primary key,
    boardname                   varchar(255) not null,
    serial                      char(8)      not null,
    eth_mac                     char(17)     not null,
    wifi_mac                    char(17)     not null,
    bt_mac                      char(17)     not null,
    mmc_size                    integer      not null,
    mmc_cid                     char(32)     not null,
    rpi_duid                    char(32)     not null,
    board_revision              varchar(255) not null,
    processor                   varchar(255) not null,
    memory                      varchar(255) not null,
    manufacturer                varchar(255) not null,
    secure                      integer      not null default 1,
    jtag_locked                 integer      default NULL,
    eeprom_write_protected      integer      default NULL,
    pubkey_programmed           integer      default NULL,
    devkey_revoked              integer      default NULL,
    signed_boot_enabled         integer      default NULL,
    os_image_filename           varchar(255) default NULL,
    os_image_sha256             char(64)     default NULL,
    connect_registered          integer      default NULL,
    connect_device_id           varchar(255) default NULL,
    eeprom_size                 integer      default NULL,
    eeprom_jedec                char(6)      default NULL,
    eeprom_unique_id            varchar(32)  default NULL,
    bootloader_build_timestamp  integer      default NULL,
    customer_key_fingerprint    char(64)     default NULL,
    customer_key_label          varchar(255) default NULL,
    provision_ts                timestamp    default current_timestamp
)"""
"""Contract manufacturing 2; whoever writes the first row changes the journal mode by itself."""


class SqliteNewDatabase:
    """Satisfies `domain.manufacturing.new_database.NewDatabase`."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths

    def create(self, path: str) -> bool:
        """Makes the database at the logical path, whole or not at all."""
        real = self._paths.real(path)
        try:
            if real.exists():
                return False
            _make_folders(real.parent, path)
            create_whole(real, _empty_database(), mode=MODE)
        except FileExistsError:
            # Somebody else was faster, or a file stands where a folder must be.
            if real.exists():
                return False
            raise _not_made(path, "a file is in the way") from None
        except OSError as error:
            raise _not_made(path, error.strerror or "the disk failed") from error
        return True


def _make_folders(folder: Path, path: str) -> None:
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    if len(missing) > MOST_FOLDERS:
        raise _not_made(path, f"more than {MOST_FOLDERS} folders above it are missing")
    for one in reversed(missing):
        one.mkdir(exist_ok=True)


def _empty_database() -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(SCHEMA)
        return connection.serialize()


def _not_made(path: str, reason: str) -> RecordDatabaseNotMade:
    message = f"The manufacturing database {path} cannot be made: {reason}."
    return RecordDatabaseNotMade(message, detail=f"Path: {path}", field="value")
