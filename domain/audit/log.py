"""The audit log as the rest of the station sees it: entries are recorded, in order, and kept."""

from typing import Protocol

from domain.audit.entries import AuditEntry
from domain.errors import Unavailable


class AuditUnavailable(Unavailable):
    """A change is refused, because nobody could later say who made it."""

    code = "AUDIT_UNAVAILABLE"
    title = "Audit Log Unavailable"
    meaning = "The audit log cannot be written, so changes are refused."
    remedy = (
        "Make room on the disk or mend /srv/rpi-sb-provisioner/audit.db; the reason is in /readyz."
    )


class AuditInterrupted(Unavailable):
    """Entries that were on the disk are gone; new ones are written all the same."""

    code = "AUDIT_INTERRUPTED"
    title = "Audit Log Interrupted"
    meaning = "The audit log's file was deleted, replaced or cut while the service ran."
    remedy = (
        "Find out who did it; keep the old file or a backup of it beside the new one. The service "
        "forgets this at its next start; the log's own entry about it stays."
    )


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
