"""What has happened at the station before anybody looks: old records, attempts, boards that are
still plugged in."""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.host_paths import HostPaths
from server.demo.actor import Actor, Opener
from server.demo.attempts import Action, Attempt, Move, Outcome
from server.demo.batches import CURRENT, Batch
from server.demo.boards import Board, BoardBox
from server.demo.host import Host
from server.demo.manufacturing import add_record, create_records, open_records
from server.demo.outcomes import (
    BOOTSTRAP_ABORTED,
    EXCLUDED,
    FINISHED,
    NAMELESS,
    PROVISIONER_ABORTED,
    PROVISIONER_TIMED_OUT,
    SILENT_STOP,
    SWAPPED_EARLY,
    TRIAGE_ABORTED,
    VANISHED,
    WRONG_FAMILY,
)
from server.demo.signing_keys import SigningKey
from server.demo.states import open_states

RECORDS = 40
"""Manufacturing records when the history ends."""

EXCLUDED_PORT = "1-2"
_DAY = 24 * 60
BOOTS = (40 * _DAY, 70)
"""How many minutes ago the host was started: the last time while it worked on a board."""


@dataclass(frozen=True, slots=True)
class Past:
    """One attempt of the past: how long ago it began, where, with which board, how it went.

    The same number is the same board.
    """

    minutes_ago: float
    port: str
    board: int
    batch: str
    outcome: Outcome


PASTS = (
    Past(29 * _DAY, "1-1.1", 0, "pilot", FINISHED),
    Past(29 * _DAY - 4, "1-1.2", 1, "pilot", PROVISIONER_ABORTED),
    Past(29 * _DAY - 15, "1-1.2", 1, "pilot", FINISHED),
    Past(12 * _DAY, "3-1.1", 2, "artefact", FINISHED),
    Past(12 * _DAY - 1, "3-1.2", 3, "artefact", VANISHED),
    Past(6 * _DAY, "1-1.4", 4, "kiosk", FINISHED),
    Past(180, "1-1.1", 5, CURRENT, FINISHED),
    Past(120, "1-1.3", 6, CURRENT, BOOTSTRAP_ABORTED),
    Past(100, "3-1.1", 7, CURRENT, SILENT_STOP),
    Past(50, "1-1.2", 8, CURRENT, FINISHED),
    # These are still plugged in: excluded, failed, just finished, being written to.
    Past(9, EXCLUDED_PORT, 9, CURRENT, EXCLUDED),
    Past(2, "1-1.3", 10, CURRENT, PROVISIONER_ABORTED),
    Past(1.8, "1-1.1", 11, CURRENT, FINISHED),
    Past(1, "1-1.2", 12, CURRENT, FINISHED),
    # The host was restarted under this one.
    Past(71, "3-1.3", 13, CURRENT, FINISHED),
    Past(60, "3-1.2", 14, CURRENT, NAMELESS),
    Past(40, "3-1.4.1", 15, CURRENT, TRIAGE_ABORTED),
    Past(35, "3-1.1", 16, CURRENT, PROVISIONER_TIMED_OUT),
    Past(30, "1-1.4", 17, CURRENT, WRONG_FAMILY),
    # The second of these was in the port before the first one's script had noticed.
    Past(26, "3-1.2", 18, CURRENT, SWAPPED_EARLY),
    Past(24.65, "3-1.2", 19, CURRENT, FINISHED),
)


@dataclass(frozen=True, slots=True)
class History:
    """What the past leaves to the line: boards still plugged in, the number of the next board."""

    under_way: tuple[Attempt, ...]
    next_board: int


@dataclass(frozen=True, slots=True)
class _Play:
    """A move of an attempt, or the start of the host."""

    at: datetime
    order: int = -1
    attempt: Attempt | None = None
    move: Move | None = None


def play_history(
    paths: HostPaths,
    host: Host,
    *,
    batches: Mapping[str, Batch],
    key: SigningKey,
    seed: int,
    now: datetime,
) -> History:
    """Makes databases, logs, USB tree, units and journal what the past has left of them."""
    box = BoardBox(seed)
    boards = _boards(box, batches)
    attempts = [(past, _planned(past, boards, batches)) for past in PASTS]
    boots = [_Play(now - timedelta(minutes=ago)) for ago in BOOTS]
    plays = sorted([*boots, *_plays(attempts, now)], key=lambda play: (play.at, play.order))
    states, records = paths.real(paths.state_db), paths.real(paths.manufacturing_db)
    create_records(records)
    with open_states(states) as open_state, open_records(records) as open_record:
        finished = sum(
            play.move is not None and play.move.action is Action.MANUFACTURE for play in plays
        )
        _older_records(
            open_record, box, batches["early"], key=key, now=now, count=RECORDS - finished
        )
        actor = Actor(paths, host, states=_held(open_state), records=_held(open_record), key=key)
        for play in plays:
            if play.attempt is None or play.move is None:
                host.boot(at=play.at)
            else:
                actor.play(play.attempt, play.move, at=play.at)
    return History(tuple(_left(attempts, now)), box.taken)


def _boards(box: BoardBox, batches: Mapping[str, Batch]) -> dict[int, Board]:
    boards: dict[int, Board] = {}
    for past in PASTS:
        if past.board not in boards:
            models = past.outcome.models or batches[past.batch].models
            boards[past.board] = box.take(models)
    return boards


def _planned(past: Past, boards: Mapping[int, Board], batches: Mapping[str, Batch]) -> Attempt:
    return Attempt.planned(
        boards[past.board],
        past.port,
        batch=batches[past.batch],
        outcome=past.outcome,
    )


def _began(past: Past, now: datetime) -> datetime:
    return now - timedelta(minutes=past.minutes_ago)


def _plays(attempts: Sequence[tuple[Past, Attempt]], now: datetime) -> Iterator[_Play]:
    """Everything that has happened by `now`."""
    restarted = now - timedelta(minutes=min(BOOTS))
    for past, attempt in attempts:
        at = began = _began(past, now)
        for order, move in enumerate(attempt.moves):
            at += timedelta(seconds=move.seconds)
            if at > now:
                break
            # What scripts would have done after the restart nobody does.
            if began >= restarted or at < restarted or move is attempt.moves[-1]:
                yield _Play(at, order, attempt, move)


def _left(attempts: Sequence[tuple[Past, Attempt]], now: datetime) -> Iterator[Attempt]:
    """The attempts that go on after `now`, without the moves that are over."""
    for past, attempt in attempts:
        done = list(_plays([(past, attempt)], now))
        last = done[-1]
        if last.order + 1 < len(attempt.moves):
            waited = (now - last.at).total_seconds()
            yield attempt.after(last.order + 1, waited=waited)


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
        add_record(connection, _recorded(board, batch), key=key, at=at)
        at += timedelta(minutes=20)


def _recorded(board: Board, batch: Batch) -> Attempt:
    return Attempt(board, "", batch, FINISHED, ())


def _held(connection: sqlite3.Connection) -> Opener:
    """One connection for the whole past: two months in well under a second."""
    return lambda: contextlib.nullcontext(connection)
