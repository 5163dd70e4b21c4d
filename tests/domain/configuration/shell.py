"""`sh` as the judge of configuration files: what the station's scripts see in them."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

PRINT = r"""
. "$1" >/dev/null
shift
for name in "$@"; do
    eval "if [ \"\${$name+set}\" ]; then printf '%s=%s\\0' $name \"\$$name\"; fi"
done
"""


def sourced(path: Path, names: Iterable[str]) -> dict[str, str]:
    """Returns those of `names` that are set after `sh -eu` has sourced the file.

    PATH leads nowhere and HOME is strange: a command in the file fails, and so does the test.
    """
    run = subprocess.run(
        ["/bin/sh", "-eu", "-c", PRINT, "sh", str(path), *names],
        env={"PATH": "/nonexistent", "HOME": "/home-of-sh"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert run.stderr == b""
    rows = run.stdout.decode(errors="surrogateescape").split("\0")[:-1]
    return dict(row.split("=", 1) for row in rows)


def sourced_text(folder: Path, text: str, names: Iterable[str]) -> dict[str, str]:
    """Like `sourced`, for a text."""
    path = folder / "sourced"
    path.write_bytes(text.encode(errors="surrogateescape"))
    return sourced(path, names)


def run_through(folder: Path, text: str) -> None:
    """Sources a text in the folder and goes on after failures, so that every line is reached."""
    (folder / "text").write_text(text, newline="")
    subprocess.run(
        ["/bin/sh", "-c", ". ./text"],
        cwd=folder,
        env={"PATH": "/nonexistent"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=30,
    )
