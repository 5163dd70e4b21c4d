"""Renaming and deleting, killed at each change of the disk: nothing lies, and nothing is left."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.domain.images.killing import DIGITS, STORE

SOURCE = Path(__file__).parents[3]
BEFORE = {"a": DIGITS}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("killed")


@cache
def _killed(root: Path, action: str, kind: str) -> list[Any]:
    """Returns what was seen at each kill and after it; kills once for all tests of it."""
    place = str(root / action / kind)
    command = [sys.executable, "-m", "tests.domain.images.killing", place, action, kind]
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_renaming_is_whole_after_the_next_start(root: Path, kind: str) -> None:
    rounds = _killed(root, "rename", kind)
    for each in rounds:
        after = each["after"]
        name = "new" if "new" in after["images"] else "a"
        assert after["images"] == {name: DIGITS}
        assert (after["gold"], after["gold_is_there"]) == (f"{STORE}/{name}", True)
        assert set(after["all"]) - {"new.sha256"} == {name, f"{name}.sha256"} - {"new.sha256"}
    assert len(rounds) > 15
    assert rounds[-1]["after"]["images"] == {"new": DIGITS}
    assert rounds[0]["after"]["images"] == BEFORE


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_gold_master_leads_to_the_image_at_every_instant_of_a_renaming(
    root: Path, kind: str
) -> None:
    seen = [each["at"] for each in _killed(root, "rename", kind)]
    missing = [each for each in seen if not each["gold_is_there"]]
    # A folder cannot take a link's place in one step.
    assert len(missing) == (1 if kind == "folder" else 0)
    assert all(set(each["images"].values()) <= {DIGITS, None} for each in seen)
    assert all(each["images"] for each in seen)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_deletion_is_done_or_not_after_the_next_start(root: Path, kind: str) -> None:
    rounds = _killed(root, "delete", kind)
    for each in rounds:
        after = each["after"]
        gold = f"{STORE}/a" if after["images"] else ""
        assert after["images"] in (BEFORE, {})
        assert after["gold"] == gold
        assert set(after["all"]) - {"new.sha256"} == ({"a", "a.sha256"} if gold else set())
    assert len(rounds) > 5
    assert rounds[-1]["after"]["images"] == {}
