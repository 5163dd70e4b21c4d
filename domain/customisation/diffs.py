"""Differences between two contents of a script, as diff(1) writes them."""

import difflib
from dataclasses import dataclass

from domain.errors import Invalid

MOST_LINES = 4000
"""Of each side: comparing takes the square of it."""
CONTEXT = 3


class ScriptDiffTooLarge(Invalid):
    """Too many lines to compare."""

    code = "SCRIPT_DIFF_TOO_LARGE"
    title = "Too Many Lines"
    meaning = f"Scripts of more than {MOST_LINES} lines are not compared."
    remedy = "Read both versions and compare them elsewhere."


@dataclass(frozen=True, slots=True)
class ScriptDiff:
    """What changed. `text` is in the unified form, empty where both are the same."""

    text: str
    added: int
    removed: int


def diff_of(before: bytes, after: bytes, *, names: tuple[str, str]) -> ScriptDiff:
    """Returns what was changed from `before` to `after`; raises `ScriptDiffTooLarge`. Blocks."""
    old, new = _lines(before), _lines(after)
    lines = list(difflib.unified_diff(old, new, *names, n=CONTEXT))
    changes = lines[2:]
    return ScriptDiff(
        text="".join(line if line.endswith("\n") else f"{line}\n{NO_END}\n" for line in lines),
        added=sum(line.startswith("+") for line in changes),
        removed=sum(line.startswith("-") for line in changes),
    )


NO_END = "\\ No newline at end of file"


def _lines(content: bytes) -> list[str]:
    # Not splitlines: a form feed or a lone CR ends no line of a script.
    lines = [f"{line}\n" for line in content.decode("utf-8", "replace").split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    lines = lines if lines[-1] else lines[:-1]
    if len(lines) > MOST_LINES:
        message = f"A script has {len(lines)} lines; at most {MOST_LINES} are compared."
        raise ScriptDiffTooLarge(message)
    return lines
