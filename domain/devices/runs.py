"""Runs: the rows of each board cut into attempts, folded one by one and kept small."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from sys import intern
from typing import NamedTuple

from domain.devices.row_names import is_nameless, key_of, usb_path
from domain.devices.stages import Reading, Stage, Style, Word, read_state
from domain.devices.states import StateRow
from domain.serials import is_real

_MARK = struct.Struct("<Iq")
_NO_TIME = -(2**63)
_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mark:
    """One row of a run: what it said and when, UTC; None where the row has no time."""

    reading: Reading
    at: datetime | None


@dataclass(slots=True)
class Run:
    """One attempt as it is kept: a few hundred bytes however it went.

    `id` is its first row's, `last_id` its newest one's. `key` is the board's, or stands for a
    nameless one; `port` and the texts are as the rows told them last, `node` is the device node's
    path that stood for a serial. `stage` and its `place` on the way are the furthest that it
    reached. `displaced`: another board
    began at its port before it ended; `superseded`: the same board began again; `mixed`: its rows
    tell of two ways of provisioning. `marks` holds the rows.
    """

    id: int
    last_id: int
    key: str
    port: str | None
    serials: tuple[str, ...] = ()
    image: str = ""
    board_type: str = ""
    node: str = ""
    stage: Stage | None = None
    place: int = 0
    style: Style | None = None
    began: int = 0
    closed: int = 0
    finished: bool = False
    aborted: bool = False
    excluded: bool = False
    mixed: bool = False
    displaced: bool = False
    superseded: bool = False
    marks: bytes = b""

    @property
    def ended(self) -> bool:
        """Whether its rows say how it ended."""
        return self.finished or self.aborted or self.excluded

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.marks) // _MARK.size


class Taken(NamedTuple):
    """What a row did: the run that it belongs to, whether that began with it, the key of the
    nameless board that has told its name by it, and the boards for which it changes something
    besides."""

    run: Run
    begins: bool
    adopted: str | None
    touched: tuple[str, ...]


@dataclass(slots=True)
class Runs:
    """All runs of all boards, by first row ascending, and who is where."""

    all: list[Run] = field(default_factory=list)
    by_board: dict[str, list[Run]] = field(default_factory=dict)
    at_port: dict[str, Run] = field(default_factory=dict)
    _texts: list[Reading] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def latest(self, key: str) -> Run | None:
        """Returns the newest run of a board."""
        runs = self.by_board.get(key)
        return runs[-1] if runs else None

    def marks(self, run: Run) -> Iterator[Mark]:
        """Yields the run's rows, oldest first."""
        for number, seconds in _MARK.iter_unpack(run.marks):
            yield Mark(self._texts[number], _moment(seconds))

    def started_at(self, run: Run) -> datetime | None:
        """Returns when the run's first row was written."""
        return _moment(_MARK.unpack_from(run.marks)[1])

    def newest(self, run: Run) -> Mark:
        """Returns the run's last row."""
        number, seconds = _MARK.unpack_from(run.marks, len(run.marks) - _MARK.size)
        return Mark(self._texts[number], _moment(seconds))

    def take(self, row: StateRow) -> Taken:
        """Folds the next row, by id ascending."""
        reading, port = read_state(row.state, row.endpoint), usb_path(row.endpoint)
        key = key_of(row)
        run = self._continued(key, reading, port)
        begins = run is None
        if run is None:
            run = self._begin(row, key, port)
        adopted = self._adopt(run, key)
        touched = self._settle_port(run, port, begins=begins)
        self._note(run, row, reading)
        return Taken(run, begins, adopted, touched)

    def _continued(self, key: str, reading: Reading, port: str | None) -> Run | None:
        """Returns the run that the row goes on with: the board's own, or the one at its port
        where one of the two is nameless."""
        nameless = is_nameless(key)
        own = None if nameless and port else self.latest(key)
        there = self.at_port.get(port) if port else None
        if there is not None and (there.superseded or not (nameless or is_nameless(there.key))):
            there = None
        if own is not None and not continues(own, reading, port):
            own = None
        if there is None or not continues(there, reading, port):
            return own
        return there if own is None or there.id > own.id else own

    def _begin(self, row: StateRow, key: str, port: str | None) -> Run:
        before = self.latest(key)
        if before is not None:
            before.superseded = True
        run = Run(row.id, row.id, key, port)
        self.all.append(run)
        self.by_board.setdefault(key, []).append(run)
        return run

    def _adopt(self, run: Run, key: str) -> str | None:
        """Gives a nameless run to the board that goes on with it; returns the old key."""
        if is_nameless(key) or run.key == key:
            return None
        old, run.key = run.key, key
        self.by_board[old].remove(run)
        before = self.latest(key)
        if before is not None:
            before.superseded = True
        self.by_board.setdefault(key, []).append(run)
        return old

    def _settle_port(self, run: Run, port: str | None, *, begins: bool) -> tuple[str, ...]:
        """Notes who is at the port now; returns the boards that are there no longer."""
        if port is None:
            return ()
        run.port = run.port or intern(port)
        there = self.at_port.get(port)
        # Who was pulled out may still be written about, while another board is in its port.
        if there is run or (not begins and there is not None and there.id > run.id):
            return ()
        self.at_port[run.port] = run
        if there is None or there.key == run.key or there.ended:
            return ()
        there.displaced = True
        return (there.key,)

    def _note(self, run: Run, row: StateRow, reading: Reading) -> None:
        run.last_id = row.id
        if row.serial not in run.serials:
            _note_name(run, row.serial)
        run.image = intern(row.image) or run.image
        run.board_type = intern(row.board_type) or run.board_type
        run.mixed |= None not in (run.style, reading.style) and run.style is not reading.style
        run.style = reading.style or run.style
        _advance(run, reading)
        # The empty text is read in two ways.
        text = reading.text or f"\0{reading.word.value}"
        number = self._numbers.setdefault(text, len(self._texts))
        if number == len(self._texts):
            self._texts.append(reading)
        seconds = _NO_TIME if row.at is None else (row.at - _EPOCH) // _SECOND
        run.marks += _MARK.pack(number, seconds)


