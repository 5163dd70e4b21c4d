"""The export of manufacturing records as text: CSV, NDJSON or one JSON array, row by row."""

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import NewType

from domain.manufacturing.record import Cell, Row, built_at, flag, moment, text, whole

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A text that begins so is a formula to a spreadsheet (OWASP, CSV injection)."""

CsvText = NewType("CsvText", str)
"""Lines of CSV, ready to go out."""

# What the writer makes of such a cell, and of bytes. It sees harmless ones too, never misses one.
_DANGEROUS = re.compile(r"""(?:^|[\n,;])(?:"[=+\-@\t\r\n]|[=+\-@\t]|"?b['"])|;[\r\n]""")
# Where numbers have a comma, spreadsheets part cells at a semicolon.
_INNER_FORMULA = re.compile(r";(?=[=+\-@\t\r\n])")


class ExportFormat(StrEnum):
    """How records are written."""

    CSV = "CSV"
    NDJSON = "NDJSON"
    JSON = "JSON"

    @property
    def media_type(self) -> str:
        """The format's media type (RFC 4180, RFC 8259)."""
        return _MEDIA_TYPES[self]

    def file_name(self, now: datetime) -> str:
        """Returns a name that tells what it is, and when it was made."""
        stamp = now.astimezone(UTC).strftime("%Y-%m-%dT%H%M%SZ")
        return f"manufacturing-records-{stamp}.{self.lower()}"


_MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.NDJSON: "application/x-ndjson",
    ExportFormat.JSON: "application/json; charset=utf-8",
}


class ExportText:
    """Writes one export: `begin`, then `rows` as often as there are any, then `end`.

    CSV has every column as it was written, NULL as nothing, lines ended by CRLF; a text that a
    spreadsheet would take for a formula gets an apostrophe before it. JSON has numbers, booleans,
    RFC 3339 times in UTC and null for what is unknown, under the columns' own names.
    """

    def __init__(self, format: ExportFormat, columns: Sequence[str]) -> None:
        self._format = format
        self._columns = tuple(columns)
        self._is_first = True

    def begin(self) -> bytes:
        """Returns what stands before all rows."""
        if self._format is ExportFormat.CSV:
            return _csv([self._columns]) if self._columns else b""
        return b"[" if self._format is ExportFormat.JSON else b""

    def rows(self, rows: Sequence[Row] | CsvText) -> bytes:
        """Returns the text of some rows; it takes some milliseconds for a thousand."""
        if isinstance(rows, str):
            return rows.encode()
        if self._format is ExportFormat.CSV:
            return _csv([[row.get(name) for name in self._columns] for row in rows])
        lines = [_json(row) for row in rows]
        if self._format is ExportFormat.NDJSON:
            return "".join(f"{line}\n" for line in lines).encode()
        joined = ("" if self._is_first else ",") + "\n" + ",\n".join(lines)
        self._is_first = self._is_first and not lines
        return joined.encode() if lines else b""

    def end(self) -> bytes:
        """Returns what stands after all rows."""
        return b"\n]\n" if self._format is ExportFormat.JSON else b""


def plain_csv(lines: Sequence[str], columns: int) -> CsvText | None:
    """Returns rows that are compact JSON arrays as CSV, None unless that is what the writer would
    make of them: nothing in them needs quotes, and nothing begins as a formula does."""
    text = "".join([f"{line[1:-1]}\r\n" for line in lines])
    # Without a backslash no text has a quote, a line's end or another control character in it.
    is_plain = columns > 1 and "\\" not in text and text.count(",") == len(lines) * (columns - 1)
    if not is_plain or text.startswith("null") or "\nnull" in text:
        return None
    plain = text.replace(",null", ",").replace('"', "")
    # A minus may stand anywhere but at the beginning of a cell; the others are rare enough.
    is_harmless = not any(mark in plain for mark in "=+@")
    minus = any(begun in plain for begun in (",-", ";-", "\n-"))
    is_harmless = is_harmless and not (minus or plain.startswith("-"))
    return CsvText(plain) if is_harmless else None


def _csv(rows: Sequence[Sequence[Cell]]) -> bytes:
    plain = _written(rows)
    if _DANGEROUS.search(plain):
        plain = _written([[_harmless(cell) for cell in row] for row in rows])
    return plain.encode()


def _written(rows: Sequence[Sequence[Cell]]) -> str:
    file = io.StringIO(newline="")
    csv.writer(file).writerows(rows)
    return file.getvalue()


def _harmless(cell: Cell) -> Cell:
    if isinstance(cell, bytes):
        cell = text(cell)
    if not isinstance(cell, str):
        return cell
    cell = _INNER_FORMULA.sub(";'", cell)
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _json(row: Row) -> str:
    typed = {name: _TYPED.get(name, _as_it_is)(cell) for name, cell in row.items()}
    return json.dumps(typed, ensure_ascii=False, separators=(",", ":"))


def _as_it_is(cell: Cell) -> Cell:
    return text(cell) if isinstance(cell, bytes) else cell


def _time(cell: Cell) -> Cell:
    found = moment(cell)
    return text(cell) if found is None else found.isoformat()


def _built(cell: Cell) -> Cell:
    found = built_at(cell)
    return None if found is None else found.isoformat()


_FLAGS = (
    "secure",
    "jtag_locked",
    "eeprom_write_protected",
    "pubkey_programmed",
    "devkey_revoked",
    "signed_boot_enabled",
    "connect_registered",
)
_TEXTS = (
    "boardname",
    "serial",
    "eth_mac",
    "wifi_mac",
    "bt_mac",
    "mmc_cid",
    "rpi_duid",
    "board_revision",
    "processor",
    "memory",
    "manufacturer",
    "os_image_filename",
    "os_image_sha256",
    "connect_device_id",
    "eeprom_jedec",
    "eeprom_unique_id",
    "customer_key_fingerprint",
    "customer_key_label",
)
_TYPED: dict[str, Callable[[Cell], Cell]] = {
    **dict.fromkeys(_FLAGS, flag),
    **dict.fromkeys(_TEXTS, text),
    "mmc_size": whole,
    "eeprom_size": whole,
    "bootloader_build_timestamp": _built,
    "provision_ts": _time,
}
