"""Run failures: those that were seen beside the rows, kept beyond what others remember.

systemd forgets a failed unit with the next boot or with `systemctl reset-failed`, and the records
are only asked about the newest run of a board. A run that was seen to fail after it was said to be
finished stays failed.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.devices.evidence import RecordSight, UnitReport, UnitSight
from domain.devices.run_records import CLOCK_SLACK
from domain.devices.runs import Run
from domain.devices.status import Cause, Status, Verdict
from domain.errors import Unavailable

LOAD_SECONDS = 1.0
"""How long a store that is slow to open may hold up the first judgements."""
KEPT = (Cause.UNIT_FAILED, Cause.NOT_SECURE, Cause.RECORD_MISSING)
"""What no row tells of."""


@dataclass(frozen=True, slots=True)
class RunFailure:
    """What spoke against one run of a board: the run's first row and when that was written make
    it the same run also where another database has taken the place of the rows. `unit`, `result`
    and `exit_status` tell of the unit where the cause is that it failed."""

    board: str
    run: int
    began_at: datetime | None
    unit: str
    result: str
    exit_status: int | None
    failed_at: datetime | None
    cause: Cause = Cause.UNIT_FAILED

    @property
    def report(self) -> UnitReport:
        """How the unit failed, for the cause `UNIT_FAILED`."""
        return UnitReport(
            UnitSight.FAILED,
            self.unit,
            self.result,
            self.exit_status,
            self.failed_at,
            float("inf"),
        )


class RunFailures(Protocol):
    """Where failures are kept. Everything raises a kind of `Unavailable`."""

    async def all(self) -> Sequence[RunFailure]:
        """Returns the newest ones, as many as one can want to look at."""

    async def add(self, failure: RunFailure) -> None:
        """Keeps a failure; a second one of the same run takes the place of the first."""

    async def remove(self, board: str, run: int) -> None:
        """Forgets the failure of a run, if any."""


class SeenFailures:
    """The failures by run, loaded once from the store."""

    def __init__(self, store: RunFailures) -> None:
        self._store = store
        self._known: dict[tuple[str, int], RunFailure] = {}
        self._unkept: dict[tuple[str, int], RunFailure | None] = {}
        self._loading: asyncio.Future[Sequence[RunFailure]] | None = None
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

    def find(self, run: Run, began_at: datetime | None) -> RunFailure | None:
        """Returns what spoke against this run, None where nothing was seen."""
        known = self._known.get((run.key, run.id))
        if known is None or known.began_at != began_at:
            return None
        # A unit that had failed before the run began failed in the one before it.
        earlier = began_at and known.failed_at and known.failed_at < began_at - CLOCK_SLACK
        return None if earlier else known

    def unit(self, run: Run, began_at: datetime | None) -> UnitReport | None:
        """Returns how a unit failed in this run, None where none was seen to."""
        known = self.find(run, began_at)
        return known.report if known and known.cause is Cause.UNIT_FAILED else None

    async def settle(self, run: Run, began_at: datetime | None, verdict: Verdict) -> None:
        """Keeps what speaks against a run by its newest verdict, and forgets it once the record
        speaks for it; where the store cannot be written now, with the next one."""
        key, failure = (run.key, run.id), _failure(run, began_at, verdict)
        known = self._known.get(key)
        if failure == known or (failure is None and not _is_disproved(verdict)):
            return
        self._unkept[key] = failure
        if failure is None:
            del self._known[key]
        else:
            self._known[key] = failure
        with suppress(Unavailable):
            for waiting, one in list(self._unkept.items()):
                await (self._store.add(one) if one else self._store.remove(*waiting))
                self._unkept.pop(waiting, None)


def _failure(run: Run, began_at: datetime | None, verdict: Verdict) -> RunFailure | None:
    cause, unit = verdict.cause, verdict.facts.unit
    if cause not in KEPT:
        return None
    if cause is not Cause.UNIT_FAILED:
        return RunFailure(run.key, run.id, began_at, "", "", None, verdict.since, cause)
    return RunFailure(run.key, run.id, began_at, unit.name, unit.result, unit.exit_status, unit.at)


def _is_disproved(verdict: Verdict) -> bool:
    found = verdict.facts.record.sight is RecordSight.FOUND
    return verdict.status is Status.COMPLETE and found


def _heard(loading: asyncio.Future[Sequence[RunFailure]]) -> None:
    if not loading.cancelled():
        loading.exception()
