"""The file on disk: rights, links, locks, two writers, and a writer that is killed."""

import fcntl
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from domain.configuration.configuration import Configuration
from domain.configuration.file import (
    LARGEST_FILE,
    ConfigFile,
    ConfigLocked,
    ConfigNotWritten,
    ConfigObscure,
    ConfigUnreadable,
)
from domain.configuration.variables import ConfigValueRefused
from domain.events import Hub
from domain.host_paths import HostPaths
from tests.domain.configuration.shell import sourced

PROJECT = Path(__file__).parents[3]
CONFIG = "/etc/rpi-sb-provisioner/config"

APPENDER = """
import sys
from pathlib import Path
from domain.configuration.configuration import Configuration
from domain.events import Hub
from domain.host_paths import HostPaths
configuration = Configuration(HostPaths(Path(sys.argv[1])), Hub(), patience=60)
for number in range(60):
    configuration.update_now({f"RPI_DEVICE_{sys.argv[2]}_{number}": str(number)})
"""

GENERATIONS = """
import sys
from pathlib import Path
from domain.configuration.configuration import Configuration
from domain.events import Hub
from domain.host_paths import HostPaths
configuration = Configuration(HostPaths(Path(sys.argv[1])), Hub())
number = 0
while True:
    number += 1
    names = [f"RPI_DEVICE_{index}" for index in range(20)]
    configuration.update_now(dict.fromkeys(names, f"generation {number} " + "x" * 400))
    print(number, flush=True)
"""


@pytest.fixture
def paths(tmp_path: Path) -> HostPaths:
    return HostPaths(tmp_path)


@pytest.fixture
def config(paths: HostPaths) -> Path:
    path = paths.root / CONFIG[1:]
    path.parent.mkdir(parents=True)
    return path


def update(paths: HostPaths, **changes: str) -> None:
    Configuration(paths, Hub(), patience=0.05).update_now(changes)


def test_a_new_file_is_for_its_owner_only(paths: HostPaths) -> None:
    update(paths, RPI_DEVICE_FAMILY="5")
    path = paths.root / CONFIG[1:]
    assert path.read_text() == "RPI_DEVICE_FAMILY=5\n"
    assert path.stat().st_mode & 0o7777 == 0o600
    assert path.parent.stat().st_mode & 0o700 == 0o700


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o644])
def test_an_existing_mode_is_kept(paths: HostPaths, config: Path, mode: int) -> None:
    config.write_text("A=1\n")
    config.chmod(mode)
    update(paths, RPI_DEVICE_FAMILY="5")
    assert config.stat().st_mode & 0o7777 == mode


def test_nothing_but_the_file_and_its_lock_is_left(paths: HostPaths, config: Path) -> None:
    update(paths, RPI_DEVICE_FAMILY="5")
    assert {one.name for one in config.parent.iterdir()} == {"config", "config.lock"}


def test_a_linked_config_stays_a_link_and_its_target_is_written(
    paths: HostPaths, config: Path
) -> None:
    target = paths.root / "data/station"
    target.parent.mkdir()
    target.write_text("# ours\n")
    config.symlink_to("/data/station")
    update(paths, RPI_DEVICE_FAMILY="5")
    assert config.is_symlink()
    assert target.read_text() == "# ours\nRPI_DEVICE_FAMILY=5\n"


def test_a_link_never_leads_out_of_the_root(tmp_path: Path) -> None:
    paths = HostPaths(tmp_path / "root")
    config = paths.root / CONFIG[1:]
    config.parent.mkdir(parents=True)
    config.symlink_to("../../../../outside")
    update(paths, RPI_DEVICE_FAMILY="5")
    assert not (tmp_path / "outside").exists()
    assert (paths.root / "outside").read_text() == "RPI_DEVICE_FAMILY=5\n"


def test_a_linked_lock_is_not_followed(paths: HostPaths, config: Path) -> None:
    (config.parent / "config.lock").symlink_to("elsewhere")
    with pytest.raises(ConfigNotWritten, match=CONFIG):
        update(paths, RPI_DEVICE_FAMILY="5")
    assert not (config.parent / "elsewhere").exists()


def test_links_in_a_circle_are_unreadable(paths: HostPaths, config: Path) -> None:
    config.symlink_to("config")
    with pytest.raises(ConfigUnreadable, match=CONFIG):
        ConfigFile(paths, CONFIG).read()


def test_a_missing_file_is_empty(paths: HostPaths) -> None:
    assert ConfigFile(paths, CONFIG).read().values == {}


def test_a_folder_is_unreadable_and_only_its_logical_path_is_told(
    paths: HostPaths, config: Path
) -> None:
    config.mkdir()
    with pytest.raises(ConfigUnreadable) as caught:
        ConfigFile(paths, CONFIG).read()
    assert (caught.value.code, caught.value.detail) == ("CONFIG_UNREADABLE", CONFIG)
    assert CONFIG in caught.value.message
    assert str(paths.root) not in caught.value.message


