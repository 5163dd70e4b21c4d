"""Builds the audit log: its writer, its readers, where its heads go, and what is pruned."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from adapters.audit.journal import SystemJournal
from adapters.audit.log import SqliteAuditLog
from adapters.audit.rows import SqliteAuditRows
from domain.audit.heads import Heads
from domain.audit.retention import Pruning, Retention
from domain.audit.trail import AuditTrail
from domain.events import Hub
from domain.host_paths import HostPaths
from server.background import Background
from server.settings import Settings

JOURNAL_SOCKET = "/run/systemd/journal/socket"
HEAD_SECONDS = 300.0
PRUNING_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Auditing:
    """The audit log, and what looks after it."""

    log: SqliteAuditLog
    trail: AuditTrail
    heads: Heads
    pruning: Pruning


async def open_auditing(
    paths: HostPaths, hub: Hub, settings: Settings, stack: AsyncExitStack
) -> Auditing:
    """Opens the audit log on `stack`; a failure shows in the log's `probe`."""
    rows = SqliteAuditRows(lambda: paths.real(paths.audit_db))
    stack.push_async_callback(rows.aclose)
    trail = AuditTrail(hub, rows)
    log = SqliteAuditLog(lambda: paths.real(paths.audit_db), told=trail.written)
    heads = Heads(log, SystemJournal(lambda: paths.real(JOURNAL_SOCKET)))
    # Closed in reverse: what waits is written, then the last head is told.
    stack.push_async_callback(heads.tell)
    stack.push_async_callback(log.aclose)
    await log.open()
    trail.follow_from(log.head)
    retention = Retention(
        days=settings.audit_keep_days,
        rows=settings.audit_keep_rows,
        megabytes=settings.audit_keep_megabytes,
    )
    pruning = Pruning(retention, rows, log, place=paths.audit_db)
    return Auditing(log, trail, heads, pruning)


def look_after(background: Background, auditing: Auditing) -> None:
    """Starts what goes on beside the writing."""
    background.repeat("the telling of audit heads", HEAD_SECONDS, auditing.heads.tell)
    background.repeat("the pruning of the audit log", PRUNING_SECONDS, auditing.pruning.run)
