"""Reads audit rows for one thread: short statements only, because the writer waits for each."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from adapters.audit.chain_table import BLOCK_BITS, find_checkpoint, find_head
from adapters.audit.conditions import Conditions, conditions_of, prefix_of
from adapters.audit.table import BUSY_SECONDS, NAMES, columns_of, file_identity, stored_of
from domain.audit.chain import HASH_BYTES, Checkpoint
from domain.audit.entries import StoredEntry
from domain.audit.filters import AuditFilter
from domain.audit.retention import Extent
from domain.audit.trail import LARGEST_ID, AuditQueryTooSlow, ChainState, NewestFirst

SLICE = 500

ALL = Conditions((), ())
Window = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much one question may cost.

    A statement looks at `first_window` ids, later ones at more, up to `largest_window`: the writer
    waits some 30 ms for one at most. The rows of a path prefix are taken by its index while they
    are no more than `candidates`; of more, a walk finds some soon. A walk ends after `seconds`.
    """

    first_window: int = 8192
    largest_window: int = 32768
    candidates: int = 20_000
    seconds: float = 5.0


class AuditReader:
    """One connection to the file at `path`. Raises sqlite3.Error and `AuditQueryTooSlow`."""

    def __init__(self, path: Path, effort: Effort | None = None) -> None:
        self._effort = effort or Effort()
        self.identity = file_identity(path)
        # Not read-only: what a killed writer left half is rolled back by whoever reads first.
        address = f"file:{quote(str(path))}?mode=rw"
        self._connection = sqlite3.connect(
            address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        self._connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        self._connection.execute("PRAGMA query_only=ON")
        self._names = ""
        self._has_blocks = False
        self._deadline = 0.0

    def begin(self) -> None:
        """Prepares for one question: its time starts now, the table may have got columns."""
        self._deadline = time.monotonic() + self._effort.seconds
        if not self._names or not self._has_blocks:
            present = columns_of(self._connection)
            self._names = ", ".join(n if n in present else f"NULL AS {n}" for n in NAMES)
            query = "SELECT count(*) FROM sqlite_master WHERE name = 'audit_blocks'"
            self._has_blocks = bool(self._connection.execute(query).fetchone()[0])

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def entries(
        self, wanted: AuditFilter, low: int, high: int, *, most: int, newest_first: bool
    ) -> list[StoredEntry]:
        """Returns entries with ids from `low` to `high`, sorted by id."""
        if wanted.is_empty:
            return self._select(ALL, (low, high), most=most, newest_first=newest_first)
        found = list[StoredEntry]()
        candidates = self._candidates(wanted)
        if candidates is not None:
            slices = _slices(candidates, low, high, newest_first=newest_first)
            for ids in slices:
                left = most - len(found)
                found += self._select_among(wanted, ids, most=left, newest_first=newest_first)
                if len(found) >= most:
                    break
            return found
        conditions = conditions_of(wanted) & prefix_of(wanted, by_index=False)
        for window in self._windows(wanted, low, high, newest_first=newest_first):
            left = most - len(found)
            found += self._select(conditions, window, most=left, newest_first=newest_first)
            if len(found) >= most:
                break
        return found

    def count(self, wanted: AuditFilter, low: int, high: int) -> int:
        """Returns how many entries have ids from `low` to `high`."""
        candidates = self._candidates(wanted)
        if candidates is not None:
            slices = _slices(candidates, low, high, newest_first=True)
            return sum(self._count(conditions_of(wanted) & _among(ids)) for ids in slices)
        conditions = conditions_of(wanted) & prefix_of(wanted, by_index=False)
        windows = self._windows(wanted, low, high, newest_first=True)
        return sum(self._count(conditions & _between(*window)) for window in windows)

    def total(self) -> int:
        """Returns how many entries there are."""
        if not self._has_blocks:
            return self._count(ALL)
        counted, lowest = self._connection.execute(
            f"SELECT sum(entries), min(block) << {BLOCK_BITS} FROM audit_blocks"  # noqa: S608 -- a constant
        ).fetchone()
        below = 0 if lowest is None else lowest - 1
        uncounted = self._count(_between(-LARGEST_ID, below)) if below else 0
        return (counted or 0) + uncounted

    def find(self, id: int) -> StoredEntry | None:
        """Returns one entry, None if there is none."""
        found = self._select(ALL, (id, id), most=1, newest_first=True)
        return found[0] if found else None

    def newest(self, asked: NewestFirst, after: StoredEntry | None, most: int) -> list[StoredEntry]:
        """Returns entries by timestamp and id, newest first."""
        conditions = ALL
        if asked.event_type is not None:
            rare = asked.event_type != "HANDLER_ACCESS"
            term = "event_type = ?" + (" AND event_type <> 'HANDLER_ACCESS'" if rare else "")
            conditions &= Conditions((term,), (asked.event_type,))
        if asked.start is not None:
            conditions &= Conditions(("timestamp >= ?",), (asked.start,))
        if asked.end is not None:
            conditions &= Conditions(("timestamp <= ?",), (asked.end,))
        if after is not None:
            conditions &= Conditions(("(timestamp, id) < (?, ?)",), (after.timestamp, after.id))
        return self._read(conditions, "timestamp DESC, id DESC", most)

    def chain(self) -> ChainState:
        """Returns where the chain stands."""
        start = find_checkpoint(self._connection) or Checkpoint(0, bytes(HASH_BYTES))
        return ChainState(find_head(self._connection), start)

    def bounds(self) -> tuple[int, int]:
        """Returns the lowest and the highest id, 1 and 0 where there is none."""
        low, high = self._connection.execute(
            "SELECT (SELECT min(id) FROM audit_log), (SELECT max(id) FROM audit_log)"
        ).fetchone()
        return (1, 0) if low is None else (low, high)

    def extent(self) -> Extent:
        """Returns what is there."""
        pages, free, size = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        low, high = self.bounds()
        return Extent(low if high else 0, high, (pages - free) * size)

    def _candidates(self, wanted: AuditFilter) -> list[int] | None:
        """Returns the ids of a path prefix in ascending order, None where they are too many or no
        prefix is asked for."""
        if wanted.path_prefix is None:
            return None
        conditions = prefix_of(wanted, by_index=True)
        query = f"SELECT id FROM audit_log{conditions.where} LIMIT {self._effort.candidates + 1}"  # noqa: S608 -- constants
        ids = [row[0] for row in self._connection.execute(query, conditions.values)]
        return None if len(ids) > self._effort.candidates else sorted(ids)

    def _windows(
        self, wanted: AuditFilter, low: int, high: int, *, newest_first: bool
    ) -> Iterator[Window]:
        """Cuts the ids into pieces that are read at once; raises `AuditQueryTooSlow` between two of
        them."""
        size = self._effort.first_window
        for start, end in self._ranges(wanted, low, high, newest_first=newest_first):
            lowest, highest = start, end
            while lowest <= highest:
                if time.monotonic() > self._deadline:
                    raise AuditQueryTooSlow(
                        f"The filter had to look at too many entries and was stopped after "
                        f"{self._effort.seconds:g} s; add a time range, a caller or a path."
                    )
                if newest_first:
                    yield max(lowest, highest - size + 1), highest
                    highest -= size
                else:
                    yield lowest, min(highest, lowest + size - 1)
                    lowest += size
                size = min(size * 2, self._effort.largest_window)

    def _ranges(
        self, wanted: AuditFilter, low: int, high: int, *, newest_first: bool
    ) -> list[Window]:
        """Returns the ranges of ids in which entries of the wanted time can be."""
        lowest, highest = self.bounds()
        low, high = max(low, lowest), min(high, highest)
        ranges = [(low, high)]
        if self._has_blocks and (wanted.since or wanted.until):
            ranges = self._timed_ranges(wanted, low, high)
        return ranges[::-1] if newest_first else ranges

    def _timed_ranges(self, wanted: AuditFilter, low: int, high: int) -> list[Window]:
        query = "SELECT min(block) FROM audit_blocks"
        first = self._connection.execute(query).fetchone()[0]
        # What an old file's upkeep has not counted yet may be of any time.
        ranges = [(low, (first << BLOCK_BITS) - 1)] if first is not None else [(low, high)]
        query = "SELECT block FROM audit_blocks WHERE latest >= ? AND earliest <= ? ORDER BY block"
        bounds = (wanted.since_text or "", wanted.until_text or "~")
        for (block,) in self._connection.execute(query, bounds):
            start, end = block << BLOCK_BITS, ((block + 1) << BLOCK_BITS) - 1
            if ranges[-1][1] + 1 == start:
                ranges[-1] = (ranges[-1][0], end)
            else:
                ranges.append((start, end))
        return [(max(a, low), min(b, high)) for a, b in ranges if max(a, low) <= min(b, high)]

    def _select(
        self, conditions: Conditions, window: Window, *, most: int, newest_first: bool
    ) -> list[StoredEntry]:
        order = "id DESC" if newest_first else "id"
        return self._read(conditions & _between(*window), order, most)

    def _select_among(
        self, wanted: AuditFilter, ids: Sequence[int], *, most: int, newest_first: bool
    ) -> list[StoredEntry]:
        order = "id DESC" if newest_first else "id"
        return self._read(conditions_of(wanted) & _among(ids), order, most)

    def _read(self, conditions: Conditions, order: str, most: int) -> list[StoredEntry]:
        query = f"SELECT {self._names} FROM audit_log{conditions.where} ORDER BY {order} LIMIT ?"  # noqa: S608 -- constants
        rows = self._connection.execute(query, (*conditions.values, most)).fetchall()
        return [stored_of(row) for row in rows]

    def _count(self, conditions: Conditions) -> int:
        query = f"SELECT count(*) FROM audit_log{conditions.where}"  # noqa: S608 -- constants
        return int(self._connection.execute(query, conditions.values).fetchone()[0])


def _between(low: int, high: int) -> Conditions:
    return Conditions(("id BETWEEN ? AND ?",), (low, high))


def _among(ids: Sequence[int]) -> Conditions:
    return Conditions((f"id IN ({', '.join('?' * len(ids))})",), tuple(ids))


def _slices(
    ids: Sequence[int], low: int, high: int, *, newest_first: bool
) -> Iterator[Sequence[int]]:
    kept = [id for id in ids if low <= id <= high]
    ordered = kept[::-1] if newest_first else kept
    for start in range(0, len(ordered), SLICE):
        yield ordered[start : start + SLICE]
