"""The table of audit rows: its columns, how its file is opened, how an entry becomes a row."""

import os
import sqlite3
import stat
from datetime import UTC
from pathlib import Path

from domain.audit import AuditEntry

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
CREATE = (
    "CREATE TABLE IF NOT EXISTS audit_log (id INTEGER PRIMARY KEY AUTOINCREMENT, "
    + ", ".join(f"{name} {kind}" for name, kind in COLUMNS)
    + ")"
)
INDEX = "CREATE INDEX IF NOT EXISTS idx_timestamp ON audit_log(timestamp)"
INSERT = (
    f"INSERT INTO audit_log ({', '.join(name for name, _ in COLUMNS)}) "  # noqa: S608 -- constants
    f"VALUES ({', '.join('?' * len(COLUMNS))})"
)
BUSY_SECONDS = 5.0


def open_table(path: Path) -> sqlite3.Connection:
    """Opens the file, made with its table where missing; raises OSError and sqlite3.Error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path.name} is not a regular file")
        os.fchmod(handle, 0o640)
    finally:
        os.close(handle)
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        # A rollback journal as before, truncated instead of removed: one folder sync less.
        connection.execute("PRAGMA journal_mode=TRUNCATE")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(CREATE)
    connection.execute(INDEX)
    present = {row[1] for row in connection.execute("PRAGMA table_info(audit_log)")}
    for name, kind in COLUMNS:
        if name not in present:
            connection.execute(f"ALTER TABLE audit_log ADD COLUMN {name} {kind}")


def file_identity(path: Path) -> tuple[int, int] | None:
    """Returns which file is at `path`, None where none is."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def row_of(entry: AuditEntry) -> tuple[str | int | None, ...]:
    """Returns the values of the row, in the order of `COLUMNS`."""
    return (
        # Local time without a zone, as every old reader expects; `utc` beside it is unambiguous.
        entry.at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        entry.event_type.value,
        entry.client_ip,
        entry.user_agent,
        entry.handler_path,
        entry.operation,
        entry.target_path,
        None if entry.success is None else int(entry.success),
        entry.username,
        entry.additional_info,
        entry.caller,
        entry.correlation_id,
        entry.surface,
        entry.outcome,
        entry.peer_ip,
        entry.at.astimezone(UTC).isoformat(timespec="milliseconds"),
    )
