"""What people and programs ask of the audit log.

All of it needs an engineer: the rows say who did what when and from which address, which operators
and viewers need not know of each other; engineers answer for the station's keys and scripts.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from domain.audit.entries import StoredEntry
from domain.audit.filters import AuditFilter
from domain.audit.trail import ChainState, NewestFirst
from domain.caller import Role
from domain.events import Update
from domain.paging import Page, PageRequest
from resolvers.operation import Call, Effect, operation, watch


@operation(role=Role.ENGINEER, effect=Effect.READ, graphql="Query.auditEntries")
async def page_audit_entries(
    call: Call, *, wanted: AuditFilter, page: PageRequest, counted: bool
) -> Page[StoredEntry]:
    """Returns a page of entries, newest first; this reading is among them."""
    await call.note_first()
    return await call.station.audit_trail.page(wanted, page, counted=counted)


@operation(role=Role.ENGINEER, effect=Effect.READ, graphql="Query.auditEntries")
async def list_newest_audit_entries(
    call: Call, *, asked: NewestFirst, most: int | None
) -> AsyncIterator[Sequence[StoredEntry]]:
    """Returns the newest entries in batches, this reading first (contract audit section 2)."""
    await call.note_first()
    return call.station.audit_trail.newest(asked, most)


@operation(role=Role.ENGINEER, effect=Effect.READ, graphql="Query.auditEntry")
async def get_audit_entry(call: Call, *, id: str) -> StoredEntry:
    """Returns one entry."""
    return await call.station.audit_trail.get(id)


@operation(role=Role.ENGINEER, effect=Effect.READ, graphql="Query.auditChain")
async def get_audit_chain(call: Call) -> ChainState:
    """Returns where the chain of hashes stands."""
    return await call.station.audit_trail.chain()


@watch(role=Role.ENGINEER, graphql="Subscription.auditEntryAdded")
def watch_audit_entries(
    call: Call, *, wanted: AuditFilter, shown: int
) -> AsyncGenerator[Update[Sequence[StoredEntry]], None]:
    """Yields the newest entries, then each that becomes durable."""
    return call.station.audit_trail.watch(wanted, shown=shown)
