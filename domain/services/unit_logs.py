"""Unit logs: pages of what the journal has of a unit, and the whole of it."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from domain.paging import PageRequest, cursor_of
from domain.services.cursors import journal_cursor
from domain.services.journal import Journal, JournalLine, JournalQuestion, JournalSlice
from domain.services.line_filters import EVERY_LINE, LineFilter, Origin
from domain.services.unit_names import permitted
from domain.services.units import UnitUnknown

SEARCH_SECONDS = 2.0
"""How long one page is searched for; the next one goes on from there."""
SLICE = 1000
"""Lines that are read at once of a whole log; a slice has fewer where they are long."""
OWN = LineFilter(origin=Origin.UNIT)


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines in the list's order with their cursors, and what lies around.

    `start` and `end` are where to go on in either direction; they lie beyond the lines where a
    search has looked further. `complete` is false where the search took too long and stopped at
    `end` (at `start`, if it went backwards).
    """

    lines: tuple[JournalLine, ...]
    cursors: tuple[str, ...]
    start: str | None
    end: str | None
    has_next: bool
    has_previous: bool
    complete: bool = True


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """A page by its number, the first being 1, of the unit's own lines; `total` counts them all,
    `pages` is 0 where there are none."""

    lines: tuple[JournalLine, ...]
    page: int
    size: int
    total: int
    pages: int


@dataclass(frozen=True, slots=True)
class Collected:
    """Lines of several slices; `resume` as in a slice."""

    lines: tuple[JournalLine, ...]
    resume: str | None
    found: bool


def log_order(unit: str, *, newest_first: bool) -> str:
    """Returns the name of a unit's log in this order, for its cursors."""
    return f"log:{'desc' if newest_first else 'asc'}:{unit}"


async def collect(
    journal: Journal, question: JournalQuestion, *, patience: float = SEARCH_SECONDS
) -> Collected:
    """Returns as many lines as are asked for, or those that a search has found in `patience`
    seconds; raises `JournalUnavailable`."""
    lines: list[JournalLine] = []
    resume, inclusive, found = question.cursor, question.inclusive, None
    end = asyncio.get_running_loop().time() + patience
    while True:
        piece = await journal.read(
            replace(question, count=question.count - len(lines), cursor=resume, inclusive=inclusive)
        )
        lines += piece.lines
        found = piece.found if found is None else found
        resume, inclusive = piece.resume, False
        late = asyncio.get_running_loop().time() > end
        if resume is None or len(lines) >= question.count or late:
            return Collected(tuple(lines), resume, found)


class UnitLogs:
    """Reads what the journal has of the station's units. All methods raise `ServiceUnauthorized`
    and `JournalUnavailable`."""

    def __init__(self, journal: Journal, *, patience: float = SEARCH_SECONDS) -> None:
        self._journal = journal
        self._patience = patience

    async def page(
        self, name: str, request: PageRequest, *, wanted: LineFilter, newest_first: bool
    ) -> LogPage:
        """Returns a page of the lines that `wanted` accepts; raises `CursorInvalid`."""
        unit, start = permitted(name), journal_cursor(request.key)
        question = JournalQuestion(
            unit=unit,
            # One more tells whether there are more.
            count=request.size + 1,
            cursor=start,
            backwards=newest_first is not request.backwards,
            wanted=wanted,
        )
        found = await collect(self._journal, question, patience=self._patience)
        return _page(found, request, order=log_order(unit, newest_first=newest_first))

    async def numbered(
        self, name: str, *, page: int, size: int, newest_first: bool
    ) -> NumberedPage:
        """Returns a page of the unit's own lines by its number; one above the last is the last
        (contract services section 4)."""
        unit = permitted(name)
        total = await self._journal.count(unit, OWN.origin)
        pages = -(-total // size)
        page = min(page, pages) if total else page
        skipped = (page - 1) * size
        count = max(0, min(size, total - skipped))
        if count == 0:
            return NumberedPage((), page, size, total, pages)
        number = total - 1 - skipped if newest_first else skipped
        first = await self._journal.locate(unit, number)
        question = JournalQuestion(
            unit=unit,
            count=count,
            cursor=first,
            inclusive=True,
            backwards=newest_first,
            wanted=OWN,
        )
        found = await collect(self._journal, question)
        return NumberedPage(found.lines, page, size, total, pages)

    async def count(self, name: str, origin: Origin) -> int:
        """Returns how many lines of this origin there are."""
        return await self._journal.count(permitted(name), origin)

    async def whole(self, name: str) -> AsyncGenerator[tuple[JournalLine, ...], None]:
        """Returns the whole log in pieces, oldest first: the unit's lines and systemd's about it.

        The first piece is read before this returns; raises `UnitUnknown` where there is none.
        """
        unit = permitted(name)
        question = JournalQuestion(unit=unit, count=SLICE, wanted=EVERY_LINE)
        first = await self._journal.read(question)
        if not first.lines:
            raise UnitUnknown(f"The journal has nothing of a unit {unit[:300]}.", detail=unit[:300])
        return _pieces(self._journal, question, first)


async def _pieces(
    journal: Journal, question: JournalQuestion, piece: JournalSlice
) -> AsyncGenerator[tuple[JournalLine, ...], None]:
    yield piece.lines
    while piece.resume is not None:
        piece = await journal.read(replace(question, cursor=piece.resume))
        if piece.lines:
            yield piece.lines


def _page(found: Collected, request: PageRequest, *, order: str) -> LogPage:
    more = len(found.lines) > request.size
    lines = found.lines[: request.size]
    stopped = found.resume if not more else None
    places = [line.cursor for line in lines]
    edge = stopped or (places[-1] if places else None)
    near = places[0] if places else None
    further, came_from = more or stopped is not None, request.key is not None
    if request.backwards:
        lines, places = lines[::-1], places[::-1]
        near, edge = edge, near
        further, came_from = came_from, further
    return LogPage(
        lines=lines,
        cursors=tuple(cursor_of((place,), order) for place in places),
        start=None if near is None else cursor_of((near,), order),
        end=None if edge is None else cursor_of((edge,), order),
        has_next=further,
        has_previous=came_from,
        complete=stopped is None,
    )
