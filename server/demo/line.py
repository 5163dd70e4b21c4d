"""The line: boards go through the jig's ports, one attempt after the other, while it runs."""

import asyncio
import heapq
import itertools
import logging
import random
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from server.demo.actor import Actor
from server.demo.attempts import OUTCOMES, Attempt, Move, Outcome
from server.demo.boards import BoardBox
from server.demo.manufacturing import open_records
from server.demo.states import BUSY_SECONDS, open_states
from server.demo.station import JIG, DemoStation

PAUSE_SECONDS = (5.0, 40.0)
"""How long a port stays empty before the next board, at the pace of a real station."""

NOTIFY_SECONDS = 1.0
"""As long as the scripts wait for the service (contract devices section 6.9)."""

Notify = Callable[[str], Awaitable[None]]
"""Told after each row which internal address the scripts post to then; OSError is nobody home."""

_log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Line:
    """Plays attempts on all ports at once, `speed` times as fast as a real station.

    It goes on with the boards that are plugged in. Each write is what another process would do:
    a connection of its own, in a worker thread, with a busy timeout of 5 s.
    """

    def __init__(
        self,
        station: DemoStation,
        *,
        speed: float = 10.0,
        clock: Callable[[], datetime] = _now,
        notify: Notify | None = None,
        outcomes: Sequence[Outcome] = OUTCOMES,
    ) -> None:
        if speed <= 0:
            raise ValueError("the line's speed must be above 0")
        paths = station.paths
        self._actor = Actor(
            paths,
            states=partial(open_states, paths.real(paths.state_db)),
            records=partial(open_records, paths.real(paths.manufacturing_db)),
            key=station.key,
        )
        self._batch, self._outcomes = station.batch, outcomes
        self._speed, self._clock, self._notify = speed, clock, notify
        self._box = BoardBox(station.seed, first=station.next_board)
        self._chance = random.Random(f"{station.seed}/line")
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, Attempt]] = []
        self.seconds = 0.0
        self._occupy(station.under_way)

    async def run(self) -> None:
        """Runs until it is cancelled; a write that has begun then ends first."""
        while True:
            await asyncio.sleep(self.next_wait() / self._speed)
            await self.step()

    def next_wait(self) -> float:
        """Returns how many seconds of the line's own time pass before its next move."""
        return self._waiting[0][0] - self.seconds

    async def step(self) -> Move:
        """Makes the next move happen now, whenever it is due; returns it."""
        self.seconds, _, attempt = heapq.heappop(self._waiting)
        move = attempt.moves[0]
        self._plan(attempt.after(1))
        try:
            address = await _in_thread(partial(self._actor.play, attempt, move, at=self._clock()))
        except (OSError, sqlite3.Error) as error:
            # As record_state does: a row that cannot be written is lost, the line goes on.
            _log.warning("the simulated line could not write: %s", error)
            return move
        await self._tell(address)
        return move

    def _occupy(self, under_way: Sequence[Attempt]) -> None:
        for attempt in under_way:
            self._push(attempt)
        taken = {attempt.port for attempt in under_way}
        for port in JIG:
            if port not in taken:
                self._push(self._next(port), after=self._chance.uniform(0, 20))

    def _plan(self, attempt: Attempt) -> None:
        if attempt.moves:
            self._push(attempt)
        elif attempt.port in JIG:
            self._push(self._next(attempt.port), after=self._chance.uniform(*PAUSE_SECONDS))

    def _push(self, attempt: Attempt, *, after: float = 0) -> None:
        due = self.seconds + after + attempt.moves[0].seconds
        heapq.heappush(self._waiting, (due, next(self._order), attempt))

    def _next(self, port: str) -> Attempt:
        weights = [outcome.weight for outcome in self._outcomes]
        outcome = self._chance.choices(self._outcomes, weights)[0]
        board = self._box.take(self._batch.models)
        return Attempt.planned(board, port, batch=self._batch, outcome=outcome)

    async def _tell(self, address: str) -> None:
        if self._notify is None or not address:
            return
        try:
            async with asyncio.timeout(NOTIFY_SECONDS):
                await self._notify(address)
        except OSError as error:  # TimeoutError is one
            _log.debug("nobody heard %s: %s", address, error)


async def _in_thread(play: Callable[[], str]) -> str:
    playing = asyncio.get_running_loop().run_in_executor(None, play)
    try:
        return await asyncio.shield(playing)
    except asyncio.CancelledError:
        # Who cancels the line may remove its folder next: a write that has begun ends first.
        await asyncio.wait([playing], timeout=2 * BUSY_SECONDS)
        raise
