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
from server.demo.attempts import Attempt, Move, Outcome
from server.demo.boards import Board, BoardBox
from server.demo.history import EXCLUDED_PORT
from server.demo.manufacturing import open_records
from server.demo.outcomes import EXCLUSIONS, OUTCOMES
from server.demo.states import open_states
from server.demo.station import JIG, DemoStation

PAUSE_SECONDS = (5.0, 40.0)
"""How long a port stays empty before the next board, at the pace of a real station."""
HASTE_SECONDS = 1.5
"""How long it takes an operator in haste to swap boards."""
EXCLUDED_PAUSE_SECONDS = (60.0, 600.0)
AGAIN = 0.5
"""How likely a board that failed is tried again."""
RESTART_EVERY = (1800.0, 3600.0)
"""How long the host runs between two restarts."""
RESTART_SECONDS = 40.0

MOST_LATE_SECONDS = 1.0
LAST_WRITE_SECONDS = 1.0
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
        restarts: tuple[float, float] | None = RESTART_EVERY,
    ) -> None:
        if speed <= 0:
            raise ValueError("the line's speed must be above 0")
        paths = station.paths
        self._host = station.host
        self._actor = Actor(
            paths,
            station.host,
            states=partial(open_states, paths.real(paths.state_db)),
            records=partial(open_records, paths.real(paths.manufacturing_db)),
            key=station.key,
        )
        self._batch, self._outcomes, self._restarts = station.batch, outcomes, restarts
        self._speed, self._clock, self._notify = speed, clock, notify
        self._box = BoardBox(station.seed, first=station.next_board)
        self._chance = random.Random(f"{station.seed}/line")
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, Attempt | None]] = []
        self.seconds = 0.0
        self._occupy(station.under_way)
        self._plan_restart()

    @property
    def under_way(self) -> list[Attempt]:
        """The attempts that are planned or go on, in no order."""
        return [attempt for _, _, attempt in self._waiting if attempt is not None]

    async def run(self) -> None:
        """Runs until it is cancelled; a write that has begun then ends first.

        What takes longer than it should is made up for, but not what took much longer.
        """
        time = asyncio.get_running_loop().time
        begun = time() - self.seconds / self._speed
        while True:
            wait = begun + (self.seconds + self.next_wait()) / self._speed - time()
            begun += max(0, -wait - MOST_LATE_SECONDS)
            await asyncio.sleep(max(0, wait))
            await self.step()

    def next_wait(self) -> float:
        """Returns how many seconds of the line's own time pass before its next move."""
        return self._waiting[0][0] - self.seconds

    async def step(self) -> Move | None:
        """Makes the next move happen now, whenever it is due; returns it, None for a restart of
        the host."""
        self.seconds, _, attempt = heapq.heappop(self._waiting)
        if attempt is None:
            await self._restart()
            return None
        move = attempt.moves[0]
        self._plan(attempt)
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
        for port in (*JIG, EXCLUDED_PORT):
            if port not in taken:
                self._push(self._next(port), after=self._chance.uniform(0, 20))

    def _plan(self, attempt: Attempt) -> None:
        left, hasty = attempt.after(1), attempt.outcome.hasty
        if hasty and attempt.leaves_for_good:
            self._push(self._next(attempt.port), after=HASTE_SECONDS)
        if left.moves:
            self._push(left)
        elif not hasty:
            self._follow(attempt)

    def _follow(self, attempt: Attempt) -> None:
        """Plans what comes into the port after an attempt: the same board again, or another."""
        again = attempt.outcome.again and self._chance.random() < AGAIN
        pause = EXCLUDED_PAUSE_SECONDS if attempt.port == EXCLUDED_PORT else PAUSE_SECONDS
        following = self._next(attempt.port, board=attempt.board if again else None)
        self._push(following, after=self._chance.uniform(*pause))

    def _push(self, attempt: Attempt, *, after: float = 0) -> None:
        due = self.seconds + after + attempt.moves[0].seconds
        heapq.heappush(self._waiting, (due, next(self._order), attempt))

    def _next(self, port: str, *, board: Board | None = None) -> Attempt:
        outcomes = EXCLUSIONS if port == EXCLUDED_PORT else self._outcomes
        if board is not None:
            outcomes = [one for one in outcomes if not one.models or board.model in one.models]
        weights = [outcome.weight for outcome in outcomes]
        outcome = self._chance.choices(outcomes, weights)[0]
        if board is None:
            board = self._box.take(outcome.models or self._batch.models)
        return Attempt.planned(board, port, batch=self._batch, outcome=outcome)

    def _plan_restart(self) -> None:
        if self._restarts is not None:
            due = self.seconds + self._chance.uniform(*self._restarts)
            heapq.heappush(self._waiting, (due, next(self._order), None))

    async def _restart(self) -> None:
        """Restarts the host: scripts stop where they are, boards stay where they are."""
        waiting, self._waiting = sorted(self._waiting), []
        self.seconds += RESTART_SECONDS
        for due, order, attempt in waiting:
            if attempt is None or attempt.has_begun:
                continue
            heapq.heappush(self._waiting, (due + RESTART_SECONDS, order, attempt))
        for _, _, attempt in waiting:
            if attempt is not None and attempt.has_begun:
                self._strand(attempt)
        self._plan_restart()
        try:
            await _in_thread(partial(self._boot, self._clock()))
        except OSError as error:
            _log.warning("the simulated host could not restart: %s", error)

    def _strand(self, attempt: Attempt) -> None:
        stranded = attempt.stranded()
        if stranded.moves:
            self._push(stranded)
        elif not attempt.outcome.hasty:
            self._follow(attempt)

    def _boot(self, at: datetime) -> str:
        self._host.boot(at=at)
        return ""

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
        # Who cancels the line may remove its folder next: a write that has begun ends first, but
        # for one that waits for somebody else's lock.
        await asyncio.wait([playing], timeout=LAST_WRITE_SECONDS)
        raise
