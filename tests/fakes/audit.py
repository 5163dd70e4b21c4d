"""An audit log in memory, and its rows for those who read."""

from collections.abc import Sequence
from datetime import datetime

from domain.audit.chain import HASH_BYTES, Checkpoint, Head
from domain.audit.entries import AuditEntry, EventType, StoredEntry
from domain.audit.filters import AuditFilter, local_text, utc_text
from domain.audit.retention import Extent
from domain.audit.trail import ChainState, NewestFirst


def stored(id: int, at: datetime, path: str = "/devices", **members: str | None) -> StoredEntry:
    """Returns a `HANDLER_ACCESS` row as it is kept."""
    known: dict[str, str | None] = {
        "client_ip": "127.0.0.1",
        "user_agent": "",
        "caller": "local",
        "outcome": "OK",
        "surface": "rest",
        **members,
    }
    return StoredEntry(
        id=id,
        timestamp=local_text(at) or "",
        event_type=EventType.HANDLER_ACCESS,
        client_ip=known["client_ip"],
        user_agent=known["user_agent"],
        handler_path=path,
        operation=None,
        target_path=None,
        success=None,
        username=None,
        additional_info=None,
        caller=known["caller"],
        correlation_id=known.get("correlation_id"),
        surface=known["surface"],
        outcome=known["outcome"],
        peer_ip=known["client_ip"],
        utc=utc_text(at),
    )


class FakeAuditRows:
    """Satisfies `AuditRows` and `Extents`; each row takes `row_bytes`."""

    def __init__(self, rows: Sequence[StoredEntry] = (), row_bytes: int = 1000) -> None:
        self.rows = list(rows)
        self.row_bytes = row_bytes
        self.counted = 0

    async def older(self, wanted: AuditFilter, *, below: int, most: int) -> Sequence[StoredEntry]:
        found = [row for row in self.rows[::-1] if row.id < below and wanted.matches(row)]
        return found[:most]

    async def newer(self, wanted: AuditFilter, *, above: int, most: int) -> Sequence[StoredEntry]:
        return [row for row in self.rows if row.id > above and wanted.matches(row)][:most]

    async def count(self, wanted: AuditFilter) -> int | None:
        self.counted += 1
        return sum(wanted.matches(row) for row in self.rows)

    async def find(self, id: int) -> StoredEntry | None:
        return next((row for row in self.rows if row.id == id), None)

    async def newest(
        self, asked: NewestFirst, *, after: StoredEntry | None, most: int
    ) -> Sequence[StoredEntry]:
        del asked
        found = [row for row in self.rows[::-1] if after is None or row.id < after.id]
        return found[:most]

    async def chain(self) -> ChainState:
        last = self.rows[-1].id if self.rows else 0
        return ChainState(Head(last, bytes(HASH_BYTES)), Checkpoint(0, bytes(HASH_BYTES)))

    async def extent(self) -> Extent:
        ids = [row.id for row in self.rows] or [0]
        return Extent(ids[0], ids[-1], len(self.rows) * self.row_bytes)

    async def last_before(self, moment: datetime) -> int:
        young = [row.id for row in self.rows if row.at is not None and row.at >= moment]
        return young[0] - 1 if young else (await self.extent()).newest


class FakeAuditLog:
    """Satisfies `AuditLog` and `PrunedLog` over the rows of `kept`."""

    def __init__(self, kept: FakeAuditRows | None = None) -> None:
        self.entries: list[AuditEntry] = []
        self.kept = kept or FakeAuditRows()
        self.steps: list[int] = []
        self.head: Head | None = None

    @property
    def waiting(self) -> int:
        return 0

    def record(self, *entries: AuditEntry) -> None:
        self.entries += entries

    async def durable(self) -> None:
        return

    async def probe(self) -> None:
        return

    async def prune(self, up_to: int, *, most: int) -> None:
        gone = [row for row in self.kept.rows if row.id <= up_to][:most]
        self.steps.append(len(gone))
        self.kept.rows = self.kept.rows[len(gone) :]
