"""Reading JSON that somebody else made: strictly, to a bounded size and depth, and without
believing that anything is what it should be."""

import json
from collections.abc import Iterator, Mapping

MOST_BYTES = 1 << 20
"""The largest document that is read; real descriptions have some kilobytes."""
MOST_DEPTH = 64
"""The deepest nesting that is read; real descriptions have about ten levels."""


class NotJson(ValueError):
    """The text is no JSON, or more of it than is read; the message says why."""


def parse_json(content: bytes) -> object:
    """Returns the value of a JSON text in UTF-8 (RFC 8259), which may be of any kind; raises
    `NotJson`.

    Nothing is read that `jq` on the device's side would not: no comments, no NaN, nothing behind
    the value. A whole number of more digits than Python converts is refused too.
    """
    if len(content) > MOST_BYTES:
        raise NotJson(f"it is larger than {MOST_BYTES} bytes")
    try:
        value: object = json.loads(content.decode(), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise NotJson(f"it is not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise NotJson(_too_deep()) from error
    except ValueError as error:
        raise NotJson(str(error)) from error
    _check(value)
    return value


def member(value: object, name: str) -> object:
    """Returns a member, None where the value is no object or has none of this name."""
    return value.get(name) if isinstance(value, dict) else None


def members(value: object) -> Iterator[tuple[str, object]]:
    """Yields the members of an object, of everything else none."""
    if isinstance(value, dict):
        yield from value.items()


def text_at(value: object, name: str) -> str | None:
    """Returns a member that is a string, None for all else."""
    found = member(value, name)
    return found if isinstance(found, str) else None


def _check(value: object) -> None:
    """Raises `NotJson` for what is too deep, and for half a character: no UTF-8 can show it."""
    waiting: list[tuple[object, int]] = [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        if depth > MOST_DEPTH:
            raise NotJson(_too_deep())
        if isinstance(one, str):
            _check_text(one)
        elif isinstance(one, list):
            waiting += [(item, depth + 1) for item in one]
        elif isinstance(one, Mapping):
            waiting += [(item, depth + 1) for pair in one.items() for item in pair]


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise NotJson("it holds half of a surrogate pair") from error


def _refuse(word: str) -> object:
    raise NotJson(f"{word} is no JSON")


def _too_deep() -> str:
    return f"it is nested deeper than {MOST_DEPTH} levels"
