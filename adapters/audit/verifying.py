"""Verifies an audit log's file: live, stopped or copied, in short reads and flat memory."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from adapters.audit.chain_table import find_checkpoint, last_given_out
from adapters.audit.table import NAMES, Row, columns_of
from domain.audit.chain import Checkpoint, Head
from domain.audit.retention import pruned_up_to
from domain.audit.trail import LARGEST_ID, AuditDatabaseNotOpen, AuditDatabaseNotRead
from domain.audit.verification import Report, Verification, Wrong
from domain.errors import Unavailable

CHUNK = 2000
"""Rows of one read: the service's writer waits for it, some 10 ms."""
BUSY_SECONDS = 60.0
"""A busy writer leaves short gaps only; who verifies has time."""
_ROWS = f"SELECT {', '.join(NAMES)} FROM audit_log WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 -- constants
_LINKS = "SELECT id, hash FROM audit_chain WHERE id > ? ORDER BY id LIMIT ?"

_INFO = NAMES.index("additional_info")

Pair = tuple[int, Row | None, bytes | None]


class ChainMissing(Unavailable):
    """There is no chain to verify."""

    code = "AUDIT_CHAIN_MISSING"
    title = "No Chain"
    meaning = "The file is no audit log of this service, or its chain was taken out."
    remedy = "Start the service once on it: it begins a chain. Or restore the file from a backup."


def verify_file(path: Path, heads: Sequence[Head] = ()) -> Report:
    """Compares every row with its link; raises `ChainMissing`, `AuditDatabaseNotOpen` and
    `AuditDatabaseNotRead`."""
    if not path.is_file():
        raise AuditDatabaseNotOpen(f"There is no audit log at {path}.")
    try:
        with closing(_opened(path)) as connection:
            return _verified(connection, heads)
    except sqlite3.Error as error:
        raise AuditDatabaseNotRead(f"The audit log cannot be read: {error}.") from error


def _opened(path: Path) -> sqlite3.Connection:
    # What a killed writer left half must be rolled back before it can be read, so not read-only;
    # nothing else is ever written.
    address = f"file:{quote(str(path))}?mode=rw"
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    # As the links were made: bytes that are no Unicode come back as they are.
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    connection.execute("PRAGMA query_only=ON")
    return connection


def _verified(connection: sqlite3.Connection, heads: Sequence[Head]) -> Report:
    start = _checkpoint(connection)
    verification = Verification(start, heads)
    for first, last in _strays(connection, start):
        verification.note(Wrong.INSERTED, first, last)
    position = start.up_to
    while True:
        connection.execute("BEGIN")
        start = _checkpoint(connection)
        # Retention may go on while we look; what it took out is not missing.
        verification.skip_to(start)
        position = max(position, start.up_to)
        end, pairs = _chunk(connection, position)
        given_out = last_given_out(connection)
        connection.execute("COMMIT")
        for id, row, hash in pairs:
            verification.take(id, row, hash)
            if row is not None and hash is not None:
                verification.announce(pruned_up_to(str(row[_INFO])))
        if end is None:
            break
        position = end
    return verification.report(given_out=given_out, uncovered=_uncovered(connection, start))


def _checkpoint(connection: sqlite3.Connection) -> Checkpoint:
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    has_all = {"audit_log", "audit_chain", "audit_checkpoint"} <= tables
    start = find_checkpoint(connection) if has_all else None
    if start is None or not set(NAMES) <= columns_of(connection):
        raise ChainMissing("This file has no chain of hashes; nothing in it can be verified.")
    return start


def _chunk(connection: sqlite3.Connection, above: int) -> tuple[int | None, list[Pair]]:
    """Returns the next ids with their rows and links, and where they end; None at the end."""
    rows: dict[int, Row] = {
        row[0]: row for row in connection.execute(_ROWS, (above, CHUNK)).fetchall()
    }
    links = dict(connection.execute(_LINKS, (above, CHUNK)).fetchall())
    # Where one of the two reaches further, the other's next read goes on from the same place.
    ends = [max(found) for found in (rows, links) if len(found) == CHUNK]
    end = min(ends) if ends else None
    ids = sorted(id for id in {*rows, *links} if end is None or id <= end)
    return end, [(id, rows.get(id), _bytes(links.get(id))) for id in ids]


def _bytes(hash: object) -> bytes | None:
    return hash if hash is None or isinstance(hash, bytes) else str(hash).encode()


def _strays(connection: sqlite3.Connection, start: Checkpoint) -> Iterator[tuple[int, int]]:
    """Yields ranges of rows that lie where none can be: below 1, or where retention took all."""
    query = "SELECT min(id), max(id) FROM audit_log WHERE id BETWEEN ? AND ?"
    low, high = connection.execute(query, (-LARGEST_ID - 1, start.pruned)).fetchone()
    if low is not None:
        yield low, high


def _uncovered(connection: sqlite3.Connection, start: Checkpoint) -> int:
    query = "SELECT count(*) FROM audit_log WHERE id > ? AND id <= ?"
    return int(connection.execute(query, (start.pruned, start.up_to)).fetchone()[0])
