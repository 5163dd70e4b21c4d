"""The timeline of a board: what all sources tell of it, joined, the newest first."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge

from domain.devices.devices import Devices
from domain.devices.statuses import Statuses
from domain.errors import Unavailable
from domain.paging import Page, PageInvalid, PageRequest, cursor_of
from domain.services.states import Service
from domain.timeline.board_units import TimelineUnits
from domain.timeline.boards import Board, board_of
from domain.timeline.entries import TimelineEntry, TimelineKind, Wanted, checked
from domain.timeline.sources import Source

ORDER = "timeline"


@dataclass(frozen=True, slots=True)
class Gap:
    """What is not told on a page, and why: its source was unavailable."""

    kinds: tuple[TimelineKind, ...]
    reason: Unavailable


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """A page, and what it lacks."""

    page: Page[TimelineEntry]
    gaps: tuple[Gap, ...]


class Timeline:
    """Joins sources, each of which is asked for no more than a page. Raises what `Devices`
    raises."""

    def __init__(
        self,
        devices: Devices,
        statuses: Statuses,
        *,
        units: TimelineUnits,
        sources: Sequence[Source],
    ) -> None:
        self._devices = devices
        self._statuses = statuses
        self._units = units
        self._sources = sources

    async def page(
        self, board: str, request: PageRequest, *, kinds: frozenset[TimelineKind]
    ) -> TimelinePage:
        """Returns a page of what happened to the board with this key (`Device.key`); a source that
        is unavailable leaves a gap. Raises `PageInvalid` and `CursorInvalid`."""
        if request.backwards:
            raise PageInvalid("A timeline is paged forwards: `first` with `after`.", field="last")
        wanted = Wanted(kinds, checked(request.key), request.size + 1)
        whose = await self._board(board)
        asked = [source for source in self._sources if source.kinds & kinds]
        told = await asyncio.gather(*(_told(source, whose, wanted) for source in asked))
        found = list(merge(*(part.entries for part in told), key=lambda entry: entry.key))
        return TimelinePage(
            page=_page(found, request), gaps=tuple(part.gap for part in told if part.gap)
        )

    async def list_units(self, board: str) -> list[Service]:
        """Returns the units of the board with this key, the newest first; raises what
        `TimelineUnits` raises."""
        return await self._units.list_services(await self._board(board))

    async def _board(self, key: str) -> Board:
        await self._statuses.ready()
        return board_of(key, self._devices.projection.runs)


@dataclass(frozen=True, slots=True)
class _Part:
    entries: Sequence[TimelineEntry]
    gap: Gap | None = None


async def _told(source: Source, board: Board, wanted: Wanted) -> _Part:
    try:
        return _Part(await source.tell(board, wanted))
    except Unavailable as error:
        return _Part((), Gap(tuple(sorted(source.kinds & wanted.kinds)), error))


def _page(found: Sequence[TimelineEntry], request: PageRequest) -> Page[TimelineEntry]:
    shown = found[: request.size]
    return Page(
        items=shown,
        cursors=[cursor_of(entry.key, ORDER) for entry in shown],
        has_next=len(found) > request.size,
        has_previous=request.key is not None,
    )
