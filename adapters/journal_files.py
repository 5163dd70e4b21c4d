"""Which files the journal of this machine has, below the root prefix (systemd-journald(8))."""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from adapters.journal_library import JournalFailed, OpenJournal
from domain.host_paths import HostPaths, PathRefused
from domain.services.journal import LONGEST_MESSAGE

RUNTIME = "/run/log/journal"
"""Where the journal is that ends with the boot, as on stations whose card is to be spared."""
MACHINE_ID = "/etc/machine-id"
SUFFIXES = (".journal", ".journal~")
ARCHIVED = "@"
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)

_HEADER_ID = slice(24, 40)
"""Where a journal's header has the file's own id (systemd.io/JOURNAL_FILE_FORMAT)."""


class JournalDenied(Exception):
    """The journal is there and may not be read."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells a file from another one at its place: device, number and, of a file that is
    still written to, the id in its header, for numbers are used again. `size` is in bytes."""

    identity: tuple[int, int, bytes]
    size: int


Marks = dict[Path, Mark]


def journal_folders(paths: HostPaths) -> list[str]:
    """Returns the logical paths of the folders that hold this machine's files."""
    bases = (paths.journal, RUNTIME)
    return [folder for base in bases for folder in (base, *_machine_folders(paths, base))]


def journal_files(paths: HostPaths) -> Marks:
    """Returns all files that there are now; raises `JournalDenied`."""
    return dict(found for folder in journal_folders(paths) for found in _files_in(paths, folder))


def open_journal(files: Sequence[Path]) -> tuple[OpenJournal | None, list[Path]]:
    """Returns the files as one journal, None where there are none or only empty ones, and those
    that are no journals and were left out; raises `JournalDenied` where all are."""
    if not files:
        return None, []
    try:
        return OpenJournal(files, threshold=LONGEST_MESSAGE), []
    except JournalFailed:
        # One bad file makes libsystemd refuse them all.
        good = [file for file in files if _opens(file)]
    if not good:
        require_readable(files)
        if any(file.stat().st_size for file in files if file.exists()):
            raise JournalDenied("none of its files can be read as a journal")
    bad = [file for file in files if file not in good]
    return (OpenJournal(good, threshold=LONGEST_MESSAGE) if good else None), bad


def require_readable(files: Collection[Path]) -> None:
    """Raises `JournalDenied` where there are files and none of them may be read."""
    if files and not any(os.access(file, os.R_OK) for file in files):
        raise JournalDenied("its files are not readable for this user")


def _machine_folders(paths: HostPaths, base: str) -> Iterator[str]:
    """Yields the folder of this machine, or those of all where it has no id."""
    machine = _machine(paths)
    if machine is not None:
        yield f"{base}/{machine}"
        return
    try:
        folders = sorted(paths.real(base).iterdir())
    except (OSError, PathRefused):
        return
    yield from (f"{base}/{folder.name}" for folder in folders if _ID.fullmatch(folder.name))


def _machine(paths: HostPaths) -> str | None:
    try:
        text = paths.real(MACHINE_ID).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError, PathRefused):
        return None
    return text if _ID.fullmatch(text) else None


def are_same(before: Marks, now: Marks) -> bool:
    """Whether these are still the same files, grown at most."""
    return before.keys() == now.keys() and all(
        mark.identity == now[file].identity and mark.size <= now[file].size
        for file, mark in before.items()
    )


def _files_in(paths: HostPaths, folder: str) -> Iterator[tuple[Path, Mark]]:
    try:
        with os.scandir(paths.real(folder)) as entries:
            found = [entry for entry in entries if entry.name.endswith(SUFFIXES)]
    except PermissionError as error:
        raise JournalDenied(f"{folder} may not be read by this user") from error
    except (OSError, PathRefused):
        return
    for entry in found:
        try:
            file = paths.real(f"{folder}/{entry.name}") if entry.is_symlink() else Path(entry.path)
            yield file, _mark(file)
        except (OSError, PathRefused):
            continue


def _mark(file: Path) -> Mark:
    status, id = file.stat(), b""
    if ARCHIVED not in file.name:
        with suppress(PermissionError), file.open("rb", buffering=0) as opened:
            id = opened.read(_HEADER_ID.stop)[_HEADER_ID]
    return Mark((status.st_dev, status.st_ino, id), status.st_size)


def _opens(file: Path) -> bool:
    try:
        OpenJournal([file], threshold=LONGEST_MESSAGE).close()
    except JournalFailed:
        return False
    return True
