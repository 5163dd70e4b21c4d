"""state.db as the station's scripts write it: one row for each change (contract devices
section 3)."""

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from server.demo.attempts import Attempt, Move, Phase
from server.demo.scripts import Script

BUSY_SECONDS = 5.0
SCHEMA = """CREATE TABLE IF NOT EXISTS devices(
    id          integer   primary key,
    serial      TEXT      not null,
    endpoint    TEXT      not null,
    state       TEXT      not null,
    image       TEXT      not null,
    ip_address  TEXT      not null,
    board_type  TEXT      not null default '',
    ts          timestamp default current_timestamp
)"""
_INSERT = (
    "INSERT INTO devices(serial, endpoint, state, image, ip_address, board_type, ts) "
    "VALUES(?, ?, ?, ?, '', ?, ?)"
)


def sql_time(at: datetime) -> str:
    """Returns `at` as SQLite's current_timestamp writes it: UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


@contextlib.contextmanager
def open_states(path: Path) -> Iterator[sqlite3.Connection]:
    """Opens the database as `record_state` does: made if missing, WAL, busy timeout 5 s."""
    # The table is there for everybody to read, whatever this process's umask is.
    path.touch(mode=0o644)
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(SCHEMA)
        with connection:
            yield connection


def add_state(
    connection: sqlite3.Connection, attempt: Attempt, move: Move, script: Script, *, at: datetime
) -> None:
    """Appends the row that `move` writes, with what its script knows."""
    excluded = move.state == "PORT-EXCLUDED"
    # Bootstrap excludes a port before it has read the configuration; triage reads that first.
    image = "" if excluded and move.phase is Phase.BOOTSTRAP else attempt.batch.image.summary
    # An excluded port is recorded under the stage's name (contract devices section 3).
    endpoint = move.phase.value if excluded else script.endpoint
    row = (script.serial, endpoint, move.state, image, script.board_type, sql_time(at))
    connection.execute(_INSERT, row)
