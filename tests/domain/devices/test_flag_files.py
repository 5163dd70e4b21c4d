"""A flag file is whole at every instant, whatever ends the process that writes it."""

import subprocess
import sys
from pathlib import Path

from domain.devices.flag_files import FlagFolders
from domain.devices.flag_kinds import FlagKind, FlagMode
from domain.host_paths import HostPaths

PROJECT = Path(__file__).parents[3]
SERIAL = "a0b0c0d0"
ROUNDS = 60
# One process forks a child for each round, which is a hundred times quicker than starting Python
# anew; each child writes for ever and is killed at another instant.
PROGRAM = """
import os, random, signal, sys, time
from pathlib import Path
from domain.devices.flag_files import FlagFolders
from domain.devices.flag_kinds import FlagKind, FlagMode
from domain.host_paths import HostPaths

folders, file = FlagFolders(HostPaths(Path(sys.argv[1]))), Path(sys.argv[2])
chance = random.Random(7)
for round in range(int(sys.argv[3])):
    child = os.fork()
    if child == 0:
        while True:
            for mode in (FlagMode.ONCE, FlagMode.PERSISTENT):
                folders.write(FlagKind.SKIP_EEPROM, "a0b0c0d0", mode)
    time.sleep(chance.random() * 0.01 + 0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(repr(file.read_bytes()) if file.exists() else "none")
"""


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    file = tmp_path / "etc/rpi-sb-provisioner/special-skip-eeprom" / SERIAL
    arguments = [str(tmp_path), str(file), str(ROUNDS)]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    seen = done.stdout.splitlines()
    assert len(seen) == ROUNDS
    assert set(seen) <= {"b'once\\n'", "b'persistent\\n'", "none"}
    assert seen[-1] != "none"


def test_what_a_killed_writer_left_is_no_flag(tmp_path: Path) -> None:
    folders = FlagFolders(HostPaths(tmp_path))
    folders.write(FlagKind.SKIP_EEPROM, SERIAL, FlagMode.ONCE)
    folder = tmp_path / "etc/rpi-sb-provisioner/special-skip-eeprom"
    (folder / f".{SERIAL}.0011223344556677.tmp").write_text("on")
    assert [file.name for file in folders.list_all()] == [SERIAL]


def test_the_scripts_find_it_as_they_look_for_it(tmp_path: Path) -> None:
    FlagFolders(HostPaths(tmp_path)).write(FlagKind.SKIP_EEPROM, SERIAL, FlagMode.ONCE)
    script = (
        'serial=10000000a0b0c0d0; flag="$1/$serial"; '
        '[ -f "$flag" ] || flag="$1/$(printf %s "$serial" | tail -c 8)"; '
        '[ "$(head -n 1 "$flag" | tr -d \'[:space:]\')" = once ] && rm "$flag" && echo consumed'
    )
    folder = tmp_path / "etc/rpi-sb-provisioner/special-skip-eeprom"
    command = ["sh", "-c", script, "sh", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "consumed\n"
    assert list(folder.iterdir()) == []
