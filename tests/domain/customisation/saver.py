"""A process that saves a script again and again until it is killed: `saver.py ROOT FILENAME`."""

import sys
from itertools import count
from pathlib import Path

from domain.customisation.script_folder import ScriptFolder
from domain.host_paths import HostPaths

SIZE = 200_000


def main() -> None:
    folder = ScriptFolder(HostPaths(Path(sys.argv[1])))
    for number in count():
        folder.write(sys.argv[2], bytes([65 + number % 26]) * SIZE)
        if number == 0:
            sys.stdout.write("saving\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
