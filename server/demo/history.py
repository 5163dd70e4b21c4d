"""What has happened at the station before anybody looks: old records, attempts, boards that are
still plugged in."""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.host_paths import HostPaths
from server.demo.actor import Actor, Opener
from server.demo.attempts import EXCLUDED, OUTCOMES, Action, Attempt, Move
from server.demo.batches import CURRENT, Batch
from server.demo.boards import Board, BoardBox
from server.demo.manufacturing import add_record, create_records, open_records
from server.demo.signing_keys import SigningKey
from server.demo.states import open_states

RECORDS = 40
"""Manufacturing records when the history ends."""

EXCLUDED_PORT = "1-2"
_ALL = {outcome.name: outcome for outcome in (*OUTCOMES, EXCLUDED)}
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Past:
    """One attempt of the past: how long ago it began, where, with which board, how it went.

    The same number is the same board.
    """

    minutes_ago: float
    port: str
    board: int
    batch: str
    outcome: str


PASTS = (
    Past(29 * _DAY, "1-1.1", 0, "pilot", "finished"),
    Past(29 * _DAY - 4, "1-1.2", 1, "pilot", "provisioner aborted"),
    Past(29 * _DAY - 15, "1-1.2", 1, "pilot", "finished"),
    Past(12 * _DAY, "3-1.1", 2, "artefact", "finished"),
    Past(12 * _DAY - 1, "3-1.2", 3, "artefact", "vanished"),
    Past(6 * _DAY, "1-1.4", 4, "kiosk", "finished"),
    Past(180, "1-1.1", 5, CURRENT, "finished"),
    Past(120, "1-1.3", 6, CURRENT, "bootstrap aborted"),
    Past(100, "3-1.1", 7, CURRENT, "silent stop"),
    Past(50, "1-1.2", 8, CURRENT, "finished"),
    # These are still plugged in: excluded, failed, just finished, being written to.
    Past(20, EXCLUDED_PORT, 9, CURRENT, EXCLUDED.name),
    Past(2, "1-1.3", 10, CURRENT, "provisioner aborted"),
    Past(1.8, "1-1.1", 11, CURRENT, "finished"),
    Past(1, "1-1.2", 12, CURRENT, "finished"),
)


@dataclass(frozen=True, slots=True)
class History:
    """What the past leaves to the line: boards still plugged in, the number of the next board."""

    under_way: tuple[Attempt, ...]
    next_board: int


@dataclass(frozen=True, slots=True)
class _Play:
    at: datetime
    order: int
    attempt: Attempt
    move: Move


def play_history(
    paths: HostPaths, *, batches: Mapping[str, Batch], key: SigningKey, seed: int, now: datetime
) -> History:
    """Makes both databases, the logs and the USB tree what the past has left of them."""
    box = BoardBox(seed)
    boards = _boards(box, batches)
    attempts = [(past, _planned(past, boards, batches)) for past in PASTS]
    plays = sorted(_plays(attempts, now), key=lambda play: (play.at, play.order))
    states, records = paths.real(paths.state_db), paths.real(paths.manufacturing_db)
    create_records(records)
    with open_states(states) as open_state, open_records(records) as open_record:
        finished = sum(play.move.action is Action.MANUFACTURE for play in plays)
        _older_records(
            open_record, box, batches["early"], key=key, now=now, count=RECORDS - finished
        )
        actor = Actor(paths, states=_held(open_state), records=_held(open_record), key=key)
        for play in plays:
            actor.play(play.attempt, play.move, at=play.at)
    return History(tuple(_left(attempts, now)), box.taken)


def _boards(box: BoardBox, batches: Mapping[str, Batch]) -> dict[int, Board]:
    boards: dict[int, Board] = {}
    for past in PASTS:
        if past.board not in boards:
            boards[past.board] = box.take(batches[past.batch].models)
    return boards


def _planned(past: Past, boards: Mapping[int, Board], batches: Mapping[str, Batch]) -> Attempt:
    return Attempt.planned(
        boards[past.board],
        past.port,
        batch=batches[past.batch],
        outcome=_ALL[past.outcome],
    )


def _began(past: Past, now: datetime) -> datetime:
    return now - timedelta(minutes=past.minutes_ago)


def _plays(attempts: Sequence[tuple[Past, Attempt]], now: datetime) -> Iterator[_Play]:
    """Everything that has happened by `now`."""
    for past, attempt in attempts:
        at = _began(past, now)
        for order, move in enumerate(attempt.moves):
            at += timedelta(seconds=move.seconds)
            if at > now:
                break
            yield _Play(at, order, attempt, move)


def _left(attempts: Sequence[tuple[Past, Attempt]], now: datetime) -> Iterator[Attempt]:
    """The attempts that go on after `now`, without the moves that are over."""
    for past, attempt in attempts:
        done = [play.at for play in _plays([(past, attempt)], now)]
        if len(done) < len(attempt.moves):
            yield attempt.after(len(done), waited=(now - done[-1]).total_seconds())


def _older_records(
    connection: sqlite3.Connection,
    box: BoardBox,
    batch: Batch,
    *,
    key: SigningKey,
    now: datetime,
    count: int,
) -> None:
    """Records of boards whose state rows nobody has kept: three an hour, two months ago."""
    at = now - timedelta(days=60)
    for _ in range(count):
        board = box.take(batch.models)
        add_record(connection, Attempt(board, "", batch, ()), key=key, at=at)
        at += timedelta(minutes=20)


def _held(connection: sqlite3.Connection) -> Opener:
    """One connection for the whole past: two months in well under a second."""
    return lambda: contextlib.nullcontext(connection)
