"""The tables of our own beside the audit rows: links of the chain, its checkpoint, and blocks."""

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from adapters.audit.table import Row
from domain.audit.chain import HASH_BYTES, Checkpoint, Head, link
from domain.audit.filters import utc_text

TABLES = {
    "audit_chain": "id INTEGER PRIMARY KEY, hash BLOB NOT NULL",
    # The newest row counts. `up_to` and `hash`: what the first link follows; `pruned`: the last id
    # that retention took out.
    "audit_checkpoint": """id INTEGER PRIMARY KEY, up_to INTEGER NOT NULL, hash BLOB NOT NULL,
        pruned INTEGER NOT NULL, at TEXT NOT NULL""",
    # For every 1024 ids the moments between which they lie, and how many there are: so a range of
    # time is found without an index of its own, however the clock jumped.
    "audit_blocks": """block INTEGER PRIMARY KEY, earliest TEXT NOT NULL, latest TEXT NOT NULL,
        entries INTEGER NOT NULL""",
}
BLOCK_BITS = 10
BLOCK = 1 << BLOCK_BITS
SLICE_BLOCKS = 32
"""How many blocks of an old file are counted in one step."""

RARE = "event_type <> 'HANDLER_ACCESS'"
# Each serves one member of a filter, newest first; partial ones cost the other rows nothing.
INDEXES = {
    "audit_path": "(coalesce(handler_path, target_path))",
    "audit_caller": "(caller)",
    "audit_address": "(client_ip) WHERE client_ip IS NOT NULL",
    "audit_operation": "(operation) WHERE operation IS NOT NULL",
    "audit_outcome": "(outcome) WHERE outcome <> 'OK'",
    "audit_failures": "(id) WHERE success = 0 OR outcome <> 'OK'",
    "audit_kind": f"(event_type) WHERE {RARE}",
    "audit_kind_time": f"(event_type, timestamp) WHERE {RARE}",
    "audit_correlation": "(correlation_id) WHERE correlation_id IS NOT NULL",
}
# What the existing service wrote has local time, of whatever zone the station was in then: a day
# more on each side is safe. What is no time at all belongs to every range.
_EARLIEST = "coalesce(utc, strftime('%Y-%m-%dT%H:%M:%S.000+00:00', timestamp, 'utc', '-1 day'), '')"
_LATEST = "coalesce(utc, strftime('%Y-%m-%dT%H:%M:%S.999+00:00', timestamp, 'utc', '+1 day'), '~')"
_COUNT = (
    f"INSERT OR REPLACE INTO audit_blocks SELECT id >> {BLOCK_BITS}, min({_EARLIEST}),"  # noqa: S608 -- constants
    f" max({_LATEST}), count(*) FROM audit_log WHERE id BETWEEN ? AND ? GROUP BY 1"
)
_WIDEN = (
    "INSERT INTO audit_blocks VALUES (?, ?, ?, ?) ON CONFLICT(block) DO UPDATE SET"
    " earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest),"
    " entries = entries + excluded.entries"
)


def prepare_chain(connection: sqlite3.Connection) -> int:
    """Makes the tables where they are missing, inside the caller's transaction.

    Returns the highest id that was there before the chain began just now, 0 where nothing began.
    """
    for name, columns in TABLES.items():
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
    highest = last_given_out(connection)
    if not highest:
        # Cheap while it is empty; an old file gets them by and by.
        for name in INDEXES:
            make_index(connection, name)
    if find_checkpoint(connection) is not None:
        # What another program wrote while we were away.
        count_blocks(connection, (find_head(connection).id or 0) + 1, highest)
        return 0
    begin = (highest, secrets.token_bytes(HASH_BYTES), 0, utc_text(datetime.now(UTC)))
    connection.execute(
        "INSERT INTO audit_checkpoint (up_to, hash, pruned, at) VALUES (?, ?, ?, ?)", begin
    )
    count_blocks(connection, highest, highest)
    return highest


def upkeep(connection: sqlite3.Connection) -> Iterator[None]:
    """Brings an old file's blocks and indexes up to date, a step at a time."""
    # Downwards, so that what has its blocks is always the upper end without a gap.
    block = connection.execute("SELECT min(block) FROM audit_blocks").fetchone()[0]
    lowest = connection.execute("SELECT min(id) FROM audit_log").fetchone()[0]
    while block is not None and block << BLOCK_BITS > max(lowest, 0):
        high = (block << BLOCK_BITS) - 1
        block = max(block - SLICE_BLOCKS, 0)
        count_blocks(connection, block << BLOCK_BITS, high)
        yield
    for name in INDEXES:
        make_index(connection, name)
        yield


def make_index(connection: sqlite3.Connection, name: str) -> None:
    """Makes one of `INDEXES` where it is missing."""
    connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON audit_log{INDEXES[name]}")


