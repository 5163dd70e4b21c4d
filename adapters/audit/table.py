"""The table of audit rows: its columns, how its file is opened, how an entry becomes a row."""

import os
import sqlite3
import stat
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from domain.audit.chain import Cell
from domain.audit.entries import STAMP, AuditEntry, StoredEntry
from domain.audit.filters import utc_text

# The order is the contract's (audit section 1); the reference reads by position, so ours come
# after.
COLUMNS = (
    ("timestamp", "TEXT NOT NULL"),
    ("event_type", "TEXT NOT NULL"),
    ("client_ip", "TEXT"),
    ("user_agent", "TEXT"),
    ("handler_path", "TEXT"),
    ("operation", "TEXT"),
    ("target_path", "TEXT"),
    ("success", "INTEGER"),
    ("username", "TEXT"),
    ("additional_info", "TEXT"),
    ("caller", "TEXT"),
    ("correlation_id", "TEXT"),
    ("surface", "TEXT"),
    ("outcome", "TEXT"),
    ("peer_ip", "TEXT"),
    ("utc", "TEXT"),
)
NAMES = ("id", *(name for name, _ in COLUMNS))
CREATE = (
    "CREATE TABLE IF NOT EXISTS audit_log (id INTEGER PRIMARY KEY AUTOINCREMENT, "
    + ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
    + ")"
)
TIMESTAMPS = "CREATE INDEX IF NOT EXISTS idx_timestamp ON audit_log(timestamp)"
INSERT = (
    f"INSERT INTO audit_log ({', '.join(NAMES)}) "  # noqa: S608 -- constants
    f"VALUES ({', '.join('?' * len(NAMES))})"
)
PLACE = "/srv/rpi-sb-provisioner/audit.db"
BUSY_SECONDS = 5.0
MODE = 0o640

Row = tuple[Cell, ...]


def open_file(path: Path) -> sqlite3.Connection:
    """Opens the file, made where missing; raises OSError and sqlite3.Error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path.name} is not a regular file")
        os.fchmod(handle, MODE)
    finally:
        os.close(handle)
    return sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )


def keep_journal(connection: sqlite3.Connection) -> None:
    """Makes commits durable, in the journal mode that the file has."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        # A rollback journal as before, truncated instead of removed: one folder sync less.
        connection.execute("PRAGMA journal_mode=TRUNCATE")
    connection.execute("PRAGMA synchronous=FULL")


def prepare_table(connection: sqlite3.Connection) -> None:
    """Makes the table where it is missing, and adds our columns to an old one."""
    connection.execute(CREATE)
    connection.execute(TIMESTAMPS)
    present = columns_of(connection)
    for name, kind in COLUMNS:
        if name not in present:
            connection.execute(f"ALTER TABLE audit_log ADD COLUMN {name} {kind}")


def columns_of(connection: sqlite3.Connection) -> set[str]:
    """Returns the names of the columns that the table has."""
    return {row[1] for row in connection.execute("PRAGMA table_info(audit_log)")}


def file_identity(path: Path) -> tuple[int, int] | None:
    """Returns which file is at `path`, None where none is."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def row_of(id: int, entry: AuditEntry) -> Row:
    """Returns the values of the row, in the order of `NAMES`."""
    return (
        id,
        # Local time without a zone, as every old reader expects; `utc` beside it is unambiguous.
        _local(int(entry.at.timestamp())),
        entry.event_type.value,
        _text(entry.client_ip),
        _text(entry.user_agent),
        _text(entry.handler_path),
        _text(entry.operation),
        _text(entry.target_path),
        None if entry.success is None else int(entry.success),
        _text(entry.username),
        _text(entry.additional_info),
        _text(entry.caller),
        entry.correlation_id,
        entry.surface,
        entry.outcome,
        entry.peer_ip,
        utc_text(entry.at),
    )


def stored_of(row: Sequence[Cell]) -> StoredEntry:
    """Returns the entry in a row of `NAMES`; values of another kind than ours become texts."""
    id, success = row[0], row[8]
    texts = [_shown(value) for value in row]
    return StoredEntry(
        id=id if isinstance(id, int) else 0,
        timestamp=texts[1] or "",
        event_type=texts[2] or "",
        client_ip=texts[3],
        user_agent=texts[4],
        handler_path=texts[5],
        operation=texts[6],
        target_path=texts[7],
        success=None if success is None else success != 0,
        username=texts[9],
        additional_info=texts[10],
        caller=texts[11],
        correlation_id=texts[12],
        surface=texts[13],
        outcome=texts[14],
        peer_ip=texts[15],
        utc=texts[16],
    )


@lru_cache(maxsize=64)
def _local(seconds: int) -> str:
    return time.strftime(STAMP, time.localtime(seconds))


def _text(value: str | None) -> str | None:
    """Returns a text that SQLite takes: names of files may hold bytes that are no Unicode."""
    if value is None or value.isascii():
        return value
    return value.encode("utf-8", "replace").decode()


def _shown(value: Cell) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
