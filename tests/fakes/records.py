"""Manufacturing records without a database, and the tables that stations have had."""

import json
from collections.abc import Collection, Sequence

from domain.errors import Unavailable
from domain.manufacturing.record import Cell, Row
from domain.manufacturing.records import Place

LOGICAL = "/srv/rpi-sb-provisioner/manufacturing.db"

_IDENTITY = """id integer primary key, boardname varchar(255) not null, serial char(8) not null,
 eth_mac char(17) not null, wifi_mac char(17) not null, bt_mac char(17) not null,
 mmc_size integer not null, mmc_cid char(32) not null, rpi_duid char(32) not null,
 board_revision varchar(255) not null, processor varchar(255) not null,
 memory varchar(255) not null, manufacturer varchar(255) not null"""
_SECURE = "secure integer not null default 1"
_FLAGS = """jtag_locked integer default NULL, eeprom_write_protected integer default NULL,
 pubkey_programmed integer default NULL, devkey_revoked integer default NULL,
 signed_boot_enabled integer default NULL, os_image_filename varchar(255) default NULL,
 os_image_sha256 char(64) default NULL"""
_LATE = """connect_registered integer default NULL, connect_device_id varchar(255) default NULL,
 eeprom_size integer default NULL, eeprom_jedec char(6) default NULL,
 eeprom_unique_id varchar(32) default NULL, bootloader_build_timestamp integer default NULL,
 customer_key_fingerprint char(64) default NULL, customer_key_label varchar(255) default NULL"""
_TIME = "provision_ts timestamp default current_timestamp"

CURRENT = f"{_IDENTITY}, {_SECURE}, {_FLAGS}, {_LATE}, {_TIME}"
VARIANTS = {
    "current": CURRENT,
    "by the script": CURRENT.replace(" default 1", ""),
    "secure as text": CURRENT.replace("secure integer", "secure text"),
    "before Connect and keys": f"{_IDENTITY}, {_SECURE}, {_FLAGS}, {_TIME}",
    "before the flags": f"{_IDENTITY}, {_SECURE}, {_TIME}",
    "before secure": f"{_IDENTITY}, {_TIME}",
    "the first": _IDENTITY,
    "with a column nobody knows": f"{CURRENT}, batch varchar(255)",
}
"""Every table a station may still have (contract manufacturing section 2: the service never
migrates), by what marks it."""


def insert_sql(schema: str, *serials: str) -> str:
    """Returns the statements that add a record for each serial to a table of `schema`."""
    values = {
        "boardname": "CM5",
        "eth_mac": "",
        "wifi_mac": "",
        "bt_mac": "",
        "mmc_size": "0",
        "mmc_cid": "",
        "rpi_duid": "",
        "board_revision": "0x0",
        "processor": "BCM2712",
        "memory": "2GB",
        "manufacturer": "Sony UK",
    }
    if "secure " in schema:
        # What the script writes when fastboot gives an unknown answer.
        values["secure"] = ""
    texts = ", ".join(f"'{value}'" for value in values.values())
    return "".join(
        f"INSERT INTO devices({', '.join(values)}, serial) VALUES ({texts}, '{serial}');"
        for serial in serials
    )


def record_row(id: int, **cells: Cell) -> dict[str, Cell]:
    """Returns a row of the current table, each column filled as the station fills it."""
    serial = f"10000000{id:08x}"
    return {
        "id": id,
        "boardname": "CM5",
        "serial": serial,
        "eth_mac": f"2c:cf:67:00:00:{id % 256:02x}",
        "wifi_mac": "",
        "bt_mac": "",
        "mmc_size": 15634268160,
        "mmc_cid": "",
        "rpi_duid": f"{id:016d}",
        "board_revision": "0x0",
        "processor": "BCM2712",
        "memory": "2GB",
        "manufacturer": "Sony UK",
        "secure": 1,
        "jtag_locked": 0,
        "eeprom_write_protected": 0,
        "pubkey_programmed": 1,
        "devkey_revoked": 0,
        "signed_boot_enabled": 1,
        "os_image_filename": "line.img",
        "os_image_sha256": "ab" * 32,
        "connect_registered": None,
        "connect_device_id": "",
        "eeprom_size": 2097152,
        "eeprom_jedec": "ef4015",
        "eeprom_unique_id": f"{id:016x}",
        "bootloader_build_timestamp": 1780326194,
        "customer_key_fingerprint": "cd" * 32,
        "customer_key_label": "main",
        "provision_ts": f"2026-07-{1 + id // 1440 % 28:02d} {id // 60 % 24:02d}:{id % 60:02d}:00",
        **cells,
    }


class FakeRecords:
    """Satisfies `Records` with rows in memory; set `failure` and every method raises it."""

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self.by_id = {id: row for row in rows if isinstance(id := row["id"], int)}
        self.where = Place(LOGICAL, configured=True, present=True)
        self.failure: Unavailable | None = None
        self.lacking: set[str] = set()

    def add(self, *rows: Row) -> None:
        self.by_id |= FakeRecords(rows).by_id

    async def count(self) -> int:
        self._check()
        return len(self.by_id)

    async def probe(self) -> None:
        self._check()

    async def place(self) -> Place:
        self._check()
        return self.where

    async def columns(self) -> tuple[str, ...]:
        self._check()
        names = next(iter(self.by_id.values()), {})
        return tuple(name for name in names if name not in self.lacking)

    async def rows(self, ids: Collection[int]) -> Sequence[Row]:
        self._check()
        return [self.by_id[id] for id in ids if id in self.by_id]

    async def rows_after(self, id: int, *, most: int) -> Sequence[Row]:
        self._check()
        return [self.by_id[known] for known in sorted(self.by_id) if known > id][:most]

    async def rows_before(self, id: int, *, most: int) -> Sequence[Row]:
        self._check()
        return [self.by_id[known] for known in sorted(self.by_id)[::-1] if known < id][:most]

    async def next_ids(self, id: int, *, most: int, descending: bool) -> Sequence[int]:
        get = self.rows_before if descending else self.rows_after
        return [int(str(row["id"])) for row in await get(id, most=most)]

    async def json_lines(self, ids: Collection[int], columns: Sequence[str]) -> list[str] | None:
        rows = [[row.get(name) for name in columns] for row in await self.rows(ids)]
        if any(isinstance(cell, bytes | float) for row in rows for cell in row):
            return None
        return [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows]

    async def ids_by_time(self) -> Sequence[int]:
        self._check()
        keys = [(str(row["provision_ts"]), id) for id, row in self.by_id.items()]
        return [id for _, id in sorted(keys, reverse=True)]

    async def ids_of_duid(self, duid: str) -> Sequence[int]:
        self._check()
        ids = sorted(self.by_id, reverse=True)
        return [id for id in ids if self.by_id[id].get("rpi_duid") == duid]

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure
