"""The audit log on disk: one writer thread, one connection, many rows in each commit."""

import asyncio
import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from adapters.audit.backlog import LINGER_SECONDS, LOOK_SECONDS, Backlog, Batch, Future, Job
from adapters.audit.log_file import LogFile, Written
from adapters.audit.table import BUSY_SECONDS, PLACE
from domain.audit.chain import Head
from domain.audit.entries import AuditEntry, StoredEntry, file_entry
from domain.audit.log import AuditInterrupted, AuditUnavailable

log = logging.getLogger("provisioner.audit")

Told = Callable[[Head, Callable[[], Sequence[StoredEntry]]], None]


class SqliteAuditLog:
    """Satisfies `domain.audit.log.AuditLog` over `audit.db`, table `audit_log` (contract audit
    section 1), and chains its rows.

    Rows are written in the order in which they are recorded, in one transaction for all that
    wait. While the file cannot be written the rows are kept and tried again each second. A file
    that vanishes is made again, and the loss is said. `path` is asked before each batch, so that a
    replaced folder is noticed. `told` hears of each batch that became durable, on the event loop:
    the head after it, and what makes its entries.
    """

    def __init__(
        self,
        path: Callable[[], Path],
        *,
        told: Told | None = None,
        opened: Callable[[Path], LogFile] = LogFile,
    ) -> None:
        self._path = path
        self._told = told
        self._opened = opened
        self._backlog = Backlog()
        self._file: LogFile | None = None
        self._upkeep: Iterator[None] | None = None
        self._failure = "it is not open yet"
        self._interruption = ""
        self._head: Head | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tried = threading.Event()
        self._thread = threading.Thread(target=self._write_for_ever, name="audit-log", daemon=True)

    async def open(self) -> None:
        """Starts the writer and returns after its first try; a failure shows in `probe`."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        await asyncio.to_thread(self._tried.wait, BUSY_SECONDS)

    async def aclose(self) -> None:
        """Writes what waits, within the limits of one busy wait, and ends the writer."""
        self._backlog.close()
        await asyncio.to_thread(self._thread.join, BUSY_SECONDS / 2)

    @property
    def waiting(self) -> int:
        """How many entries are recorded and not yet written."""
        return self._backlog.recorded - self._backlog.written

    @property
    def head(self) -> Head | None:
        """The newest link on the disk; None while the file could not be opened."""
        return self._head

    def record(self, *entries: AuditEntry) -> None:
        """Takes the entries without waiting."""
        self._backlog.add(entries)

    async def durable(self) -> None:
        """Returns when everything recorded so far is on the disk; raises `AuditUnavailable`."""
        if self._backlog.lost:
            raise _unavailable("too much waits for it")
        answer: Future = asyncio.get_running_loop().create_future()
        self._backlog.wait_for_all(answer)
        await answer

    async def probe(self) -> None:
        """Raises `AuditUnavailable` with the reason while the log cannot be written."""
        if self._failure:
            raise _unavailable(self._failure)

    async def whole(self) -> None:
        """Raises `AuditInterrupted` when entries that were written in this run are gone."""
        if self._interruption:
            raise AuditInterrupted(self._interruption)

    async def prune(self, up_to: int, *, most: int) -> None:
        """Takes out at most `most` of the oldest rows, none beyond `up_to`, between two batches;
        raises `AuditUnavailable`."""
        answer: Future = asyncio.get_running_loop().create_future()
        self._backlog.add_job(Job(lambda file: file.prune(up_to, most), answer))
        await answer

    def _write_for_ever(self) -> None:
        self._try(Batch([], []))
        self._tried.set()
        idle = LINGER_SECONDS
        while (batch := self._backlog.next(idle_seconds=idle)) is not None:
            if not self._try(batch) and not self._backlog.give_back(batch):
                count, reason = len(batch.entries), self._failure
                log.error("%d audit rows are lost at the stop: %s", count, reason)
                break
            # An old file is brought up to date whenever nobody waits.
            idle = LINGER_SECONDS if self._upkeep is not None else LOOK_SECONDS
        self._drop_file()

    def _try(self, batch: Batch) -> bool:
        try:
            self._do(batch)
        except (sqlite3.Error, OSError) as error:
            self._fail(_reason(error), batch)
        except Exception:
            # The writer must outlive whatever happens: changes wait for it.
            log.exception("the audit log cannot be written")
            self._fail("something unexpected happened; the service's log has it", batch)
        else:
            return True
        return False

    def _do(self, batch: Batch) -> None:
        file, entries, lost = self._current(), list(batch.entries), self._backlog.lost
        if lost:
            info = f"{lost} reads were not recorded while the log could not be written"
            entries.append(_note("WRITE", info, success=False))
        if entries:
            written, count = file.append(entries), len(batch.entries)
            # On the disk: whatever fails from here on, they are not written again.
            batch.entries.clear()
            self._deliver(written, count, noted=lost)
            if written.cut_from is not None:
                self._interrupted(file, written.cut_from)
        self._failure = ""
        for job in batch.jobs:
            job.work(file)
            self._answer([job.answer])
        if self._upkeep is not None and next(self._upkeep, self) is self:
            self._upkeep = None

    def _deliver(self, written: Written, count: int, *, noted: int = 0) -> None:
        # Before anybody is told: who asks next finds a log that can be written.
        self._head, self._failure = written.head, ""
        done = self._backlog.settle(count, noted=noted)
        if self._told is not None:
            self._on_loop(self._told, written.head, written.entries)
        self._answer(done)

    def _fail(self, reason: str, batch: Batch) -> None:
        if not self._failure:
            log.warning("the audit log cannot be written: %s", reason)
        self._failure = reason
        self._drop_file()
        self._answer([*self._backlog.fail(), *(job.answer for job in batch.jobs)], reason)
        batch.jobs.clear()

    def _current(self) -> LogFile:
        """Returns the file at the path, opened anew where another one is there now."""
        path = self._path()
        if self._file is not None and self._file.is_at(path):
            return self._file
        self._drop_file()
        self._file = file = self._opened(path)
        self._upkeep = file.upkeep()
        if self._head is not None and not file.holds(self._head):
            self._interrupted(file, self._head)
        elif file.began_after:
            info = f"the chain of hashes begins here; entries up to {file.began_after} were there"
            self._deliver(file.append([_note("CREATE", info)]), 0)
        self._head = file.head
        return file

    def _interrupted(self, file: LogFile, head: Head) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._interruption = (
            f"The audit log was deleted, replaced or cut while the service ran (noticed {now}): "
            f"the entries up to {head.id} are not all in it any more."
        )
        log.error("%s", self._interruption, extra={"facts": {"last_head": str(head)}})
        info = f"{self._interruption} The last head was {head}"
        self._deliver(file.append([_note("CREATE", info, success=False)]), 0)

    def _drop_file(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._upkeep = None

    def _answer(self, waiting: Sequence[Future], failure: str = "") -> None:
        if waiting:
            self._on_loop(_settle, waiting, failure)

    def _on_loop(self, call: Callable[..., None], *arguments: object) -> None:
        if self._loop is None:
            return
        # At the very end the loop may be gone, and with it everybody who waited.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *arguments)


def _settle(waiting: Sequence[Future], failure: str) -> None:
    for answer in waiting:
        if answer.done():
            continue
        if failure:
            answer.set_exception(_unavailable(failure))
        else:
            answer.set_result(None)


def _note(operation: str, info: str, *, success: bool = True) -> AuditEntry:
    now = datetime.now(UTC)
    return file_entry(None, operation, PLACE, at=now, success=success, info=info)


def _reason(error: sqlite3.Error | OSError) -> str:
    # An OSError's own text names the real path.
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text or type(error).__name__


def _unavailable(reason: str) -> AuditUnavailable:
    return AuditUnavailable(
        f"The audit log cannot be written ({reason}); changes are refused until it can."
    )
