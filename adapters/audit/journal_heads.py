"""The heads of the chain that were written down in the system's journal."""

import subprocess
from pathlib import Path

from adapters.audit.journal import IDENTIFIER
from domain.audit.chain import Head, HeadInvalid, head_of

SECONDS = 120
"""Journals of years on a slow card are read in this time."""


def heads_told(root: Path, file: Path) -> list[Head]:
    """Returns the heads of the audit log `file` in the journal of the host below `root`, oldest
    first; none where there is no journal or it cannot be read.

    Only what the file's owner wrote counts: anybody may write into the journal.
    """
    if not file.is_file():
        return []
    folder = [] if root == Path("/") else [f"--directory={root / 'var/log/journal'}"]
    owner = f"_UID={file.stat().st_uid}"
    command = ["journalctl", "--quiet", "--no-pager", "--output=cat", *folder]
    try:
        told = subprocess.run(
            [*command, f"--identifier={IDENTIFIER}", owner],
            capture_output=True,
            check=True,
            timeout=SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return [head for line in told.stdout.splitlines() for head in _heads(line)]


def _heads(line: bytes) -> list[Head]:
    try:
        return [head_of(line.decode("ascii"))]
    except (HeadInvalid, UnicodeDecodeError):
        return []
