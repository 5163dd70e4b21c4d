"""What waits for the writer of the audit log: entries, jobs, and those who wait for both."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from adapters.audit.log_file import LogFile
from domain.audit.entries import AuditEntry

LINGER_SECONDS = 0.02
"""How long rows nobody waits for gather before they are written together."""
RETRY_SECONDS = 1.0
LOOK_SECONDS = 5.0
"""How often an idle writer looks whether its file is still there."""
MOST_WAITING = 100_000
"""Beyond this backlog rows are counted instead of kept; a row says so when the log is back."""

Future = asyncio.Future[None]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """Something else to be done with the file between two batches."""

    work: Callable[[LogFile], None]
    answer: Future


@dataclass(frozen=True, slots=True)
class Batch:
    """What the writer does next."""

    entries: list[AuditEntry]
    jobs: list[Job]


@dataclass(slots=True)
class Backlog:
    """What the loop's thread hands to the writer; every member is guarded by `changed`."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    entries: list[AuditEntry] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    waiters: list[tuple[int, Future]] = field(default_factory=list)
    recorded: int = 0
    written: int = 0
    lost: int = 0
    closing: bool = False

    def add(self, entries: Sequence[AuditEntry]) -> None:
        """Takes entries without waiting; beyond `MOST_WAITING` they are only counted."""
        with self.changed:
            if len(self.entries) >= MOST_WAITING:
                self.lost += len(entries)
                return
            idle = not self.entries
            self.entries += entries
            self.recorded += len(entries)
            if idle:
                self.changed.notify()

    def wait_for_all(self, answer: Future) -> None:
        """Answers when everything recorded so far is on the disk, or cannot be."""
        with self.changed:
            if self.written >= self.recorded:
                answer.set_result(None)
                return
            self.waiters.append((self.recorded, answer))
            self.changed.notify()

    def add_job(self, job: Job) -> None:
        """Takes a job, to be done soon."""
        with self.changed:
            self.jobs.append(job)
            self.changed.notify()

    def close(self) -> None:
        """Lets the writer end when all is written."""
        with self.changed:
            self.closing = True
            self.changed.notify()

    def next(self, *, idle_seconds: float) -> Batch | None:
        """Waits for something to do, `idle_seconds` at most; None when all is written and the log
        closes."""
        with self.changed:
            if not (self.entries or self.jobs or self.closing):
                self.changed.wait(idle_seconds)
            if self.closing and not self.entries:
                return None
            if self.entries and not (self.waiters or self.closing):
                self.changed.wait(LINGER_SECONDS)
            batch = Batch(self.entries, self.jobs)
            self.entries, self.jobs = [], []
            return batch

    def settle(self, count: int, *, noted: int = 0) -> list[Future]:
        """Counts entries as written, and lost ones as noted; returns who waited for them."""
        with self.changed:
            self.written += count
            self.lost -= noted
            done = [answer for position, answer in self.waiters if position <= self.written]
            self.waiters = [waiter for waiter in self.waiters if waiter[0] > self.written]
            return done

    def fail(self) -> list[Future]:
        """Returns everybody who waits: they are told that it failed."""
        with self.changed:
            done = [answer for _, answer in self.waiters]
            self.waiters = []
            return done

    def give_back(self, batch: Batch) -> bool:
        """Keeps what could not be written for the next try and waits for a while; returns False
        when the log closes instead."""
        with self.changed:
            if self.closing:
                return False
            self.entries = batch.entries + self.entries
            self.jobs = batch.jobs + self.jobs
            self.changed.wait(RETRY_SECONDS)
        return True
