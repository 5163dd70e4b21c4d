"""Writers of the configuration: killed at every call, two at once, and `sh` as the reader of all
that they write (contract configuration 3)."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.configuration.configuration import Configuration
from domain.configuration.variables import VARIABLES, Variable
from domain.events import Hub
from domain.host_paths import HostPaths
from tests.domain.configuration.killing import CHANGES, NEW, OLD
from tests.domain.configuration.shell import sourced
from tests.domain.configuration.test_quoting import VALUES

PROJECT = Path(__file__).parents[3]
CONFIG = HostPaths().config[1:]

COUNTER = """
import sys
from pathlib import Path
from domain.configuration.configuration import Configuration
from domain.events import Hub
from domain.host_paths import HostPaths
root, name, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
configuration = Configuration(HostPaths(root), Hub(), patience=120)
for number in range(1, times + 1):
    (change,) = configuration.update_now({name: str(number)})
    assert change.old == str(number - 1), (name, change.old, number)
"""


def test_a_writer_that_is_killed_at_any_call_leaves_the_old_or_the_new_file(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "tests.domain.configuration.killing", str(tmp_path)]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, check=True, timeout=100)
    kills = [json.loads(line) for line in run.stdout.splitlines()]
    called = [kill["called"] for kill in kills]
    assert {"open", "flock", "fchmod", "write", "flush", "fsync", "replace"} <= {*called}
    assert {kill["held"] for kill in kills} == {OLD, NEW}
    for kill in kills:
        assert set(kill["beside"].values()) == {0o600}
        assert kill["after"] == ["config", "config.lock"]
        assert kill["end"] == NEW
    for text, values in ((OLD, {"RPI_DEVICE_FAMILY": "4"}), (NEW, CHANGES)):
        (tmp_path / "read").write_text(text)
        assert sourced(tmp_path / "read", CHANGES) == values


@pytest.mark.parametrize("times", [1000])
def test_two_processes_at_once_lose_no_write_and_sh_can_always_read(
    tmp_path: Path, times: int
) -> None:
    names = ("RPI_DEVICE_LEFT", "RPI_DEVICE_RIGHT")
    file = tmp_path / CONFIG
    file.parent.mkdir(parents=True)
    file.write_text("# start\n" + "".join(f"{name}=0\n" for name in names))
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", COUNTER, str(tmp_path), name, str(times)], cwd=PROJECT
        )
        for name in names
    ]
    last = dict.fromkeys(names, 0)
    while any(writer.poll() is None for writer in writers):
        seen = {name: int(value) for name, value in sourced(file, names).items()}
        assert all(seen[name] >= last[name] for name in names)
        last = seen
    assert [writer.returncode for writer in writers] == [0, 0]
    assert sourced(file, names) == dict.fromkeys(names, str(times))
    assert file.read_text().startswith("# start\n")


def values_of(variable: Variable) -> st.SearchStrategy[str]:
    """Returns values that the variable takes."""
    return st.sampled_from(("", *variable.choices)) if variable.choices else VALUES


SETTABLE = {one.name: one for one in VARIABLES if not one.file_only}
CHANGED = st.dictionaries(
    st.sampled_from(sorted(SETTABLE)), st.none(), min_size=1, max_size=6
).flatmap(lambda names: st.fixed_dictionaries({one: values_of(SETTABLE[one]) for one in names}))
STARTS = (
    "",
    "# ours\nexport RPI_DEVICE_FAMILY='4' # four\n\nCUSTOMER_KEY_FILE_PEM=''\nRPI_DEVICE_FAMILY=5",
    "CUSTOMER_KEY_PKCS11_NAME='pkcs11:object=k;type=private'\nRPI_CONNECT_DESCRIPTION='it'\\''s'\n",
    'RPI_SB_WORKDIR=/a\r\nRPI_CONNECT_API_KEY="x\\$y"\r\n',
)


@settings(max_examples=80, deadline=None)
@given(start=st.sampled_from(STARTS), rounds=st.lists(CHANGED, min_size=1, max_size=3))
def test_sh_sees_in_every_written_file_what_was_set_and_runs_nothing(
    tmp_path_factory: pytest.TempPathFactory, start: str, rounds: list[Mapping[str, str]]
) -> None:
    root = tmp_path_factory.mktemp("written")
    file = root / CONFIG
    file.parent.mkdir(parents=True)
    file.write_text(start, newline="")
    configuration = Configuration(HostPaths(root), Hub())
    for changes in rounds:
        configuration.update_now(changes)
        wanted = {name: one.value for name, one in configuration.values_now().items()}
        assert wanted.items() >= changes.items()
        seen = sourced(file, wanted)
        assert {name: seen[name] for name in changes} == changes
    assert {one.name for one in file.parent.iterdir()} == {"config", "config.lock"}
