"""The recorded answers of the existing service, and what ours differs in on purpose, as values."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from hypothesis import find
from hypothesis.strategies import from_regex

from tests.surfaces.described import Answered
from tests.surfaces.repository import SHARED

CASES = SHARED / "parity/cases"
ENVELOPE = {"error": "A sentence.", "error_code": "CODE", "status": 400, "title": "Title"}
KINDS = {
    "bool": True,
    "int": 1,
    "float": 1.5,
    "str": "text",
    "list": [],
    "object": {},
    "null": None,
}


def recorded_answers() -> Iterator[tuple[str, list[Answered]]]:
    """Yields the id of each case and the answers of which it accepts any one of us."""
    for file in sorted(CASES.glob("*.json")):
        case = json.loads(file.read_text())
        expect = case["expect"]
        several = expect.get("any_of", [expect]) if isinstance(expect, dict) else [expect]
        yield (
            case["id"],
            [
                answered
                for one in several
                for answered in _accepted(case, {} if one == "same" else one)
            ],
        )


def _accepted(case: Mapping[str, Any], expect: Mapping[str, Any]) -> Iterator[Answered]:
    recorded, request = case["recorded"], case["request"]
    if "skip" in expect or expect.get("body") == "any":
        return
    status = expect.get("status", recorded["status"])
    types = expect.get("content_type", recorded.get("type") or "")
    body = recorded["body"]
    template = body.get("json") if isinstance(body, dict) else None
    if "error_code" in expect:
        is_page = "text/html" in request["headers"].get("Accept", "")
        types, template = ("text/html" if is_page else "application/json"), ENVELOPE
    elif "body" in expect:
        types, template = expect.get("content_type", "application/json"), expect["body"]
    value = _patched(sample(template), expect)
    for one_status in status if isinstance(status, list) else [status]:
        for one_type in types if isinstance(types, list) else [types]:
            known = Answered(request["method"], request["target"], one_status, one_type, value)
            yield replace(known, is_part="body" in expect)


def _patched(value: Any, expect: Mapping[str, Any]) -> Any:
    changes = [(pointer, sample(new), False) for pointer, new in expect.get("patch", {}).items()]
    changes += [(pointer, None, True) for pointer in expect.get("absent", [])]
    for pointer, new, is_absent in changes:
        *way, last = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
        inside = value
        for part in way:
            inside = inside[int(part) if isinstance(inside, list) else part]
        key: Any = int(last) if isinstance(inside, list) else last
        if is_absent:
            del inside[key]
        else:
            inside[key] = new
    return value


def sample(template: Any) -> Any:
    """Returns a value that the kit's template (parity/matching.py) accepts."""
    if isinstance(template, list):
        return [sample(item) for item in template]
    if not isinstance(template, dict):
        return template
    if template and all(key.startswith("$") for key in template):
        [(operator, argument), *_] = template.items()
        return _of_operator(operator, argument)
    return {key: sample(value) for key, value in template.items()}


@cache
def matching(pattern: str) -> str:
    """Returns the shortest text that the whole pattern matches."""
    return find(from_regex(pattern, fullmatch=True), lambda _: True)


def _of_operator(operator: str, argument: Any) -> Any:
    made: dict[str, Callable[[], Any]] = {
        "$has": lambda: argument,
        "$prefix": lambda: argument,
        "$re": lambda: matching(argument),
        "$type": lambda: KINDS[argument.split("|")[0]],
        "$list": lambda: [sample(argument.get("each", "text"))] * argument.get("min", 0),
        "$unordered": lambda: sample(argument),
        "$includes": lambda: [sample(argument)],
    }
    return made.get(operator, lambda: "text")()
