"""The audit trail: what was written down, for those who may read it, paged, counted and live."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.audit.chain import Checkpoint, Head
from domain.audit.entries import StoredEntry
from domain.audit.filters import AuditFilter
from domain.errors import Invalid, NotFound, Unavailable
from domain.events import Event, Hub, Update, watch_changes
from domain.paging import CursorInvalid, Page, PageRequest, cursor_of

ORDER = "audit-entries"
BATCH = 500
"""How many rows of a long answer are read at once."""
MOST_NEWEST = 1_000_000
"""The most rows of one legacy answer, also when it asks for all (contract audit section 7)."""
MOST_SHOWN = 500
"""The most entries of the first frame of a subscription."""
LARGEST_ID = 2**63 - 1


class AuditDatabaseNotOpen(Unavailable):
    """The audit log is there and cannot be opened."""

    code = "AUDIT_NOT_OPEN"
    title = "Database Error"
    meaning = "The audit log's file cannot be opened: its rights or its folder's forbid it."
    remedy = "Look at /srv/rpi-sb-provisioner/audit.db: its kind, its rights and its folder's."


class AuditDatabaseNotRead(Unavailable):
    """The audit log was opened and cannot be read."""

    code = "AUDIT_NOT_READ"
    title = "Database Error"
    meaning = "The audit log's file was opened, but is locked for too long, damaged, or no log."
    remedy = "Check it with `sqlite3 FILE 'pragma integrity_check'`; restore it from a backup."


class AuditQueryTooSlow(Unavailable):
    """A filter that no index helps, over too many rows."""

    code = "AUDIT_QUERY_TOO_SLOW"
    title = "Query Too Slow"
    meaning = "The filter had to look at too many rows, and was stopped."
    remedy = "Add a time range, a caller, a path or an operation to the filter."


class AuditEntryNotFound(NotFound):
    """No entry has this id."""

    code = "AUDIT_ENTRY_NOT_FOUND"
    title = "Entry Not Found"
    meaning = "No audit entry has this id: it was never written, or was pruned."
    remedy = "List the entries; retention is set in service.toml (audit_keep_...)."


class EntryIdInvalid(Invalid):
    """An id that no entry can have."""

    code = "AUDIT_ENTRY_ID_INVALID"
    title = "Invalid Entry"
    meaning = "The id of an audit entry is a whole number from 1."
    remedy = "Use the `id` of an entry, unchanged."


@dataclass(frozen=True, slots=True)
class NewestFirst:
    """A question of the legacy surface: texts of the column `timestamp`, both ends included.

    `event_type` is any text; None filters nothing.
    """

    event_type: str | None = None
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class ChainState:
    """Where the chain of hashes starts, and its newest link."""

    head: Head
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class EntriesWritten(Event):
    """Entries became durable together; in the order of their ids."""

    entries: tuple[StoredEntry, ...]


class AuditRows(Protocol):
    """The rows on the disk. Every method raises `AuditDatabaseNotOpen`, `AuditDatabaseNotRead` and
    `AuditQueryTooSlow`."""

    async def older(self, wanted: AuditFilter, *, below: int, most: int) -> Sequence[StoredEntry]:
        """Returns the newest entries with ids under `below`, newest first."""

    async def newer(self, wanted: AuditFilter, *, above: int, most: int) -> Sequence[StoredEntry]:
        """Returns the oldest entries with ids over `above`, oldest first."""

    async def count(self, wanted: AuditFilter) -> int | None:
        """Returns how many entries there are, exactly; None where counting takes too long."""

    async def find(self, id: int) -> StoredEntry | None:
        """Returns one entry, None if there is none."""

    async def newest(
        self, asked: NewestFirst, *, after: StoredEntry | None, most: int
    ) -> Sequence[StoredEntry]:
        """Returns entries by `timestamp`, then id, both descending; those after `after`."""

    async def chain(self) -> ChainState:
        """Returns where the chain stands on the disk."""


class AuditTrail:
    """Reads the audit log and follows it.

    `written` is called on the event loop for every batch that became durable.
    """

    def __init__(self, hub: Hub, rows: AuditRows) -> None:
        self._hub = hub
        self._rows = rows
        self._told = LARGEST_ID

    def follow_from(self, head: Head | None) -> None:
        """Says what is on the disk already, so that nothing of it is told as new."""
        if head is not None and head.id is not None:
            self._told = head.id

    def written(self, head: Head, make: Callable[[], Sequence[StoredEntry]]) -> None:
        """Tells the watchers, if there are any, of a batch that ends with `head`."""
        entries = make() if self._hub.hears(EntriesWritten) else []
        self.follow_from(head)
        for start in range(0, len(entries), MOST_SHOWN):
            part = tuple(entries[start : start + MOST_SHOWN])
            self._hub.publish(EntriesWritten(part))

    async def page(
        self, wanted: AuditFilter, request: PageRequest, *, counted: bool
    ) -> Page[StoredEntry]:
        """Returns a page, newest first; its total only if `counted`."""
        key, most = _key(request), request.size + 1
        if request.backwards:
            found = list(await self._rows.newer(wanted, above=key or 0, most=most))
        else:
            found = list(await self._rows.older(wanted, below=key or LARGEST_ID, most=most))
        more, items = len(found) > request.size, found[: request.size]
        if request.backwards:
            items.reverse()
        return Page(
            items=items,
            cursors=[cursor_of((item.id,), ORDER) for item in items],
            has_next=key is not None if request.backwards else more,
            has_previous=more if request.backwards else key is not None,
            total=await self._rows.count(wanted) if counted else None,
        )

    async def get(self, id: str) -> StoredEntry:
        """Returns one entry; raises `EntryIdInvalid` and `AuditEntryNotFound`."""
        if not (id.isascii() and id.isdigit() and 0 < int(id[:20]) < LARGEST_ID):
            raise EntryIdInvalid(
                "The id of an audit entry is a whole number from 1.", detail=id[:40], field="id"
            )
        entry = await self._rows.find(int(id))
        if entry is None:
            raise AuditEntryNotFound(
                f"There is no audit entry {id}: it was never written, or was pruned.", detail=id
            )
        return entry

    async def newest(
        self, asked: NewestFirst, most: int | None
    ) -> AsyncIterator[Sequence[StoredEntry]]:
        """Yields batches of the newest entries: `most` in all, `MOST_NEWEST` at most (None: that
        many)."""
        left = MOST_NEWEST if most is None else min(most, MOST_NEWEST)
        after: StoredEntry | None = None
        while left > 0:
            batch = await self._rows.newest(asked, after=after, most=min(left, BATCH))
            if not batch:
                return
            yield batch
            left, after = left - len(batch), batch[-1]

    async def chain(self) -> ChainState:
        """Returns where the chain of hashes stands."""
        return await self._rows.chain()

    def watch(
        self, wanted: AuditFilter, *, shown: int
    ) -> AsyncGenerator[Update[Sequence[StoredEntry]], None]:
        """Yields the newest `shown` entries, oldest of them first, then each batch that becomes
        durable. A watcher that is too slow gets the newest again; writing never waits for it."""

        async def snapshot() -> Sequence[StoredEntry]:
            # No newer than what was told at this sequence: what follows is told once, not twice.
            below = min(self._told, LARGEST_ID - 1) + 1
            if shown == 0:
                return []
            found = await self._rows.older(wanted, below=below, most=min(shown, MOST_SHOWN))
            return found[::-1]

        def change(event: Event) -> Sequence[StoredEntry] | None:
            if not isinstance(event, EntriesWritten):
                return None
            return [entry for entry in event.entries if wanted.matches(entry)] or None

        return watch_changes(self._hub, EntriesWritten, snapshot=snapshot, change=change)


def _key(request: PageRequest) -> int | None:
    if request.key is None:
        return None
    if len(request.key) != 1 or not isinstance(request.key[0], int):
        raise CursorInvalid("This cursor does not belong to this list; start again without one.")
    id = request.key[0]
    if not 0 < id <= LARGEST_ID:
        raise CursorInvalid("This cursor does not belong to this list; start again without one.")
    return id