def test_a_fifo_is_unreadable_at_once(paths: HostPaths, config: Path) -> None:
    os.mkfifo(config)
    with pytest.raises(ConfigUnreadable, match="not an ordinary file"):
        ConfigFile(paths, CONFIG).read()


def test_a_huge_file_is_unreadable(paths: HostPaths, config: Path) -> None:
    config.write_bytes(b"#" * (LARGEST_FILE + 1))
    with pytest.raises(ConfigUnreadable, match="larger"):
        ConfigFile(paths, CONFIG).read()


def test_a_file_never_grows_beyond_what_is_read(paths: HostPaths, config: Path) -> None:
    config.write_bytes(b"#" * (LARGEST_FILE - 20))
    with pytest.raises(ConfigValueRefused):
        update(paths, RPI_DEVICE_X="5" * 100)
    assert config.stat().st_size == LARGEST_FILE - 20


def test_a_folder_that_is_a_file_cannot_be_written(paths: HostPaths) -> None:
    (paths.root / "etc").write_text("")
    with pytest.raises(ConfigNotWritten) as caught:
        update(paths, RPI_DEVICE_FAMILY="5")
    assert caught.value.code == "CONFIG_WRITE_ERROR"
    assert str(paths.root) not in caught.value.message


@pytest.mark.parametrize("text", ["A='open\n", 'B="', "cat <<EOF\n", "A=`echo 'x'`\n"])
def test_nothing_is_written_amid_obscure_shell_code(
    paths: HostPaths, config: Path, text: str
) -> None:
    config.write_text(text)
    with pytest.raises(ConfigObscure, match="line 1"):
        update(paths, RPI_DEVICE_Y="plain", RPI_DEVICE_X="\"';touch x;'")
    assert config.read_text() == text


def test_a_new_value_repairs_its_own_open_quote(paths: HostPaths, config: Path) -> None:
    config.write_text("RPI_CONNECT_DESCRIPTION=it's\nRPI_DEVICE_FAMILY=5\n")
    update(paths, RPI_CONNECT_DESCRIPTION="it is")
    assert config.read_text() == "RPI_CONNECT_DESCRIPTION='it is'\nRPI_DEVICE_FAMILY=5\n"


def test_a_foreign_lock_is_a_conflict_after_a_bounded_wait(paths: HostPaths, config: Path) -> None:
    config.write_text("A=1\n")
    with (config.parent / "config.lock").open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        with pytest.raises(ConfigLocked) as caught:
            update(paths, RPI_DEVICE_FAMILY="5")
    assert caught.value.code == "CONFIG_LOCKED"
    assert config.read_text() == "A=1\n"


def test_a_reader_sees_every_rewrite_though_sizes_and_times_repeat(
    paths: HostPaths, config: Path
) -> None:
    file = ConfigFile(paths, CONFIG)
    for number in range(300):
        config.write_text(f"A={number % 10}\n")
        assert file.read().values == {"A": str(number % 10)}


def test_a_settled_file_is_read_once_and_again_when_it_changes(
    paths: HostPaths, config: Path
) -> None:
    config.write_text("A=1\n")
    later = time.time_ns() + 10_000_000_000
    file = ConfigFile(paths, CONFIG, clock=lambda: later)
    first = file.read()
    assert file.read() is first
    config.write_text("A=22\n")
    assert file.read().values == {"A": "22"}


def test_two_processes_lose_nothing(paths: HostPaths) -> None:
    command = [sys.executable, "-c", APPENDER, str(paths.root)]
    writers = [subprocess.Popen([*command, name], cwd=PROJECT) for name in ("LEFT", "RIGHT")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    wanted = {
        f"RPI_DEVICE_{name}_{number}": str(number)
        for name in ("LEFT", "RIGHT")
        for number in range(60)
    }
    assert ConfigFile(paths, CONFIG).read().values == wanted
    assert sourced(paths.real(CONFIG), wanted) == wanted


def test_a_killed_writer_leaves_the_old_or_the_new_file(paths: HostPaths, config: Path) -> None:
    chance = random.Random(20)
    names = [f"RPI_DEVICE_{index}" for index in range(20)]
    for _ in range(8):
        told = killed_after(paths.root, chance.uniform(0, 0.02))
        values = sourced(config, names)
        assert ConfigFile(paths, CONFIG).read().values == values
        assert len(values) == 20
        assert len(set(values.values())) == 1
        assert int(next(iter(values.values())).split()[1]) in {told, told + 1}


def killed_after(root: Path, seconds: float) -> int:
    """Runs a writer, kills it at some moment, and returns the last write that it told of."""
    command = [sys.executable, "-S", "-c", GENERATIONS, str(root)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        first = writer.stdout.readline()
        time.sleep(seconds)
        writer.send_signal(signal.SIGKILL)
        return int((first + writer.stdout.read()).split()[-1])
