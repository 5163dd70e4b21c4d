"""The audit log: who did what, when, and how it ended (contract audit)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.caller import Caller
from domain.errors import Unavailable


class AuditUnavailable(Unavailable):
    """A change is refused, because nobody could later say who made it."""

    code = "AUDIT_UNAVAILABLE"
    title = "Audit Log Unavailable"
    meaning = "The audit log cannot be written, so changes are refused."
    remedy = (
        "Make room on the disk or mend /srv/rpi-sb-provisioner/audit.db; the reason is in /readyz."
    )


class EventType(StrEnum):
    """The three kinds of row (contract audit section 1)."""

    HANDLER_ACCESS = "HANDLER_ACCESS"
    FILE_ACCESS = "FILE_ACCESS"
    SYSTEMD_LOG_ACCESS = "SYSTEMD_LOG_ACCESS"


OK = "OK"
"""The outcome of an operation that succeeded; any other outcome is an error code."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One row. None is SQL's NULL: the members that this kind of row does not have (contract
    audit section 1)."""

    event_type: EventType
    at: datetime
    client_ip: str | None = None
    user_agent: str | None = None
    handler_path: str | None = None
    operation: str | None = None
    target_path: str | None = None
    success: bool | None = None
    username: str | None = None
    additional_info: str | None = None
    caller: str | None = None
    correlation_id: str | None = None
    surface: str | None = None
    outcome: str | None = None
    peer_ip: str | None = None


class AuditLog(Protocol):
    """Where audit entries are kept, in the order in which they are recorded."""

    def record(self, *entries: AuditEntry) -> None:
        """Takes the entries without waiting; they are written soon, together with others."""

    async def durable(self) -> None:
        """Returns when everything recorded so far is on the disk; raises `AuditUnavailable`
        when it cannot be."""

    async def probe(self) -> None:
        """Raises `AuditUnavailable` with the reason while the log cannot be written."""

    @property
    def waiting(self) -> int:
        """How many entries are recorded and not yet written."""


def access_entry(caller: Caller, *, at: datetime, outcome: str | None) -> AuditEntry:
    """Returns the `HANDLER_ACCESS` row of one request or one GraphQL root field."""
    return AuditEntry(
        EventType.HANDLER_ACCESS,
        at,
        client_ip=caller.address,
        user_agent=caller.user_agent,
        handler_path=caller.entry,
        caller=caller.name,
        correlation_id=caller.correlation_id,
        surface=caller.surface,
        outcome=outcome,
        peer_ip=caller.peer_address,
    )


def file_entry(
    caller: Caller | None,
    operation: str,
    target: str,
    *,
    at: datetime,
    success: bool = True,
    info: str = "",
) -> AuditEntry:
    """Returns a `FILE_ACCESS` row; `operation` is a word of contract audit section 4, `target` a
    logical path.

    `caller` is None for what the service does by itself.
    """
    return AuditEntry(
        EventType.FILE_ACCESS,
        at,
        operation=operation,
        target_path=target,
        success=success,
        username="",
        additional_info=info,
        caller=caller.name if caller else None,
        correlation_id=caller.correlation_id if caller else None,
        surface=caller.surface if caller else None,
    )
