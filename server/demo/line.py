"""The line: boards go through the jig's ports, one attempt after the other, while it runs."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from server.demo.actor import Actor
from server.demo.attempts import OUTCOMES, Attempt, Outcome
from server.demo.batches import CURRENT
from server.demo.boards import BoardBox
from server.demo.station import JIG, DemoStation

PAUSE_SECONDS = (5.0, 40.0)
"""How long a port stays empty before the next board, at the pace of a real station."""


@dataclass(slots=True)
class Place:
    """A port of the jig: the attempt on it, how many moves are done, when the next is due."""

    port: str
    due: float
    attempt: Attempt | None = None
    done: int = 0


class Line:
    """Plays attempts on all ports at once, `speed` times as fast as a real station.

    `notify` is called after each row, as the scripts tell the service.
    """

    def __init__(
        self,
        station: DemoStation,
        *,
        speed: float = 10.0,
        seed: int = 2,
        notify: Callable[[], None] | None = None,
    ) -> None:
        self._speed = speed
        self._batch = station.batches[CURRENT]
        self._box = BoardBox(seed, first=station.next_board)
        self._actor = Actor(station.usb, station.scripts, notify=notify)
        self._chance = random.Random(seed)
        self._seconds = 0.0
        self._places = [Place(port, self._chance.uniform(0, 20)) for port in JIG]

    async def run(self) -> None:
        """Runs until it is cancelled."""
        while True:
            wait = self.next_wait()
            await asyncio.sleep(wait / self._speed)
            await asyncio.to_thread(self.step, datetime.now(UTC))

    def next_wait(self) -> float:
        """Returns how many seconds of the line's time pass before its next move."""
        return max(0.0, min(place.due for place in self._places) - self._seconds)

    def step(self, at: datetime) -> Place:
        """Makes the next move happen, at the wall's time `at`; returns where."""
        place = min(self._places, key=lambda place: place.due)
        self._seconds = max(self._seconds, place.due)
        if place.attempt is None:
            board = self._box.take(self._batch.models)
            outcome = self._outcome()
            place.attempt, place.done = (
                Attempt.planned(board, place.port, batch=self._batch, outcome=outcome),
                0,
            )
        attempt = place.attempt
        self._actor.play(attempt, attempt.moves[place.done], at=at)
        place.done += 1
        self._plan(place, attempt)
        return place

    def _plan(self, place: Place, attempt: Attempt) -> None:
        if place.done < len(attempt.moves):
            place.due += attempt.moves[place.done].seconds
            return
        place.attempt = None
        place.due += self._chance.uniform(*PAUSE_SECONDS)

    def _outcome(self) -> Outcome:
        return self._chance.choices(OUTCOMES, [outcome.weight for outcome in OUTCOMES])[0]
