"""Pages of a log, read from either side, and where its last lines begin."""

import os
from pathlib import Path

import pytest

from domain.devices.log_files import LogKind, OpenLog
from domain.devices.log_pages import WINDOW, last_lines_at, page_after, page_before


def opened(tmp_path: Path, content: bytes) -> OpenLog:
    file = tmp_path / "triage.log"
    file.write_bytes(content)
    handle = os.open(file, os.O_RDONLY)
    return OpenLog(handle, LogKind.TRIAGE, "/triage.log")


def numbered(count: int, *, width: int = 40) -> bytes:
    return b"".join(b"line %06d" % n + b"." * width + b"\n" for n in range(count))


def test_paging_forwards_tells_every_line_once(tmp_path: Path) -> None:
    content = numbered(9000)
    seen, place = [], 0
    with opened(tmp_path, content) as log:
        while lines := (page := page_after(log, place, lines=500)).lines:
            seen += [line.text for line in lines]
            place = page.end
    assert seen == content.decode().splitlines()


def test_paging_backwards_tells_every_line_once(tmp_path: Path) -> None:
    content = numbered(9000)
    seen: list[str] = []
    place = len(content)
    with opened(tmp_path, content) as log:
        while lines := (page := page_before(log, place, lines=500)).lines:
            seen[:0] = [line.text for line in lines]
            place = page.start
    assert seen == content.decode().splitlines()


@pytest.mark.parametrize("place", [0, 3, 10**15])
def test_a_place_behind_the_end_or_at_the_start_is_an_empty_page(
    tmp_path: Path, place: int
) -> None:
    with opened(tmp_path, b"") as log:
        page = page_after(log, place, lines=10)
    assert (page.lines, page.start, page.end, page.size) == ((), 0, 0, 0)


def test_a_line_longer_than_a_page_does_not_stop_paging(tmp_path: Path) -> None:
    content = b"x" * (2 * WINDOW + 5) + b"\nlast\n"
    seen, place = b"", 0
    with opened(tmp_path, content) as log:
        while (page := page_after(log, place, lines=500)).lines:
            seen += "".join(line.text for line in page.lines).encode()
            assert page.end > place
            place = page.end
        end = page_before(log, len(content), lines=2)
    assert seen == content.replace(b"\n", b"")
    assert end.lines[-1].text == "last"


@pytest.mark.parametrize(
    ("content", "lines", "expected"),
    [
        (b"", 3, b""),
        (b"a", 1, b"a"),
        (b"a\nb\nc\n", 1, b"c\n"),
        (b"a\nb\nc", 1, b"c"),
        (b"a\nb\nc\n", 2, b"b\nc\n"),
        (b"a\nb\nc\n", 3, b"a\nb\nc\n"),
        (b"a\nb\nc\n", 99, b"a\nb\nc\n"),
        (b"\n\n\n", 2, b"\n\n"),
    ],
)
def test_the_last_lines_begin_where_tail_begins(
    tmp_path: Path, content: bytes, lines: int, expected: bytes
) -> None:
    with opened(tmp_path, content) as log:
        assert content[last_lines_at(log, lines) :] == expected


def test_the_last_lines_are_found_across_blocks(tmp_path: Path) -> None:
    content = numbered(20_000)
    with opened(tmp_path, content) as log:
        start = last_lines_at(log, 15_000)
    assert content[start:] == b"".join(content.splitlines(keepends=True)[-15_000:])
