"""Every change of keys, killed at each change of the disk: no key is lost, nothing disagrees."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.domain.keys.station import KEYS

SOURCE = Path(__file__).parents[3]
ACTIONS = ("upload", "activate", "deactivate", "wrap", "migrate", "remove")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("killed")


@cache
def _killed(root: Path, action: str) -> list[Any]:
    """Returns what was seen at each kill and after it; kills once for all tests of it."""
    command = [sys.executable, "-m", "tests.domain.keys.killing", str(root / action), action]
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("action", ACTIONS)
def test_registry_configuration_and_files_agree_after_the_next_start(
    root: Path, action: str
) -> None:
    rounds = _killed(root, action)
    assert len(rounds) > 4
    for each in rounds:
        after = each["after"]
        named = {f"{KEYS}/{label}": key for key, label in after["labels"].items()}
        assert after["active"] == named.get(after["selected"], "")
        assert set(after["paths"]) <= {f"{KEYS}/{name}" for name in after["opened"]}


@pytest.mark.parametrize("action", ACTIONS)
def test_no_key_is_lost_or_half_written_at_any_instant(root: Path, action: str) -> None:
    rounds = _killed(root, action)
    whole = rounds[0]["at"]["opened"]
    for each in rounds:
        opened = each["at"]["opened"]
        kept = {"first.pem"} if action == "remove" else {"first.pem", "second.pem"}
        assert {name: opened[name] for name in kept} == {name: whole[name] for name in kept}
        if action == "remove" and "second.pem" not in opened:
            assert "second.pem" not in each["at"]["labels"].values()


@pytest.mark.parametrize("action", ACTIONS)
def test_no_key_that_was_wrapped_or_uploaded_is_ever_plain(root: Path, action: str) -> None:
    for each in _killed(root, action):
        assert set(each["at"]["plain"]) <= {"second.pem"}


def test_each_change_is_done_at_the_end(root: Path) -> None:
    last = {action: _killed(root, action)[-1]["after"] for action in ACTIONS}
    assert last["upload"]["selected"] == f"{KEYS}/third.pem"
    assert last["activate"]["selected"] == f"{KEYS}/second.pem"
    assert (last["deactivate"]["selected"], last["deactivate"]["active"]) == ("", "")
    assert last["wrap"]["plain"] == last["migrate"]["plain"] == []
    assert list(last["remove"]["opened"]) == ["first.pem"]
