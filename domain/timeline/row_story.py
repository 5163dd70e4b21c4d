"""What the state rows tell: each state, and where attempts began and ended."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from domain.devices.attempt_list import Attempts
from domain.devices.attempts import Attempt, Outcome, attempt_of
from domain.devices.devices import Devices
from domain.devices.runs import Mark, Run
from domain.devices.stages import Word
from domain.timeline.boards import Board
from domain.timeline.entries import TimelineEntry, TimelineKind, Wanted, newer_first, place

_ENDS = {
    Outcome.FINISHED: "The attempt finished.",
    Outcome.SKIPPED: "The attempt was skipped: the port rules keep this port out.",
    Outcome.FAILED: "The attempt failed.",
}


class RowStory:
    """Tells from what is folded of the rows."""

    kinds = frozenset(
        (TimelineKind.STATE_WRITTEN, TimelineKind.ATTEMPT_BEGAN, TimelineKind.ATTEMPT_ENDED)
    )

    def __init__(self, devices: Devices, attempts: Attempts) -> None:
        self._devices = devices
        self._attempts = attempts

    async def tell(self, board: Board, wanted: Wanted) -> Sequence[TimelineEntry]:
        """Returns the newest of the board's rows and attempts."""
        found = (entry for run in board.runs for entry in self._entries(run))
        return wanted.pick(found)

    def _entries(self, run: Run) -> Iterator[TimelineEntry]:
        runs = self._devices.projection.runs
        marks = list(runs.marks(run))
        attempt = attempt_of(runs, run, self._attempts.ending(run))
        beside: datetime | None = next((mark.at for mark in marks if mark.at), None)
        yield _began(attempt, beside)
        for number, mark in enumerate(marks):
            # A row without a time stands where the one before it does.
            beside = mark.at or beside
            yield _state(attempt, mark, beside, number)
        if attempt.outcome in _ENDS:
            yield _ended(attempt, beside)


def _state(attempt: Attempt, mark: Mark, beside: datetime | None, number: int) -> TimelineEntry:
    kind, name = TimelineKind.STATE_WRITTEN, f"{newer_first(attempt.id)}.{newer_first(number)}"
    return TimelineEntry(
        kind=kind,
        key=place(kind, beside, name),
        at=mark.at,
        text=mark.reading.text or "An empty state was written.",
        failed=mark.reading.word is Word.ABORTED,
        state=mark.reading.text,
        attempt=attempt,
    )


def _began(attempt: Attempt, beside: datetime | None) -> TimelineEntry:
    kind = TimelineKind.ATTEMPT_BEGAN
    where = f" at port {attempt.port}" if attempt.port else ""
    return TimelineEntry(
        kind=kind,
        key=place(kind, beside, newer_first(attempt.id)),
        at=attempt.started_at,
        text=f"An attempt began{where}.",
        attempt=attempt,
    )


def _ended(attempt: Attempt, beside: datetime | None) -> TimelineEntry:
    kind = TimelineKind.ATTEMPT_ENDED
    return TimelineEntry(
        kind=kind,
        key=place(kind, beside, newer_first(attempt.id)),
        at=attempt.ended_at,
        text=attempt.reason or _ENDS[attempt.outcome],
        failed=attempt.outcome is Outcome.FAILED,
        attempt=attempt,
    )
