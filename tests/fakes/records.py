"""Manufacturing records without a database, and the tables that stations have had."""

from domain.errors import Unavailable

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


class FakeRecords:
    """Satisfies `Records` with a number; set `failure` and every method raises it."""

    def __init__(self, number: int = 0) -> None:
        self.number = number
        self.failure: Unavailable | None = None

    async def count(self) -> int:
        self._check()
        return self.number

    async def probe(self) -> None:
        self._check()

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure
