"""Whose timeline it is: what all sources of one page have to know of a board."""

from dataclasses import dataclass, replace
from datetime import datetime

from domain.devices.names import twins
from domain.devices.runs import Run, Runs


@dataclass(frozen=True, slots=True)
class Board:
    """A board: `key` as in `domain.devices.projection.Device`, `serials` all that it told, the
    8-digit twin of a 16-digit one among them; `port` where it was last; `runs` by id, and when
    each began."""

    key: str
    serials: tuple[str, ...]
    port: str | None
    runs: tuple[Run, ...]
    starts: tuple[datetime | None, ...]

    @property
    def newest_run_only(self) -> "Board":
        """The same board with its newest run alone."""
        return replace(self, runs=self.runs[-1:], starts=self.starts[-1:])


def board_of(key: str, runs: Runs) -> Board:
    """Returns what the rows tell of a board; a board without rows has no runs."""
    own = sorted(runs.by_board.get(key, ()), key=lambda run: run.id)
    told = [serial for run in own for serial in run.serials]
    names = [name for serial in told for name in (serial, *twins(serial))]
    serials = sorted(dict.fromkeys(names), key=len, reverse=True)
    return Board(
        key=key,
        serials=tuple(serials),
        port=own[-1].port if own else None,
        runs=tuple(own),
        starts=tuple(map(runs.started_at, own)),
    )
