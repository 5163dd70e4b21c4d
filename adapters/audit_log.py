"""The audit log on disk: one writer thread, one connection, many rows in each commit."""

import asyncio
import logging
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from domain.audit import AuditEntry, AuditUnavailable, EventType

log = logging.getLogger("provisioner.audit")

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
LINGER_SECONDS = 0.02
"""How long rows nobody waits for gather before they are written together."""
RETRY_SECONDS = 1.0
MOST_WAITING = 100_000
"""Beyond this backlog rows are counted instead of kept; a row says so when the log is back."""
BUSY_SECONDS = 5.0


@dataclass(slots=True)
class _Waiter:
    position: int
    loop: asyncio.AbstractEventLoop
    answer: "asyncio.Future[None]"


@dataclass(slots=True)
class _Backlog:
    """What the loop's thread hands to the writer; every member is guarded by `changed`."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    entries: list[AuditEntry] = field(default_factory=list)
    waiters: list[_Waiter] = field(default_factory=list)
    recorded: int = 0
    written: int = 0
    lost: int = 0
    failure: str = "it is not open yet"
    closing: bool = False


class SqliteAuditLog:
    """Satisfies `domain.audit.AuditLog` over `audit.db`, table `audit_log` (contract audit
    section 1).

    Rows are written in the order in which they are recorded, in one transaction for all that
    wait. While the file cannot be written the rows are kept and tried again each second. A file
    that vanishes is made again. `path` is asked before each batch, so that a replaced folder is
    noticed.
    """

    def __init__(self, path: Callable[[], Path]) -> None:
        self._path = path
        self._backlog = _Backlog()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._tried = threading.Event()
        self._thread = threading.Thread(target=self._write_for_ever, name="audit-log", daemon=True)

    async def open(self) -> None:
        """Starts the writer and returns after its first try; a failure shows in `probe`."""
        self._thread.start()
        await asyncio.to_thread(self._tried.wait, BUSY_SECONDS)

    async def aclose(self) -> None:
        """Writes what waits, within the limits of one busy wait, and ends the writer."""
        with self._backlog.changed:
            self._backlog.closing = True
            self._backlog.changed.notify()
        await asyncio.to_thread(self._thread.join, BUSY_SECONDS / 2)

    @property
    def waiting(self) -> int:
        """How many entries are recorded and not yet written."""
        return self._backlog.recorded - self._backlog.written

    def record(self, *entries: AuditEntry) -> None:
        """Takes the entries without waiting."""
        backlog = self._backlog
        with backlog.changed:
            if len(backlog.entries) >= MOST_WAITING:
                backlog.lost += len(entries)
                return
            idle = not backlog.entries
            backlog.entries += entries
            backlog.recorded += len(entries)
            if idle:
                backlog.changed.notify()

    async def durable(self) -> None:
        """Returns when everything recorded so far is on the disk; raises `AuditUnavailable`."""
        backlog = self._backlog
        loop = asyncio.get_running_loop()
        with backlog.changed:
            if backlog.written >= backlog.recorded:
                return
            waiter = _Waiter(backlog.recorded, loop, loop.create_future())
            backlog.waiters.append(waiter)
            backlog.changed.notify()
        await waiter.answer

    async def probe(self) -> None:
        """Raises `AuditUnavailable` with the reason while the log cannot be written."""
        if self._backlog.failure:
            raise _unavailable(self._backlog.failure)

    def _write_for_ever(self) -> None:
        self._try_to_write([])
        self._tried.set()
        while True:
            batch = self._next_batch()
            if batch is None:
                break
            if not self._try_to_write(batch) and self._give_back(batch):
                break
        if self._connection is not None:
            self._connection.close()

    def _next_batch(self) -> list[AuditEntry] | None:
        """Waits for entries; None when all is written and the log closes."""
        backlog = self._backlog
        with backlog.changed:
            while not backlog.entries and not backlog.closing:
                backlog.changed.wait()
            if not backlog.entries:
                return None
            if not backlog.waiters and not backlog.closing:
                backlog.changed.wait(LINGER_SECONDS)
            batch, backlog.entries = backlog.entries, []
            return batch

    def _try_to_write(self, batch: Sequence[AuditEntry]) -> bool:
        try:
            connection = self._connected()
            rows = [_row(entry) for entry in (*batch, *self._note_of_loss())]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(INSERT, rows)
            connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self._drop_connection()
            if not self._backlog.failure:
                log.warning("the audit log cannot be written: %s", error)
            self._settle(len(batch), failure=str(error) or type(error).__name__)
            return False
        self._settle(len(batch), failure="")
        return True

    def _settle(self, count: int, *, failure: str) -> None:
        backlog = self._backlog
        with backlog.changed:
            backlog.failure = failure
            if not failure:
                backlog.written += count
                backlog.lost = 0
            done = [w for w in backlog.waiters if failure or w.position <= backlog.written]
            backlog.waiters = [w for w in backlog.waiters if w not in done]
        for waiter in done:
            waiter.loop.call_soon_threadsafe(_answer, waiter.answer, failure)

    def _give_back(self, batch: list[AuditEntry]) -> bool:
        """Keeps what could not be written for the next try; returns True when the log closes
        instead."""
        backlog = self._backlog
        with backlog.changed:
            if backlog.closing:
                log.error("%d audit rows are lost at the stop: %s", len(batch), backlog.failure)
                return True
            backlog.entries = batch + backlog.entries
            backlog.changed.wait(RETRY_SECONDS)
        return False

    def _note_of_loss(self) -> list[AuditEntry]:
        lost = self._backlog.lost
        if not lost:
            return []
        info = f"{lost} reads were not recorded while the log could not be written"
        target = "/srv/rpi-sb-provisioner/audit.db"
        return [
            AuditEntry(
                EventType.FILE_ACCESS,
                datetime.now(UTC),
                operation="WRITE",
                target_path=target,
                success=False,
                username="",
                additional_info=info,
            )
        ]

    def _connected(self) -> sqlite3.Connection:
        path = self._path()
        if self._connection is not None and _identity(path) == self._identity:
            return self._connection
        self._drop_connection()
        self._connection = _open(path)
        self._identity = _identity(path)
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _open(path: Path) -> sqlite3.Connection:
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


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _row(entry: AuditEntry) -> tuple[str | int | None, ...]:
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


def _answer(future: "asyncio.Future[None]", failure: str) -> None:
    if future.done():
        return
    if failure:
        future.set_exception(_unavailable(failure))
    else:
        future.set_result(None)


def _unavailable(reason: str) -> AuditUnavailable:
    return AuditUnavailable(
        f"The audit log cannot be written ({reason}); changes are refused until it can."
    )
