"""The chain: its links are what the documentation says, and its heads are read strictly."""

import hashlib

import pytest

from domain.audit.chain import Head, HeadInvalid, head_of, link

ZERO = bytes(32)


def test_a_link_is_made_as_documented() -> None:
    row = (7, "2026-08-01 12:00:00", "ü\udcff", None, 1, 'quote"')
    text = b'[7,"2026-08-01 12:00:00","\\u00fc\\udcff",null,1,"quote\\""]'
    assert link(ZERO, row) == hashlib.sha256(ZERO + text).digest()


@pytest.mark.parametrize(
    "other",
    [(7, "a", None), (7, "a", ""), (7, "", "a"), (7, "a", "b"), (8, "a", "c"), (7, b"a", "c")],
)
def test_every_difference_of_a_row_changes_its_link(other: tuple[int, str | bytes, str]) -> None:
    assert link(ZERO, other) != link(ZERO, (7, "a", "c"))


def test_the_link_before_changes_the_link() -> None:
    assert link(ZERO, (1,)) != link(b"\1" * 32, (1,))


@pytest.mark.parametrize("head", [Head(12, b"\xab" * 32), Head(None, b"\xab" * 32)])
def test_a_head_is_read_as_it_is_written(head: Head) -> None:
    assert head_of(f" {head}\n") == head


@pytest.mark.parametrize("text", ["", "12", "12:", "x:" + "a" * 64, "a" * 63, "-1:" + "a" * 64])
def test_any_other_text_is_no_head(text: str) -> None:
    with pytest.raises(HeadInvalid):
        head_of(text)
