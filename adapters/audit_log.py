"""The audit log on disk: one writer thread, one connection, many rows in each commit."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from adapters.audit_table import BUSY_SECONDS, INSERT, file_identity, open_table, row_of
from domain.audit import AuditEntry, AuditUnavailable, EventType

log = logging.getLogger("provisioner.audit")

LINGER_SECONDS = 0.02
"""How long rows nobody waits for gather before they are written together."""
RETRY_SECONDS = 1.0
MOST_WAITING = 100_000
"""Beyond this backlog rows are counted instead of kept; a row says so when the log is back."""


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
            rows = [row_of(entry) for entry in (*batch, *self._note_of_loss())]
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
        if self._connection is not None and file_identity(path) == self._identity:
            return self._connection
        self._drop_connection()
        self._connection = open_table(path)
        self._identity = file_identity(path)
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


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
