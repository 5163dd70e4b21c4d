"""Pages of lists that can grow: opaque keyset cursors, so that the last page costs what the
first does (design 2.2)."""

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.errors import Invalid

T = TypeVar("T")
Key = tuple[int | str, ...]

DEFAULT_SIZE = 50
MOST = 500
"""The largest page."""
LONGEST_CURSOR = 1024


class PageInvalid(Invalid):
    """The page that was asked for makes no sense."""

    code = "INVALID_PAGE"
    title = "Invalid Page"
    meaning = f"`first`/`last` are outside 1 to {MOST}, or both directions were asked for at once."
    remedy = (
        f"Ask for `first` with `after`, or `last` with `before`; at most {MOST} entries a page."
    )


class CursorInvalid(Invalid):
    """A cursor that this list never gave."""

    code = "INVALID_CURSOR"
    title = "Invalid Cursor"
    meaning = "The cursor was not given by this list, or was cut or changed on the way."
    remedy = "Use `endCursor` or `startCursor` of a page of the same list and order, unchanged."


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: `size` entries after or before `key`, forwards or backwards. Make it with
    `page_request`."""

    size: int
    key: Key | None
    backwards: bool


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page: `items` in the list's order, `cursors` beside them, and what lies around."""

    items: Sequence[T]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool
    total: int | None = None


def page_request(
    order: str,
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> PageRequest:
    """Returns the checked request; `order` names the list and its order, and cursors of another
    are refused.

    Raises `PageInvalid` and `CursorInvalid`.
    """
    if (first is not None or after is not None) and (last is not None or before is not None):
        raise PageInvalid(
            "Ask for `first` with `after`, or for `last` with `before`, not both.", field="last"
        )
    backwards = last is not None or before is not None
    name = "last" if backwards else "first"
    size = last if backwards else first
    size = DEFAULT_SIZE if size is None else size
    if not 1 <= size <= MOST:
        raise PageInvalid(f"`{name}` is {size}; it must be from 1 to {MOST}.", field=name)
    cursor = before if backwards else after
    return PageRequest(size, None if cursor is None else key_of(cursor, order), backwards)


_COMPACT = json.JSONEncoder(separators=(",", ":"))


def cursor_of(key: Key, order: str) -> str:
    """Returns the opaque text of `key` in the list and order named `order`."""
    text = _COMPACT.encode([order, *key])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def key_of(cursor: str, order: str) -> Key:
    """Returns the key in `cursor`; raises `CursorInvalid` unless this list and order made it."""
    if len(cursor) <= LONGEST_CURSOR:
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (ValueError, binascii.Error, RecursionError):
            parts = None
        if isinstance(parts, list) and parts[:1] == [order] and len(parts) > 1:
            key = tuple(part for part in parts[1:] if type(part) in (int, str))
            if len(key) == len(parts) - 1:
                return key
    raise CursorInvalid(
        "This cursor does not belong to this list; start again without one.", detail=cursor[:80]
    )


def slice_page(
    items: Sequence[T], request: PageRequest, *, order: str, key: Callable[[T], Key]
) -> Page[T]:
    """Returns the page out of `items`, a list in memory that is sorted by `key` ascending."""
    low, high = 0, len(items)
    if request.key is not None and request.backwards:
        high = _place(items, request.key, key, bisect_left)
    elif request.key is not None:
        low = _place(items, request.key, key, bisect_right)
    if request.backwards:
        low = max(low, high - request.size)
    else:
        high = min(high, low + request.size)
    return Page(
        items=items[low:high],
        cursors=[cursor_of(key(item), order) for item in items[low:high]],
        has_next=high < len(items),
        has_previous=low > 0,
        total=len(items),
    )


def _place(
    items: Sequence[T], wanted: Key, key: Callable[[T], Key], bisect: Callable[..., int]
) -> int:
    try:
        return bisect(items, wanted, key=key)
    except TypeError:
        # A cursor somebody made by hand: the right order's name, but keys of another kind.
        raise CursorInvalid(
            "This cursor does not belong to this list; start again without one."
        ) from None
