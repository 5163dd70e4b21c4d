"""Audit logs on disk for tests: written by us, by the existing service, and looked at plainly."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.audit.log_file import LogFile
from adapters.audit.verifying import verify_file
from domain.audit.entries import AuditEntry, EventType, file_entry
from domain.audit.retention import PRUNED

AT = datetime(2026, 8, 1, 12, tzinfo=UTC)
OLD_TABLE = (
    "CREATE TABLE audit_log (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL,"
    " event_type TEXT NOT NULL, client_ip TEXT, user_agent TEXT, handler_path TEXT,"
    " operation TEXT, target_path TEXT, success INTEGER, username TEXT, additional_info TEXT)"
)
OLD_INSERT = (
    "INSERT INTO audit_log(timestamp, event_type, client_ip, user_agent, handler_path)"
    " VALUES (?, 'HANDLER_ACCESS', '127.0.0.1', '', ?)"
)


def entry(path: str, at: datetime | None = None) -> AuditEntry:
    """Returns an entry to be written."""
    moment = at or datetime.now(UTC)
    return AuditEntry(
        EventType.HANDLER_ACCESS, moment, handler_path=path, client_ip="127.0.0.1", outcome="OK"
    )


def announcement(up_to: int) -> AuditEntry:
    """Returns the entry that retention writes before it takes out the rows up to `up_to`."""
    info = PRUNED.format(oldest=1, up_to=up_to)
    return file_entry(None, "DELETE", "/audit.db", at=datetime.now(UTC), info=info)


def write(file: Path, count: int, *, first: int = 1) -> None:
    """Writes entries `/1`, `/2`, ... a second apart."""
    log = LogFile(file)
    numbers = range(first, first + count)
    log.append([entry(f"/{n}", AT + timedelta(seconds=n)) for n in numbers])
    log.close()


def write_old(file: Path, *paths: str, at: datetime = AT) -> None:
    """Writes rows as the existing service does, its table and index made where missing."""
    local = at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    make = OLD_TABLE.replace("TABLE", "TABLE IF NOT EXISTS", 1)
    change(file, make, "CREATE INDEX IF NOT EXISTS idx_timestamp ON audit_log(timestamp)")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.executemany(OLD_INSERT, [(local, path) for path in paths])


def change(file: Path, *statements: str) -> None:
    """Changes the file behind the service's back."""
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def paths(file: Path) -> list[str]:
    """Returns the paths in the file, in the order of ids."""
    return [str(row[0]) for row in select(file, "SELECT handler_path FROM audit_log ORDER BY id")]


def select(file: Path, query: str) -> Sequence[sqlite3.Row]:
    """Returns rows of the file."""
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


def found(file: Path) -> list[tuple[str, int, int]]:
    """Returns what verifying finds."""
    return [(f.wrong.value, f.first, f.last) for f in verify_file(file).findings]
