"""A program that is killed at each call of the system while it writes the configuration.

Usage: python -m tests.domain.configuration.killing ROOT. It prints one line of JSON for each kill:
what was called, what the file held then, and what lay beside it after the next write.
"""

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from domain.configuration.configuration import Configuration
from domain.events import Hub
from domain.host_paths import HostPaths

OLD = "# by hand\nRPI_DEVICE_FAMILY=4\n"
NEW = "# by hand\nRPI_DEVICE_FAMILY=5\nRPI_CONNECT_DESCRIPTION='it'\\''s $(x)'\n"
CHANGES = {"RPI_DEVICE_FAMILY": "5", "RPI_CONNECT_DESCRIPTION": "it's $(x)"}
MODULES = frozenset({"posix", "fcntl", "_io"})
HARMLESS = frozenset({"fspath", "readlink", "stat", "fstat", "fileno", "urandom", "listdir"})
"""Calls that change nothing: a kill there is a kill at the next one."""


def killed_at(number: int, told: int) -> None:
    """Kills this process before its call of the system of this number; the call's name is written
    to the pipe first."""
    left = number

    def hook(frame: FrameType, event: str, called: object) -> None:
        nonlocal left
        del frame
        name = str(getattr(called, "__name__", "?"))
        owner = getattr(called, "__self__", None)
        module = getattr(called, "__module__", None) or getattr(type(owner), "__module__", "")
        if event == "c_call" and module in MODULES and name not in HARMLESS:
            left -= 1
            if left == 0:
                os.write(told, name.encode())
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(hook)


def write(place: Path) -> None:
    """Makes the change."""
    Configuration(HostPaths(place), Hub()).update_now(CHANGES)


def in_child(place: Path, number: int) -> tuple[int, str]:
    """Writes in a process of its own; returns how that ended, and at which call."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        killed_at(number, theirs)
        write(place)
        sys.setprofile(None)
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        called = pipe.read()
    return os.waitpid(child, 0)[1], called


def main(root: Path) -> None:
    """Kills once at each call, until there is none left."""
    ended, number = -1, 0
    while ended != 0:
        number += 1
        place = root / str(number)
        file = place / HostPaths().config[1:]
        file.parent.mkdir(parents=True)
        file.write_text(OLD)
        file.chmod(0o600)
        ended, called = in_child(place, number)
        held = file.read_text()
        beside = {one.name: one.stat().st_mode & 0o777 for one in file.parent.iterdir()}
        write(place)
        after = sorted(one.name for one in file.parent.iterdir())
        line = {"called": called, "held": held, "beside": beside, "after": after}
        sys.stdout.write(json.dumps({**line, "end": file.read_text()}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
