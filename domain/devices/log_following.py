"""Following a log: its last lines, then each new one, through truncation and replacement."""

from dataclasses import dataclass

from domain.devices.log_files import LogFile, LogFolder, OpenLog, Search
from domain.devices.log_lines import LogLine, lines_in
from domain.devices.log_pages import MOST_LINES, WINDOW, page_before

MOST_BEHIND = 4 * 1024 * 1024
"""Bytes; who is further behind is shown the end of the log again."""
ANCHOR = 64
"""Bytes before the place that were read and must still be there."""


@dataclass(frozen=True, slots=True)
class LogUpdate:
    """One frame of a log that is followed.

    `sequence` counts the frames of this follower. `snapshot` is true where `lines` are the end of
    a log that was not followed so far: the first frame, another file, a truncated one, or after
    the follower was too far behind. `log` is None while there is none.
    """

    sequence: int
    snapshot: bool
    log: LogFile | None
    lines: tuple[LogLine, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    identity: tuple[int, int]
    offset: int
    anchor: bytes
    unfinished: int


class LogFollower:
    """Where one follower is in a log. Blocks; one thread at a time."""

    def __init__(self, folder: LogFolder, *, lines: int) -> None:
        self._folder = folder
        self._lines = lines
        self._place: _Place | None = None
        self._sequence = 0

    def look(self, search: Search) -> LogUpdate | None:
        """Returns the next frame, None when there is nothing new."""
        opened = self._folder.open_first(search)
        if opened is None:
            # A log is away for a moment while a script moves it; what was shown stays.
            return None if self._sequence else self._frame(None, (), snapshot=True)
        with opened as log:
            if self._place is None or not _continues(log, self._place):
                return self._begin(log)
            return self._go_on(log, self._place)

    def _begin(self, log: OpenLog) -> LogUpdate:
        page = page_before(log, log.file.size, lines=self._lines)
        lines = page.lines
        if lines and log.read(lines[-1].end - 1, 1) != b"\n":
            # The rest of an unfinished line is still to come.
            lines = lines[:-1]
        offset = lines[-1].end if lines else page.start
        self._place = _placed(log, offset)
        return self._frame(log.file, lines, snapshot=True)

    def _go_on(self, log: OpenLog, place: _Place) -> LogUpdate | None:
        if log.file.size - place.offset > MOST_BEHIND:
            return self._begin(log)
        data = log.read(place.offset, WINDOW)
        lines = list(lines_in(data, start=place.offset, to_end=False))[:MOST_LINES]
        if not lines and data and log.file.size == place.unfinished:
            # Nobody has finished the line since the last look: shown as far as it is.
            lines = [_unfinished(line) for line in lines_in(data, start=place.offset, to_end=True)]
        offset = lines[-1].end if lines else place.offset
        self._place = _placed(log, offset)
        return self._frame(log.file, tuple(lines), snapshot=False) if lines else None

    def _frame(
        self, log: LogFile | None, lines: tuple[LogLine, ...], *, snapshot: bool
    ) -> LogUpdate:
        self._sequence += 1
        return LogUpdate(self._sequence, snapshot, log, lines)


def _placed(log: OpenLog, offset: int) -> _Place:
    begin = max(0, offset - ANCHOR)
    return _Place(log.file.identity, offset, log.read(begin, offset - begin), log.file.size)


def _continues(log: OpenLog, place: _Place) -> bool:
    """Whether this is the file that was read, grown at most: numbers of files are used again, and
    a truncated file may have grown past the place since."""
    same = log.file.identity == place.identity and log.file.size >= place.offset
    return same and log.read(place.offset - len(place.anchor), len(place.anchor)) == place.anchor


def _unfinished(line: LogLine) -> LogLine:
    return LogLine(line.at, line.text, line.start, line.end, continues=True)
