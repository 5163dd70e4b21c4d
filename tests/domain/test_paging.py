"""Keyset pages and cursors that only their own list takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.paging import (
    CursorInvalid,
    Key,
    Page,
    PageInvalid,
    cursor_of,
    key_of,
    page_request,
    slice_page,
)

ORDER = "numbers:up"


def _key(number: int) -> Key:
    return (number,)


def _page(items: list[int], **asked: int | str) -> Page[int]:
    request = page_request(ORDER, **asked)  # type: ignore[arg-type]
    return slice_page(items, request, order=ORDER, key=_key)


@given(st.sets(st.integers(-1000, 1000), max_size=60), st.integers(1, 7))
def test_walking_forwards_gives_every_entry_once(numbers: set[int], size: int) -> None:
    items, seen, after = sorted(numbers), list[int](), dict[str, int | str]()
    while True:
        page = _page(items, first=size, **after)
        seen += page.items
        if not page.has_next:
            break
        after = {"after": page.cursors[-1]}
    assert seen == items


def test_last_gives_the_end_in_the_same_order() -> None:
    page = _page(list(range(10)), last=3)
    assert (list(page.items), page.has_next, page.has_previous) == ([7, 8, 9], False, True)


def test_before_excludes_its_own_entry() -> None:
    page = _page(list(range(10)), last=2, before=cursor_of((5,), ORDER))
    assert list(page.items) == [3, 4]


@pytest.mark.parametrize(
    "asked", [{"first": 0}, {"first": -1}, {"last": 501}, {"first": 1, "last": 1}]
)
def test_a_senseless_page_is_refused(asked: dict[str, int | str]) -> None:
    with pytest.raises(PageInvalid):
        _page([1], **asked)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "\0",
        "Ä",
        "W10",
        "e30",
        "bnVsbA",
        "A" * 2000,
        cursor_of((1,), "another"),
        "WyJhIiwxLjVd",
    ],
)
def test_a_strange_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(CursorInvalid):
        key_of(cursor, ORDER)


def test_a_forged_cursor_with_another_kind_of_key_is_refused() -> None:
    with pytest.raises(CursorInvalid):
        _page([1, 2], first=1, after=cursor_of(("text",), ORDER))
