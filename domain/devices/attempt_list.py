"""The list of attempts: pages of them, newest first, out of what is folded from the rows."""

import asyncio
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator, Sequence

from domain.devices.attempts import (
    EVERY_ATTEMPT,
    Attempt,
    AttemptFilter,
    Ending,
    attempt_of,
    ending_by,
    ending_of,
)
from domain.devices.devices import Devices
from domain.devices.runs import Run, Runs
from domain.devices.statuses import Statuses
from domain.paging import CursorInvalid, Page, PageRequest, cursor_of
from domain.serials import board_key

ORDER = "attempts:newest"
AT_ONCE = 200
"""So many runs are looked at before others have their turn."""


class Attempts:
    """Raises what `Devices` raises."""

    def __init__(self, devices: Devices, statuses: Statuses) -> None:
        self._devices = devices
        self._statuses = statuses

    async def list_page(
        self, request: PageRequest, wanted: AttemptFilter = EVERY_ATTEMPT
    ) -> Page[Attempt]:
        """Returns a page of the wanted attempts, the one that began last first.

        How many there are in all is only told where nothing is filtered.
        """
        await self._statuses.ready()
        runs, found = self._devices.projection.runs, list[tuple[Run, Ending]]()
        candidates = runs.all if wanted.serial is None else _own(runs, board_key(wanted.serial))
        async for run in unhurried(list(_slice(candidates, request))):
            if len(found) > request.size:
                break
            ending = self.ending(run)
            if self._takes(runs, run, wanted, ending):
                found.append((run, ending))
        total = len(runs.all) if wanted == EVERY_ATTEMPT else None
        return self._page(runs, request, found, total=total)

    async def of_board(self, key: str, request: PageRequest) -> Page[Attempt]:
        """Returns a page of one board's attempts, the one that began last first."""
        await self._statuses.ready()
        runs = self._devices.projection.runs
        own = _own(runs, key)
        found = [(run, self.ending(run)) for run in _slice(own, request)]
        return self._page(runs, request, found[: request.size + 1], total=len(own))

    def ending(self, run: Run) -> Ending:
        """Returns how a run came out, by all that is known of it now."""
        view = self._statuses.find(run.key)
        if view is not None and view.run == run.id:
            return ending_of(run, view.verdict)
        past = self._statuses.verdicts.past(run)
        failed = None if past or run.aborted else self._statuses.verdicts.failure(run)
        return ending_of(run, past) if failed is None else ending_by(failed)

    def _takes(self, runs: Runs, run: Run, wanted: AttemptFilter, ending: Ending) -> bool:
        if wanted.outcomes and ending.outcome not in wanted.outcomes:
            return False
        return wanted.takes(run, started_at=runs.started_at(run))

    def _page(
        self,
        runs: Runs,
        request: PageRequest,
        found: Sequence[tuple[Run, Ending]],
        *,
        total: int | None,
    ) -> Page[Attempt]:
        more, shown = len(found) > request.size, found[: request.size]
        if request.backwards:
            shown = shown[::-1]
        from_end = request.key is not None
        return Page(
            items=[attempt_of(runs, run, ending) for run, ending in shown],
            cursors=[cursor_of((run.id,), ORDER) for run, _ in shown],
            has_next=from_end if request.backwards else more,
            has_previous=more if request.backwards else from_end,
            total=total,
        )


async def unhurried(runs: Sequence[Run]) -> AsyncIterator[Run]:
    """Yields runs, and lets others have their turn in between."""
    for number, run in enumerate(runs, 1):
        yield run
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)


def _slice(runs: Sequence[Run], request: PageRequest) -> Iterator[Run]:
    """Yields the runs from the request's place on, in its direction; they are sorted by id."""
    place = request.key[0] if request.key else None
    if place is not None and not isinstance(place, int):
        raise CursorInvalid("This cursor does not belong to this list.")
    if request.backwards:
        low = 0 if place is None else bisect_left(runs, place + 1, key=_id)
        return iter(runs[low:])
    high = len(runs) if place is None else bisect_left(runs, place, key=_id)
    return reversed(runs[:high])


def _own(runs: Runs, key: str) -> list[Run]:
    return sorted(runs.by_board.get(key, ()), key=_id)


def _id(run: Run) -> int:
    return run.id
