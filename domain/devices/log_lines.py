"""Log lines: the bytes of a log as lines that any screen can show."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

LONGEST_LINE = 4096
"""Bytes; a longer line is told in pieces."""

_STAMPED = re.compile(r"\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\] ?", re.ASCII)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line, or a piece of one.

    `at` is UTC; None where the line does not begin with a time. `start` and `end` are its place
    in the file, in bytes; `end` is behind its newline. `continues` says that the next line is the
    rest of this one. `text` has no control characters: those of the C0 set are shown by their
    pictures (U+2400 and up), other ones and bytes that are no UTF-8 as U+FFFD.
    """

    at: datetime | None
    text: str
    start: int
    end: int
    continues: bool


def lines_in(data: bytes, *, start: int, to_end: bool) -> Iterator[LogLine]:
    """Yields the lines of `data`, which lies at `start` of its file.

    What follows the last newline is the last line if `to_end` (there is no more of the file),
    else left out but for its whole pieces.
    """
    place = 0
    while place < len(data):
        newline = data.find(b"\n", place)
        whole = newline >= 0
        end = newline + 1 if whole else len(data)
        while (newline if whole else end) - place > LONGEST_LINE:
            cut = _cut(data, place)
            yield _line(data[place:cut], start + place, start + cut, continues=True)
            place = cut
        if whole or to_end:
            yield _line(data[place:end], start + place, start + end, continues=False)
        place = end


def _cut(data: bytes, place: int) -> int:
    """Returns where the piece at `place` ends: never within a character of UTF-8."""
    cut = place + LONGEST_LINE
    for shorter in range(4):
        if data[cut - shorter] & 0b1100_0000 != 0b1000_0000:
            return cut - shorter
    return cut


def _line(raw: bytes, start: int, end: int, *, continues: bool) -> LogLine:
    text = raw.decode("utf-8", "replace").rstrip("\r\n")
    stamped = _STAMPED.match(text)
    at = _moment(stamped[1]) if stamped else None
    shown = text[stamped.end() :] if stamped and at else text
    return LogLine(at, shown.translate(_SHOWN), start, end, continues)


def _moment(text: str) -> datetime | None:
    """Returns the station's local time as UTC (contract devices section 5)."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _shown() -> dict[int, str]:
    pictures = {code: chr(0x2400 + code) for code in range(0x20) if code != ord("\t")}
    # What turns the direction of writing could make a line look like another one.
    turning = (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x2028, 0x2029)
    return {**pictures, 0x7F: "\u2421", **dict.fromkeys((*range(0x80, 0xA0), *turning), "\ufffd")}


_SHOWN = _shown()
