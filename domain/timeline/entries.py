"""Timeline entries: one thing that happened to a board, whoever told of it, and its place."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from heapq import nsmallest

from domain.audit.entries import StoredEntry
from domain.devices.attempts import Attempt
from domain.devices.log_files import LogFile
from domain.manufacturing.record import ManufacturingRecord
from domain.paging import CursorInvalid, Key
from domain.services.journal import JournalLine
from domain.services.runs import UnitRun

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND = 1_000_000
ALMOST_A_SECOND = timedelta(microseconds=SECOND - 1)
_LARGEST = 2**63 - 1


class TimelineKind(StrEnum):
    """What happened. Rows and records are timed to the second only: what happens within one second
    is told in this order, the first being the newest."""

    ATTEMPT_ENDED = "ATTEMPT_ENDED"
    RECORD_WRITTEN = "RECORD_WRITTEN"
    UNIT_ENDED = "UNIT_ENDED"
    JOURNAL_ERROR = "JOURNAL_ERROR"
    LOG_WRITTEN = "LOG_WRITTEN"
    STATE_WRITTEN = "STATE_WRITTEN"
    UNIT_STARTED = "UNIT_STARTED"
    AUDITED = "AUDITED"
    ATTEMPT_BEGAN = "ATTEMPT_BEGAN"

    @property
    def rank(self) -> int:
        """Its place within a second."""
        return tuple(TimelineKind).index(self)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened.

    `key` is its place, the newest sorting first. `at` is UTC, None where its source has no time
    for it: then it stands beside what the same source told around it. `text` says what happened,
    `failed` whether that is a failure. The other members are what tells more, those of other kinds
    None; `unit` is a whole name.
    """

    kind: TimelineKind
    key: Key
    at: datetime | None
    text: str
    failed: bool = False
    state: str | None = None
    attempt: Attempt | None = None
    unit: str | None = None
    run: UnitRun | None = None
    line: JournalLine | None = None
    log: LogFile | None = None
    record: ManufacturingRecord | None = None
    audit: StoredEntry | None = None


def place(kind: TimelineKind, at: datetime | None, name: str) -> Key:
    """Returns the place of an entry; `name` tells entries of one kind and moment apart, a smaller
    text is newer."""
    microseconds = 0 if at is None else (at - EPOCH) // MICROSECOND
    second, rest = divmod(microseconds, SECOND)
    return (-second, kind.rank, f"{SECOND - rest:07d}:{name}")


def newer_first(number: int) -> str:
    """Returns a text that is smaller the larger `number` is."""
    return f"{_LARGEST - number:020d}"


def checked(key: Key | None) -> Key | None:
    """Returns a cursor's key; raises `CursorInvalid` unless it is the place of some entry."""
    if key is None:
        return None
    second, rank, name = key if len(key) == 3 else (None, None, None)
    numbers = isinstance(second, int) and isinstance(rank, int)
    if numbers and isinstance(name, str) and name[:7].isdecimal() and _moment(key) is not None:
        return key
    raise CursorInvalid("This cursor does not belong to this list; start again without one.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a page asks of its sources: the newest `most` entries of these kinds that come after
    the place `after` (None: all do)."""

    kinds: frozenset[TimelineKind]
    after: Key | None
    most: int

    def pick(self, entries: Iterable[TimelineEntry]) -> list[TimelineEntry]:
        """Returns those that are wanted, in the timeline's order."""
        found = (
            entry
            for entry in entries
            if entry.kind in self.kinds and (self.after is None or entry.key > self.after)
        )
        return nsmallest(self.most, found, key=lambda entry: entry.key)

    def until(self, kind: TimelineKind) -> datetime | None:
        """Returns the newest moment at which a wanted entry of this kind may have happened; None
        where any may."""
        if self.after is None:
            return None
        second, rank, _ = self.after
        if rank == kind.rank:
            return _moment(self.after)
        begins = EPOCH - timedelta(seconds=int(second))
        return begins + (-MICROSECOND if int(rank) > kind.rank else ALMOST_A_SECOND)


def _moment(key: Key) -> datetime | None:
    second, _, name = key
    try:
        rest = SECOND - int(str(name)[:7])
        return EPOCH + timedelta(seconds=-int(second), microseconds=rest)
    except (ValueError, OverflowError):
        return None
