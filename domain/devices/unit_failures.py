"""Unit failures: those that were seen, kept beyond what systemd remembers.

systemd forgets a failed unit with the next boot or with `systemctl reset-failed`, and no row may
tell of it. A board that was seen to fail after it was said to be finished stays failed.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.devices.evidence import UnitReport, UnitSight
from domain.devices.runs import Run
from domain.errors import Unavailable

LOAD_SECONDS = 1.0
"""How long a store that is slow to open may hold up the first judgements."""


@dataclass(frozen=True, slots=True)
class UnitFailure:
    """How a unit failed in one run of a board: the run's first row and when that was written make
    it the same run also where another database has taken the place of the rows."""

    board: str
    run: int
    began_at: datetime | None
    unit: str
    result: str
    exit_status: int | None
    failed_at: datetime | None


class UnitFailures(Protocol):
    """Where failures are kept. Both raise a kind of `Unavailable`."""

    async def all(self) -> Sequence[UnitFailure]:
        """Returns the newest ones, as many as one can want to look at."""

    async def add(self, failure: UnitFailure) -> None:
        """Keeps a failure; a second one of the same run takes the place of the first."""


class SeenFailures:
    """The failures by run, loaded once from the store."""

    def __init__(self, store: UnitFailures) -> None:
        self._store = store
        self._known: dict[tuple[str, int], UnitFailure] = {}
        self._unkept: dict[tuple[str, int], UnitFailure] = {}
        self._loading: asyncio.Future[Sequence[UnitFailure]] | None = None
        self._loaded = False

    async def load(self) -> set[str]:
        """Loads what was kept, unless that is done; returns the boards that it is about."""
        if self._loaded:
            return set()
        if self._loading is None or self._loading.done():
            self._loading = asyncio.ensure_future(self._store.all())
            self._loading.add_done_callback(_heard)
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(LOAD_SECONDS):
                kept = await asyncio.shield(self._loading)
            self._known = {(one.board, one.run): one for one in kept} | self._known
            self._loaded = True
            return {one.board for one in kept}
        return set()

    def find(self, run: Run, began_at: datetime | None) -> UnitReport | None:
        """Returns how a unit failed in this run, None where none was seen to."""
        known = self._known.get((run.key, run.id))
        if known is None or known.began_at != began_at:
            return None
        return UnitReport(
            UnitSight.FAILED,
            known.unit,
            known.result,
            known.exit_status,
            known.failed_at,
            float("inf"),
        )

    async def keep(self, run: Run, began_at: datetime | None, report: UnitReport) -> None:
        """Keeps a failure that was seen; where that is not possible now, with the next one."""
        key = (run.key, run.id)
        failure = UnitFailure(
            *key, began_at, report.name, report.result, report.exit_status, report.at
        )
        if self._known.get(key) == failure:
            return
        self._known[key] = self._unkept[key] = failure
        with suppress(Unavailable):
            for waiting, one in list(self._unkept.items()):
                await self._store.add(one)
                self._unkept.pop(waiting, None)


def _heard(loading: asyncio.Future[Sequence[UnitFailure]]) -> None:
    if not loading.cancelled():
        loading.exception()