def count_blocks(connection: sqlite3.Connection, low: int, high: int) -> None:
    """Counts the rows of all blocks between the ids `low` and `high` anew."""
    if low <= high:
        connection.execute(_COUNT, (low & -BLOCK, high | (BLOCK - 1)))


def widen_blocks(connection: sqlite3.Connection, first: int, moments: Sequence[str]) -> None:
    """Counts our own new rows into their blocks: `moments` of the ids from `first` on."""
    start, end = 0, len(moments)
    while start < end:
        block = (first + start) >> BLOCK_BITS
        stop = min(end, ((block + 1) << BLOCK_BITS) - first)
        texts = moments[start:stop]
        connection.execute(_WIDEN, (block, min(texts), max(texts), len(texts)))
        start = stop


def find_checkpoint(connection: sqlite3.Connection) -> Checkpoint | None:
    """Returns where the chain starts, None while it has not begun."""
    found = connection.execute(
        "SELECT up_to, hash, pruned FROM audit_checkpoint ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return None if found is None else Checkpoint(found[0], bytes(found[1]), found[2])


def find_head(connection: sqlite3.Connection) -> Head:
    """Returns the newest link; the checkpoint's own hash while there is none."""
    start = find_checkpoint(connection) or Checkpoint(0, bytes(HASH_BYTES))
    found = connection.execute(
        "SELECT id, hash FROM audit_chain WHERE id > ? ORDER BY id DESC LIMIT 1", (start.up_to,)
    ).fetchone()
    return Head(start.up_to, start.hash) if found is None else Head(found[0], bytes(found[1]))


def holds(connection: sqlite3.Connection, head: Head) -> bool:
    """Whether the chain on the disk still has this link, or has pruned it."""
    start = find_checkpoint(connection)
    if start is not None and head.id is not None and head.id <= start.pruned:
        return True
    if start is not None and (start.up_to, start.hash) == (head.id, head.hash):
        return True
    query = "SELECT hash FROM audit_chain WHERE id = ?"
    found = connection.execute(query, (head.id,)).fetchone()
    return found is not None and bytes(found[0]) == head.hash


def append_links(
    connection: sqlite3.Connection, head: Head, first: int, rows: Sequence[Row]
) -> Head:
    """Chains `rows` with the ids from `first` on, which have just been written; returns the new
    head."""
    links, hash = [], head.hash
    for id, row in enumerate(rows, first):
        hash = link(hash, row)
        links.append((id, hash))
    connection.executemany("INSERT INTO audit_chain VALUES (?, ?)", links)
    return Head(first + len(rows) - 1, hash)


def last_given_out(connection: sqlite3.Connection) -> int:
    """Returns the highest id that the table ever had."""
    counted = connection.execute(
        "SELECT seq FROM sqlite_sequence WHERE name = 'audit_log'"
    ).fetchone()
    highest = connection.execute("SELECT max(id) FROM audit_log").fetchone()[0]
    return max(counted[0] if counted else 0, highest or 0)


def prune_rows(connection: sqlite3.Connection, up_to: int, most: int) -> int:
    """Takes out at most `most` of the oldest rows with their links, up to the id `up_to`, inside
    the caller's transaction; moves the checkpoint and returns the last id that went (0: none)."""
    query = "SELECT id FROM audit_log WHERE id > 0 AND id <= ? ORDER BY id LIMIT ?"
    ids = [row[0] for row in connection.execute(query, (up_to, most))]
    start = find_checkpoint(connection)
    if not ids or start is None:
        return 0
    last = ids[-1]
    found = connection.execute("SELECT hash FROM audit_chain WHERE id = ?", (last,)).fetchone()
    if last > start.up_to and found is None:
        # A row of somebody else: the chain goes on behind the link before it.
        found = connection.execute(
            "SELECT hash FROM audit_chain WHERE id < ? AND id > ? ORDER BY id DESC LIMIT 1",
            (last, start.up_to),
        ).fetchone() or (start.hash,)
    moved = (last, found[0]) if last > start.up_to and found else (start.up_to, start.hash)
    connection.execute("DELETE FROM audit_log WHERE id <= ? AND id > 0", (last,))
    connection.execute("DELETE FROM audit_chain WHERE id <= ?", (last,))
    connection.execute(
        "UPDATE audit_checkpoint SET up_to = ?, hash = ?, pruned = ?, at = ?"
        " WHERE id = (SELECT max(id) FROM audit_checkpoint)",
        (*moved, last, utc_text(datetime.now(UTC))),
    )
    _shrink_blocks(connection, last)
    return int(last)


def _shrink_blocks(connection: sqlite3.Connection, last: int) -> None:
    block = (last + 1) >> BLOCK_BITS
    connection.execute("DELETE FROM audit_blocks WHERE block < ?", (block,))
    connection.execute(
        "UPDATE audit_blocks SET entries = (SELECT count(*) FROM audit_log WHERE id BETWEEN ?"
        " AND ?) WHERE block = ?",
        (last + 1, ((block + 1) << BLOCK_BITS) - 1, block),
    )
