"""Bytes of a log become lines that any screen can show, each in its place."""

from datetime import datetime

import pytest

from domain.devices.log_lines import LONGEST_LINE, LogLine, lines_in


def lines(data: bytes, *, to_end: bool = True) -> list[LogLine]:
    return list(lines_in(data, start=1000, to_end=to_end))


def test_a_line_has_its_time_its_text_and_its_place() -> None:
    (line,) = lines(b"[2026-08-01 10:20:30.456] Writing OS images\n")
    assert line.at == datetime(2026, 8, 1, 10, 20, 30, 456000).astimezone()
    assert (line.text, line.start, line.end) == ("Writing OS images", 1000, 1044)
    assert not line.continues


@pytest.mark.parametrize(
    "text",
    [
        "TRIAGE-STARTED",
        "[2026-13-01 10:20:30.456] no such month",
        "[2026-08-01] short",
        "[٢٠٢٦-08-01 10:20:30.456] other digits",
        "",
    ],
)
def test_a_line_without_a_time_is_all_text(text: str) -> None:
    (line,) = lines(text.encode() + b"\n")
    assert (line.at, line.text) == (None, text)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        (b"a\0b", "a␀b"),
        (b"a\tb\r\n", "a\tb"),
        (b"50%\r100%", "50%␍100%"),
        (b"\xff\xfe", "��"),
        ("a\u202eb\u0085c\x7f".encode(), "a�b�c␡"),
        ("Größe".encode(), "Größe"),
    ],
)
def test_what_is_no_text_is_shown_safely(raw: bytes, shown: str) -> None:
    assert [line.text for line in lines(raw)] == [shown]


def test_the_unfinished_last_line_counts_only_at_the_end_of_the_file() -> None:
    assert [line.text for line in lines(b"one\ntwo")] == ["one", "two"]
    assert [line.text for line in lines(b"one\ntwo", to_end=False)] == ["one"]


def test_a_long_line_is_told_in_pieces_that_lose_nothing() -> None:
    raw = ("ä" * LONGEST_LINE).encode() + b"\nnext\n"
    found = lines(raw)
    assert "".join(line.text for line in found[:-1]) == "ä" * LONGEST_LINE
    assert [line.continues for line in found] == [True, False, False]
    assert max(line.end - line.start for line in found) <= LONGEST_LINE + 1
    assert [line.start for line in found[1:]] == [line.end for line in found[:-1]]


def test_an_odd_offset_never_cuts_a_character() -> None:
    found = lines(b"x" + ("€" * LONGEST_LINE).encode())
    assert all("�" not in line.text for line in found)
    assert "".join(line.text for line in found) == "x" + "€" * LONGEST_LINE


def test_binary_without_newlines_is_told_in_pieces() -> None:
    found = lines(b"\x80" * (3 * LONGEST_LINE))
    assert sum(line.end - line.start for line in found) == 3 * LONGEST_LINE
