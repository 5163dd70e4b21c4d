"""Audit entries and their chain as GraphQL clients see them."""

from datetime import datetime

import strawberry

from domain.audit.entries import EventType, StoredEntry
from domain.audit.trail import ChainState
from schema.enums import describe_enum
from schema.scalars import Long

describe_enum(
    EventType,
    name="AuditEventType",
    description="What kind of audit entry it is.",
    values={
        EventType.HANDLER_ACCESS: "Somebody asked something of the service, or was refused.",
        EventType.FILE_ACCESS: "A file of the station was read, written, made or removed.",
        EventType.SYSTEMD_LOG_ACCESS: "The log of a systemd unit was read.",
    },
)


@strawberry.type(description="One entry of the audit log: who did what, when, how it ended.")
class AuditEntry:
    """An entry."""

    id: strawberry.ID = strawberry.field(description="Its number; grows with each entry.")
    at: datetime | None = strawberry.field(
        description="When; null where the stored text is no time. What the existing service wrote "
        "is read as the station's local time."
    )
    timestamp: str = strawberry.field(
        description="The station's local time as it is stored, without a zone."
    )
    event_type: EventType | None = strawberry.field(
        description="What kind of entry; null where the stored word is unknown."
    )
    raw_event_type: str = strawberry.field(description="The stored word for the kind.")
    caller: str | None = strawberry.field(
        description="Who: a token's or a proxy user's name, `local` for the nameless local "
        "caller; null for what the service does by itself, and in entries of the existing service."
    )
    address: str | None = strawberry.field(
        description="The client's address, as a configured proxy says it; null for file and log "
        "accesses."
    )
    peer_address: str | None = strawberry.field(
        description="The address at the other end of the connection; null where `address` is, and "
        "in entries of the existing service."
    )
    user_agent: str | None = strawberry.field(
        description="What the client calls itself, may be empty; null for file and log accesses. "
        "Anybody can write anything here: escape it."
    )
    handler_path: str | None = strawberry.field(
        description="What was asked: a legacy path or `/graphql#rootField`; null for file and log "
        "accesses."
    )
    operation: str | None = strawberry.field(
        description="What was done with the file or log, such as WRITE or VIEW; null for requests."
    )
    target_path: str | None = strawberry.field(
        description="The file, key or unit it was done with; null for requests."
    )
    success: bool | None = strawberry.field(
        description="Whether the file access succeeded; null for requests and log accesses."
    )
    outcome: str | None = strawberry.field(
        description="How the request ended: OK or an error's code; null for file and log accesses, "
        "for entries of the existing service, and for readings of this log, which are written down "
        "before they begin."
    )
    additional_info: str | None = strawberry.field(
        description="More about a file access, may be empty; null for the other kinds."
    )
    surface: str | None = strawberry.field(
        description="Where it was asked: rest or graphql; null for what the service does by "
        "itself, and in entries of the existing service."
    )
    correlation_id: str | None = strawberry.field(
        description="The same for all entries of one request, and in the service's log and the "
        "header X-Correlation-Id; null where `surface` is."
    )


@strawberry.type(description="The chain of hashes over the audit log, by which changes show.")
class AuditChain:
    """Where the chain stands."""

    head: str = strawberry.field(
        description="The newest link as ID:HASH. Write it down elsewhere: `provisioner-service "
        "audit verify --head ID:HASH` then finds rows that were cut off or made anew."
    )
    head_id: Long = strawberry.field(description="The entry that the newest link belongs to.")
    covered_from: Long = strawberry.field(
        description="The first entry that the chain covers; older ones were there before it, or "
        "are pruned."
    )
    pruned_up_to: Long = strawberry.field(
        description="The last entry that retention took out; 0 while nothing was."
    )


@strawberry.type(description="Entries of the audit log that are on the disk now.")
class AuditEntriesAdded:
    """One frame of `auditEntryAdded`."""

    sequence: int = strawberry.field(description="Grows with each frame; gaps are normal.")
    snapshot: bool = strawberry.field(
        description="True where `entries` are the newest to begin with: the first frame, and after "
        "the client was too slow. What it missed is in `auditEntries`."
    )
    entries: list[AuditEntry] = strawberry.field(description="The entries, the oldest first.")


def entry_of(entry: StoredEntry) -> AuditEntry:
    """Returns the entry as clients see it."""
    known = EventType.__members__.get(entry.event_type)
    return AuditEntry(
        id=strawberry.ID(str(entry.id)),
        at=entry.at,
        timestamp=entry.timestamp,
        event_type=known,
        raw_event_type=entry.event_type,
        caller=entry.caller,
        address=entry.client_ip,
        peer_address=entry.peer_ip,
        user_agent=entry.user_agent,
        handler_path=entry.handler_path,
        operation=entry.operation,
        target_path=entry.target_path,
        success=entry.success,
        outcome=entry.outcome,
        additional_info=entry.additional_info,
        surface=entry.surface,
        correlation_id=entry.correlation_id,
    )


def chain_of(state: ChainState) -> AuditChain:
    """Returns the chain as clients see it."""
    return AuditChain(
        head=str(state.head),
        head_id=Long(state.head.id or 0),
        covered_from=Long(state.checkpoint.up_to + 1),
        pruned_up_to=Long(state.checkpoint.pruned),
    )
