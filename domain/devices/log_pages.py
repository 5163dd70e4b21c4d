"""Log pages: some lines of a log, read from either side of a place in it."""

from dataclasses import dataclass

from domain.devices.log_files import BLOCK, OpenLog
from domain.devices.log_lines import LogLine, lines_in
from domain.paging import PageInvalid

MOST_LINES = 500
WINDOW = 256 * 1024
"""Bytes that one page reads at most."""
MOST_TAIL = 100_000
"""Lines."""
MOST_SEARCHED = 64 * 1024 * 1024
"""Bytes in which the beginning of the last lines is looked for."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines of a log in the file's order. `start` and `end` are where they begin and end, in
    bytes, of the `size` that the file has now."""

    lines: tuple[LogLine, ...]
    start: int
    end: int
    size: int


@dataclass(frozen=True, slots=True)
class LogTail:
    """An open log to be read from the byte `start` on; who takes it closes it."""

    log: OpenLog
    start: int


def check_tail(lines: int) -> None:
    """Raises `PageInvalid` unless a tail can have so many lines."""
    if not 1 <= lines <= MOST_TAIL:
        message = f"`tail` is {lines}; it must be from 1 to {MOST_TAIL}."
        raise PageInvalid(message, field="tail")


def check_lines(lines: int) -> None:
    """Raises `PageInvalid` unless so many lines can be had at once."""
    if not 1 <= lines <= MOST_LINES:
        message = f"`lines` is {lines}; it must be from 1 to {MOST_LINES}."
        raise PageInvalid(message, field="lines")


def check_place(place: int | None, field: str) -> None:
    """Raises `PageInvalid` for a place before the file's first byte."""
    if place is not None and place < 0:
        raise PageInvalid(f"`{field}` is {place}; a file begins at 0.", field=field)


def page_after(log: OpenLog, place: int, *, lines: int) -> LogPage:
    """Returns up to `lines` lines that begin at `place` and after it; reads `WINDOW` bytes at
    most."""
    size = log.file.size
    place = min(place, size)
    data = log.read(place, WINDOW)
    found: list[LogLine] = []
    for line in lines_in(data, start=place, to_end=place + len(data) >= size):
        if len(found) == lines:
            break
        found.append(line)
    return _page(found, place, size)


def page_before(log: OpenLog, place: int, *, lines: int) -> LogPage:
    """Returns up to `lines` lines that end at `place` or before it; reads `WINDOW` bytes at
    most."""
    size = log.file.size
    place = min(place, size)
    start = max(0, place - WINDOW)
    data = log.read(start, place - start)
    # The window may begin in the middle of a line, unless that line is longer than any.
    skipped = data.find(b"\n", 0, -1) + 1 if start and not _begins_line(log, start) else 0
    found = list(lines_in(data[skipped:], start=start + skipped, to_end=True))
    return _page(found[-lines:], place, size)


def last_lines_at(log: OpenLog, lines: int) -> int:
    """Returns where the last `lines` lines begin, in bytes; at most `MOST_SEARCHED` from the end.

    A newline that ends the file ends its last line and begins none.
    """
    end = log.file.size
    least = max(0, end - MOST_SEARCHED)
    end -= log.read(end - 1, 1) == b"\n" if end else 0
    while end > least:
        begin = max(least, end - BLOCK)
        data = log.read(begin, end - begin)
        newlines = data.count(b"\n")
        if newlines >= lines:
            return begin + _nth_last(data, lines) + 1
        lines, end = lines - newlines, begin
    return least


def _nth_last(data: bytes, lines: int) -> int:
    place = len(data)
    for _ in range(lines):
        place = data.rfind(b"\n", 0, place)
    return place


def _begins_line(log: OpenLog, start: int) -> bool:
    return log.read(start - 1, 1) == b"\n"


def _page(lines: list[LogLine], place: int, size: int) -> LogPage:
    if not lines:
        return LogPage((), place, place, size)
    return LogPage(tuple(lines), lines[0].start, lines[-1].end, size)