def continues(run: Run, reading: Reading, port: str | None) -> bool:
    """Whether a row goes on with a run of the same board, rather than being another one's first.

    A bootstrap that starts, an excluded port and another port always begin a run; so does what
    starts after the end, or starts what has started already. What a script writes late, such as
    the second ABORTED of a timeout, still belongs to its run.
    """
    elsewhere = port and run.port and port != run.port
    if elsewhere or run.excluded or reading.word is Word.EXCLUDED:
        return False
    if reading.stage is None:
        return not run.ended
    if reading.starts:
        return not run.ended and reading.place > run.place
    further = reading.place - run.place
    if run.ended:
        return _still_ends(run, reading, further)
    # The scripts overlap: triage may start before the bootstrap has written its end.
    return further >= 0 or reading.word is Word.FINISHED or _goes_on(run, reading.place)


def _still_ends(run: Run, reading: Reading, further: int) -> bool:
    """Whether a row that comes after the end belongs to it. Rows may be lost: what works again
    is a new run."""
    if reading.word is Word.WORKING:
        return False
    return further == 0 or (further < 0 and not run.finished and _goes_on(run, reading.place))


def _note_name(run: Run, serial: str) -> None:
    if is_real(serial):
        run.serials = (*run.serials, intern(serial))
    elif serial.startswith("/dev/"):
        run.node = serial


def _advance(run: Run, reading: Reading) -> None:
    stage, word = reading.stage, reading.word
    run.excluded |= word is Word.EXCLUDED
    run.aborted |= word is Word.ABORTED
    run.finished |= reading.finishes
    if stage is None:
        return
    run.began |= 1 << reading.place
    if word is Word.FINISHED or word is Word.ABORTED:
        run.closed |= 1 << reading.place
    if run.stage is None or reading.place > run.place:
        run.stage, run.place = stage, reading.place


def _goes_on(run: Run, place: int) -> bool:
    return bool((run.began & ~run.closed) >> place & 1)


def _moment(seconds: int) -> datetime | None:
    return None if seconds == _NO_TIME else _EPOCH + seconds * _SECOND
