"""How long audit entries are kept: by age, by number, by size; without limits by default."""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from domain.audit.entries import file_entry
from domain.audit.log import AuditLog
from domain.errors import Invalid

STEP = 500
"""How many rows go in one transaction: some milliseconds, so that no change waits for long."""
PAUSE_SECONDS = 0.05
ALWAYS_KEPT = 1000
"""The newest rows stay whatever the limits say: who looks after an incident finds something."""
MEGABYTE = 1_000_000
PRUNED = "entries {oldest} to {up_to} pruned, as the settings say"
_PRUNED = re.compile(r"entries \d{1,18} to (\d{1,18}) pruned, as the settings say", re.ASCII)


class RetentionInvalid(Invalid):
    """A limit that cannot be meant."""

    code = "AUDIT_RETENTION_INVALID"
    title = "Invalid Retention"
    meaning = "A limit of the audit log is a whole number, 0 (no limit) or more."
    remedy = "Correct audit_keep_days, audit_keep_rows or audit_keep_megabytes in service.toml."


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept at most; 0 is no limit. A megabyte is 10^6 bytes of the file in use."""

    days: int = 0
    rows: int = 0
    megabytes: int = 0

    def __post_init__(self) -> None:
        if min(self.days, self.rows, self.megabytes) < 0:
            raise RetentionInvalid("A limit of the audit log is 0 (no limit) or more.")

    @property
    def is_off(self) -> bool:
        """Whether everything is kept."""
        return not (self.days or self.rows or self.megabytes)


@dataclass(frozen=True, slots=True)
class Extent:
    """What is there: the lowest and highest id (0 and 0 when empty), and the bytes in use."""

    oldest: int
    newest: int
    used_bytes: int


def pruned_up_to(info: str) -> int:
    """Returns the last entry that an entry of the log says retention took out, 0 for any other
    entry."""
    found = _PRUNED.fullmatch(info)
    return int(found[1]) if found else 0


class Extents(Protocol):
    """The rows as retention sees them; both raise kinds of `Unavailable`."""

    async def extent(self) -> Extent:
        """Returns what is there."""

    async def last_before(self, moment: datetime) -> int:
        """Returns the highest id of which it and all before it are older than `moment`, 0 if there
        is none."""


class PrunedLog(AuditLog, Protocol):
    """A log that rows can be taken out of."""

    async def prune(self, up_to: int, *, most: int) -> None:
        """Takes out at most `most` of the oldest rows, none beyond `up_to`, and leaves a
        checkpoint; raises `AuditUnavailable`."""


class Pruning:
    """Takes out what is beyond the limits, in small steps with pauses; `place` is the log's logical
    path."""

    def __init__(
        self,
        retention: Retention,
        rows: Extents,
        log: PrunedLog,
        *,
        place: str,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._pause_seconds = pause_seconds
        self._retention = retention
        self._rows = rows
        self._log = log
        self._place = place

    async def run(self, *, now: datetime | None = None) -> int:
        """Prunes until the limits are kept; returns how many ids went. What goes is an entry of the
        log itself. Raises `AuditUnavailable`."""
        if self._retention.is_off:
            return 0
        began = await self._rows.extent()
        last_old = await self._last_too_old(now or datetime.now(UTC))
        extent, announced = began, 0
        while (up_to := self._beyond(extent, last_old)) >= extent.oldest > 0:
            if up_to > announced:
                await self._announce(extent.oldest, up_to)
                announced = up_to
            await self._log.prune(announced, most=STEP)
            await asyncio.sleep(self._pause_seconds)
            extent = await self._rows.extent()
        return extent.oldest - began.oldest

    async def _announce(self, oldest: int, up_to: int) -> None:
        """Has it on the disk which entries go before any goes: what is gone without a word was
        taken out by somebody else."""
        info = PRUNED.format(oldest=oldest, up_to=up_to)
        self._log.record(file_entry(None, "DELETE", self._place, at=datetime.now(UTC), info=info))
        await self._log.durable()

    async def _last_too_old(self, now: datetime) -> int:
        if not self._retention.days:
            return 0
        return await self._rows.last_before(now - timedelta(days=self._retention.days))

    def _beyond(self, extent: Extent, last_old: int) -> int:
        """Returns the last id that must go."""
        limits = [last_old]
        if self._retention.rows:
            limits.append(extent.newest - self._retention.rows)
        if self._retention.megabytes * MEGABYTE < extent.used_bytes and self._retention.megabytes:
            limits.append(extent.oldest + STEP - 1)
        return min(max(limits), extent.newest - ALWAYS_KEPT)
