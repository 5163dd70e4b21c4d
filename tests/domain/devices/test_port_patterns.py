"""Port patterns match what the scripts' `case` matches: dash is the judge."""

import random
import shutil
import subprocess

import pytest

from domain.devices.port_patterns import pattern_of

PIECES = (
    *("1-1", "1-1.", "2", "*", "?", ".", "-", "^", "a", "{1,2}", "\\", ":"),
    *("[", "]", "[!2]", "[^2]", "[]2]", "[1-3]", "[!1-3]", "[2\\-4]", "[a-]", "[\\]]"),
    *("[[:digit:]]", "[![:alpha:]]", "[:digit:]", "[[:bogus:]]", "[[.2.]]"),
)
PATHS = ("1-1", "1-1.2", "1-1.2.3", "2-1", "1-1.^", "1-1.]", "1-1.[", "1-1.\\", "1-1.a", "")
PROGRAM = """while IFS= read -r pattern && IFS= read -r path; do
case "$path" in $pattern) printf 1;; *) printf 0;; esac; done"""


def judged(cases: list[tuple[str, str]]) -> list[bool]:
    """Returns what dash decides for each pattern and path."""
    dash = shutil.which("dash")
    if dash is None:
        pytest.skip("needs the scripts' shell: Debian package dash")
    lines = "".join(f"{pattern}\n{path}\n" for pattern, path in cases)
    done = subprocess.run(
        [dash, "-c", PROGRAM], input=lines.encode(), capture_output=True, check=True
    )
    return [decision == "1" for decision in done.stdout.decode()]


@pytest.mark.real
def test_a_pattern_matches_what_dash_matches() -> None:
    chance = random.Random(7)
    cases = [(piece, path) for piece in PIECES for path in PATHS]
    for _ in range(3000):
        pattern = "".join(chance.choices(PIECES, k=chance.randint(1, 3)))
        cases.append((chance.choice(("", "1-1.")) + pattern, chance.choice(PATHS)))
    mine = [pattern_of(pattern).matches(path) for pattern, path in cases]
    wrong = [case for case, own, its in zip(cases, mine, judged(cases), strict=True) if own != its]
    assert wrong == []
    assert sum(mine) > 100


@pytest.mark.parametrize(
    ("pattern", "path", "wanted"),
    [
        ("1-1.*", "1-1.2.3", True),
        ("1-1.*", "1-1", False),
        ("1-1.[!2]", "1-1.3", True),
        ("1-1.[^2]", "1-1.3", False),
        ("1-1.{1,2}", "1-1.1", False),
        ("é?", "1-1", False),
    ],
)
def test_what_people_write_most(pattern: str, path: str, *, wanted: bool) -> None:
    assert pattern_of(pattern).matches(path) is wanted


def test_a_spiteful_pattern_costs_no_time() -> None:
    assert not pattern_of("*1" * 2000 + "x").matches("1" * 200)
