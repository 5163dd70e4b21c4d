"""What the record index takes from a row of the shell side's table: SQL over the columns that
the table really has."""

import sqlite3
from collections.abc import Collection
from datetime import datetime

from domain.manufacturing.record import moment
from domain.serials import board_key

NO_TIME = -(2**62)
"""The time of a record that has none: it sorts as NULL does, before all others."""

TEXTS = (
    "boardname",
    "processor",
    "memory",
    "manufacturer",
    "board_revision",
    "os_image_filename",
    "os_image_sha256",
    "customer_key_fingerprint",
    "customer_key_label",
)
FLAGS = (
    "secure",
    "jtag_locked",
    "eeprom_write_protected",
    "pubkey_programmed",
    "devkey_revoked",
    "signed_boot_enabled",
)
CONNECT = "connect_registered"
VARIANT = (*TEXTS, *FLAGS, CONNECT)
"""Columns in which boards of one batch are alike: there are few combinations of their values."""

NOT_CONFIGURED = 2
"""What NULL in `connect_registered` becomes; NULL in the index is unknown."""

OWN_TEXTS = (
    "serial",
    "rpi_duid",
    "eth_mac",
    "wifi_mac",
    "bt_mac",
    "mmc_cid",
    "connect_device_id",
    "eeprom_unique_id",
)
"""Columns in which boards differ: what a search for a part of a text looks through."""


def projection(columns: Collection[str]) -> str:
    """Returns the SELECT list over `devices` that fills `BATCH`.

    An absent column gives NULL: SQLite would take its quoted name for a text.
    """
    present = frozenset(columns)
    return ", ".join(
        (
            "devices.id",
            f"coalesce({_text('serial', present)}, '')",
            f"coalesce({_text('rpi_duid', present)}, '')",
            f"coalesce({_time(present)}, {NO_TIME})",
            _odd(present),
            _searched(present),
            *(_text(name, present) for name in TEXTS),
            *(_flag(name, present) for name in FLAGS),
            _connect(present),
        )
    )


BATCH = ("id", "serial", "duid", "at", "odd", "text", *VARIANT)
"""The columns of a batch, in the projection's order; its signature comes after them."""

SIGNATURE = f"json_array({', '.join(VARIANT)})"
"""One text for each combination of the variant columns, NULL told from the empty text."""

ORDERED = frozenset({"serial", "rpi_duid", "boardname", "os_image_filename"})
"""Texts that records are ordered by or looked up with: what is no UTF-8 has no place in an order
that clients can name."""

# Python's rule, called only where SQLite's `lower` would not do the same.
BOARD = (
    "CASE WHEN batch.serial GLOB '*[^ -~]*' THEN board_key(batch.serial) "
    "WHEN length(batch.serial) = 16 AND batch.serial NOT GLOB '*[^0-9a-fA-F]*' "
    "THEN substr(lower(batch.serial), 9) ELSE lower(batch.serial) END"
)
"""`domain.serials.board_key` of a batch's row."""


def add_functions(connection: sqlite3.Connection) -> None:
    """Gives the connection what the projection calls for rare rows."""
    for name, function in (("mended", mended), ("board_key", board_key), ("epoch", _epoch)):
        connection.create_function(name, 1, function, deterministic=True)


def _text(name: str, present: Collection[str]) -> str:
    if name not in present:
        return "NULL"
    if name not in ORDERED:
        return f"CAST(devices.{name} AS TEXT)"
    return (
        f"CASE WHEN devices.{name} GLOB '*[^ -~]*' THEN mended(CAST(devices.{name} AS BLOB)) "
        f"ELSE CAST(devices.{name} AS TEXT) END"
    )


def _time(present: Collection[str]) -> str:
    if "provision_ts" not in present:
        return "NULL"
    # `datetime('now')` is a time too: only a text that comes back unchanged is one.
    return (
        "CASE WHEN devices.provision_ts = datetime(devices.provision_ts, '+0 days') "
        "THEN unixepoch(devices.provision_ts) ELSE epoch(devices.provision_ts) END"
    )


def _odd(present: Collection[str]) -> str:
    if "provision_ts" not in present:
        return "0"
    return "devices.provision_ts IS NOT datetime(devices.provision_ts, '+0 days')"


def _searched(present: Collection[str]) -> str:
    texts = [f"coalesce({_text(name, present)}, '')" for name in OWN_TEXTS if name in present]
    return " || char(10) || ".join(texts) or "''"


def _flag(name: str, present: Collection[str]) -> str:
    if name not in present:
        return "NULL"
    return f"CASE CAST(devices.{name} AS TEXT) WHEN '1' THEN 1 WHEN '0' THEN 0 END"


def _connect(present: Collection[str]) -> str:
    if CONNECT not in present:
        return "NULL"
    return (
        f"CASE WHEN devices.{CONNECT} IS NULL THEN {NOT_CONFIGURED} "
        f"ELSE {_flag(CONNECT, present)} END"
    )


def mended(raw: bytes) -> str:
    """Returns the text in `raw`, what is no UTF-8 replaced."""
    return raw.decode("utf-8", "replace")


def _epoch(cell: str | int | float | bytes | None) -> int | None:
    found: datetime | None = moment(cell)
    return None if found is None else int(found.timestamp())
