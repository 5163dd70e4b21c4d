"""The watch of new manufacturing records: the newest first, then each one that comes in."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass

from domain.errors import Invalid
from domain.events import Event, Hub, Lagged
from domain.manufacturing.record import ManufacturingRecord, Row, record_of, whole
from domain.manufacturing.records import Records

MOST_NEWEST = 100
AT_ONCE = 100
"""The most records of one frame."""
BEFORE_ALL = -(2**63) + 1
AFTER_ALL = 2**63 - 1


class NewestInvalid(Invalid):
    """A number of records that no first frame has."""

    code = "INVALID_NEWEST"
    title = "Invalid Number"
    meaning = f"The first frame may show from 0 to {MOST_NEWEST} records."
    remedy = "Ask for fewer; `manufacturingRecords` pages through all of them."


@dataclass(frozen=True, slots=True)
class RecordsCameIn(Event):
    """Records with ids above `after`, up to `highest`, are new. `after` is None where everything
    may be another: the database was replaced, or its index made anew."""

    after: int | None
    highest: int | None


@dataclass(frozen=True, slots=True)
class RecordsFrame:
    """Records by id ascending: as a `snapshot` the newest of all, else what came in since the
    last frame. `sequence` is the hub's and only grows. `shareable` frames are the same for all
    who watch."""

    sequence: int
    snapshot: bool
    records: Sequence[ManufacturingRecord]
    shareable: bool


async def watch_added(
    hub: Hub, records: Records, *, newest: int, known: Callable[[], int | None]
) -> AsyncGenerator[RecordsFrame, None]:
    """Yields the `newest` records, then all that come in, none left out and none twice.

    `known` tells up to which id records have been announced, None while nothing was. Raises
    `NewestInvalid` and what `Records` raises.
    """
    if not 0 <= newest <= MOST_NEWEST:
        raise NewestInvalid(
            f"`newest` is {newest}; it must be from 0 to {MOST_NEWEST}.", field="newest"
        )
    with hub.subscribe(RecordsCameIn) as subscription:
        watch = _Watch(records, newest, known)
        yield await watch.snapshot(hub.sequence)
        while True:
            news = await subscription.next()
            sequence = hub.sequence if isinstance(news, Lagged) else news.sequence
            event = None if isinstance(news, Lagged) else news.event
            came_in = event if isinstance(event, RecordsCameIn) else None
            certain = came_in is not None and came_in.after is not None
            if not certain and not await watch.is_the_same():
                yield await watch.snapshot(sequence)
                continue
            async for frame in watch.news(sequence, came_in):
                yield frame


class _Watch:
    def __init__(self, records: Records, newest: int, known: Callable[[], int | None]) -> None:
        self._records = records
        self._newest = newest
        self._known = known
        self._last: Row = {}
        self._last_id = BEFORE_ALL

    async def snapshot(self, sequence: int) -> RecordsFrame:
        """Returns the newest records that have been announced."""
        known = self._known()
        rows = await self._records.rows_before(
            AFTER_ALL if known is None else known + 1, most=max(1, self._newest)
        )
        self._remember(rows[0] if rows else {})
        shown = rows[: self._newest]
        return RecordsFrame(
            sequence,
            snapshot=True,
            records=[record_of(row) for row in reversed(shown)],
            shareable=known is not None,
        )

    async def is_the_same(self) -> bool:
        """Whether the last record that was shown is still what it was."""
        if not self._last:
            return True
        return list(await self._records.rows([self._last_id])) == [self._last]

    async def news(
        self, sequence: int, event: RecordsCameIn | None
    ) -> AsyncGenerator[RecordsFrame, None]:
        """Yields the records above the last one shown, up to the highest announced."""
        highest = self._known() if event is None else event.highest
        if highest is None:
            return
        whole_event = event is not None and event.after == self._last_id
        while self._last_id < highest:
            rows = await self._records.rows_after(self._last_id, most=AT_ONCE)
            rows = [row for row in rows if (whole(row.get("id")) or 0) <= highest]
            if not rows:
                return
            self._remember(rows[-1])
            yield RecordsFrame(
                sequence,
                snapshot=False,
                records=[record_of(row) for row in rows],
                shareable=whole_event and self._last_id == highest,
            )
            whole_event = False

    def _remember(self, row: Row) -> None:
        id = whole(row.get("id"))
        self._last, self._last_id = row, BEFORE_ALL if id is None else id
