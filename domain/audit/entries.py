"""Audit entries: who did what, when, and how it ended (contract audit section 1)."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from domain.caller import Caller


class EventType(StrEnum):
    """The three kinds of row (contract audit section 1)."""

    HANDLER_ACCESS = "HANDLER_ACCESS"
    FILE_ACCESS = "FILE_ACCESS"
    SYSTEMD_LOG_ACCESS = "SYSTEMD_LOG_ACCESS"


OK = "OK"
"""The outcome of an operation that succeeded; any other outcome is an error code."""
NAMELESS = "local"
"""The caller who needs no login on the station itself."""
STAMP = "%Y-%m-%d %H:%M:%S"
"""The form of the column `timestamp`: the station's local time, without a zone."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One row to be written. None is SQL's NULL: the members that this kind of row does not have
    (contract audit section 1)."""

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


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """One row as it is kept, also one that the existing service wrote: what it has no column for
    is None.

    `timestamp` is local time without a zone; `utc`, which only our rows have, says the moment.
    `event_type` is as written, whoever wrote it.
    """

    id: int
    timestamp: str
    event_type: str
    client_ip: str | None
    user_agent: str | None
    handler_path: str | None
    operation: str | None
    target_path: str | None
    success: bool | None
    username: str | None
    additional_info: str | None
    caller: str | None
    correlation_id: str | None
    surface: str | None
    outcome: str | None
    peer_ip: str | None
    utc: str | None

    @property
    def path(self) -> str | None:
        """The request's path, the file or the unit: what a row of its kind is about."""
        return self.target_path if self.handler_path is None else self.handler_path

    @property
    def at(self) -> datetime | None:
        """When, in UTC; None where the stored text is no time."""
        try:
            if self.utc is not None:
                return datetime.fromisoformat(self.utc).astimezone(UTC)
            # What the existing service wrote has no zone: it is the station's local time.
            return datetime.strptime(self.timestamp, STAMP).astimezone().astimezone(UTC)
        except (ValueError, OverflowError):
            return None


def access_entry(caller: Caller, *, at: datetime, outcome: str | None) -> AuditEntry:
    """Returns the `HANDLER_ACCESS` row of one request or one GraphQL root field; `outcome` is None
    where it is written before the end."""
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
        username=_username(caller),
        additional_info=info,
        caller=caller.name if caller else None,
        correlation_id=caller.correlation_id if caller else None,
        surface=caller.surface if caller else None,
    )


def unit_log_entry(caller: Caller, unit: str, *, at: datetime) -> AuditEntry:
    """Returns the `SYSTEMD_LOG_ACCESS` row of reading a unit's log; `unit` is the name as asked
    for."""
    return AuditEntry(
        EventType.SYSTEMD_LOG_ACCESS,
        at,
        operation="VIEW",
        target_path=unit,
        username=_username(caller),
        caller=caller.name,
        correlation_id=caller.correlation_id,
        surface=caller.surface,
    )


def _username(caller: Caller | None) -> str:
    # Always empty in the existing service; a login is a name (contract audit section 7).
    return "" if caller is None or caller.name == NAMELESS else caller.name
