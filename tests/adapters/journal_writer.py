"""Real journal files, made by systemd's own systemd-journal-remote."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.fakes.journal import MACHINE, Entry

TOOL = Path("/lib/systemd/systemd-journal-remote")
PATIENCE = 60.0

needs_tool = pytest.mark.skipif(
    not TOOL.exists(),
    reason="systemd-journal-remote is absent: install the Debian package systemd-journal-remote",
)


def journal_folder(root: Path) -> Path:
    """Returns the journal's folder of the machine whose `/` is `root`, and makes both."""
    folder = root / "var/log/journal" / MACHINE
    folder.mkdir(parents=True, exist_ok=True)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/machine-id").write_text(f"{MACHINE}\n", encoding="ascii")
    return folder


def write_journal(root: Path, entries: Iterable[Entry], *, name: str = "system") -> Path:
    """Appends the entries to a file of the journal; returns where it is."""
    file = journal_folder(root) / f"{name}.journal"
    exported = b"".join(entry.exported() for entry in entries)
    command = [str(TOOL), "-o", str(file), "-"]
    subprocess.run(command, input=exported, capture_output=True, check=True, timeout=PATIENCE)
    return file


def rotate(root: Path, *, name: str = "system") -> Path:
    """Gives a file its archived name, as journald does; returns where it is then."""
    folder = journal_folder(root)
    archived = folder / f"{name}@00000000000000000000000000000001-0000000000000001-000657.journal"
    shutil.move(folder / f"{name}.journal", archived)
    return archived
