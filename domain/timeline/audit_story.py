"""What the audit log tells: who asked about a board, changed its flags, read its logs and keys."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from domain.audit.entries import OK, StoredEntry
from domain.audit.filters import LONGEST, AuditFilter
from domain.audit.trail import AuditTrail
from domain.devices.flag_kinds import FlagKind
from domain.host_paths import HostPaths
from domain.paging import PageRequest
from domain.timeline.boards import Board
from domain.timeline.entries import (
    TimelineEntry,
    TimelineKind,
    Wanted,
    newer_first,
    place,
)

OVERLAP = 50
"""Entries are kept in the order of their ends, and told by when they began: so many more are
looked at than are told."""


class AuditStory:
    """Tells from the audit log what names a serial of the board; ports are not the board's."""

    kinds = frozenset((TimelineKind.AUDITED,))

    def __init__(self, paths: HostPaths, trail: AuditTrail) -> None:
        self._paths = paths
        self._trail = trail

    async def tell(self, board: Board, wanted: Wanted) -> Sequence[TimelineEntry]:
        """Returns the newest entries that name the board."""
        until = wanted.until(TimelineKind.AUDITED)
        found: dict[int, StoredEntry] = {}
        for prefix in _prefixes(self._paths, board.serials):
            for entry in await self._entries(prefix, until, wanted.most):
                found[entry.id] = entry
        return wanted.pick(map(_told, found.values()))

    async def _entries(
        self, prefix: str, until: datetime | None, most: int
    ) -> Sequence[StoredEntry]:
        # A serial is whatever a state row holds, and may be longer than a filter's text.
        named = AuditFilter(path_prefix=prefix[:LONGEST], until=until)
        request = PageRequest(most + OVERLAP, None, backwards=False)
        page = await self._trail.page(named, request, counted=False)
        return [entry for entry in page.items if _is_about(entry, prefix)]


def _prefixes(paths: HostPaths, serials: Sequence[str]) -> Iterator[str]:
    """Yields how the paths begin that name a serial (contract devices 1.2, 5, 6.6)."""
    folders = ("/devices", paths.logs, *(paths.flag(kind.value) for kind in FlagKind))
    return (f"{folder}/{serial}" for serial in serials for folder in folders)


def _is_about(entry: StoredEntry, prefix: str) -> bool:
    """Whether the name ends where the prefix does: another serial may begin with this one."""
    path = entry.path or ""
    return path.startswith(prefix) and path[len(prefix) :][:1] in ("", "/")


def _told(entry: StoredEntry) -> TimelineEntry:
    kind = TimelineKind.AUDITED
    failed = entry.success is False or entry.outcome not in (None, OK)
    return TimelineEntry(
        kind=kind,
        key=place(kind, entry.at, newer_first(entry.id)),
        at=entry.at,
        text=f"{entry.caller or 'Somebody'}: {entry.operation or 'asked for'} {entry.path}",
        failed=failed,
        audit=entry,
    )
