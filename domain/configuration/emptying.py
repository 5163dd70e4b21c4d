"""Emptying a folder without following a link out of it, and measuring one."""

import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_STAGING = re.compile(r"fastboot\.\w{6}")
"""The folder that a run makes for itself by mktemp(1) (contract configuration 6)."""

MOST_FAILURES = 5


@dataclass(frozen=True, slots=True)
class Emptied:
    """What became of a folder's entries: how many went, how many were spared, and a sentence for
    each of the first that could not be deleted."""

    deleted: int
    spared: int
    failures: tuple[str, ...]


NOTHING = Emptied(0, 0, ())


@dataclass(frozen=True, slots=True)
class Measure:
    """The files in a folder, at any depth; times are of their last change."""

    size_bytes: int
    files: int
    oldest: datetime | None
    newest: datetime | None


def empty(folder: Path, *, spare_staging: bool) -> Emptied:
    """Deletes everything in `folder` and keeps the folder. Links are deleted, never followed, and
    what is mounted inside stays. Blocks; raises OSError when the folder cannot be opened."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        device = os.fstat(handle).st_dev
        deleted, spared, failures = 0, 0, list[str]()
        for name in sorted(os.listdir(handle)):  # noqa: PTH208 - of the handle, not of a path
            if spare_staging and _STAGING.fullmatch(name):
                spared += 1
                continue
            failure = _delete(handle, name, device)
            deleted += failure is None
            failures += [failure] if failure else []
    finally:
        os.close(handle)
    return Emptied(deleted, spared, tuple(failures[:MOST_FAILURES]))


def measure(folder: Path) -> Measure:
    """Returns what is in `folder`; what vanishes or may not be read meanwhile does not count.
    Blocks."""
    size, files, times = 0, 0, list[float]()
    for status in _statuses(folder):
        size, files = size + status.st_size, files + 1
        times.append(status.st_mtime)
    return Measure(size, files, _time(times, min), _time(times, max))


def _delete(handle: int, name: str, device: int) -> str | None:
    try:
        status = os.stat(name, dir_fd=handle, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            os.unlink(name, dir_fd=handle)
        elif _holds_mount(handle, name, device):
            return f"{name}: something is mounted there"
        else:
            shutil.rmtree(name, dir_fd=handle)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{name}: {error.strerror}"
    return None


def _holds_mount(handle: int, name: str, device: int) -> bool:
    return any(os.fstat(inner).st_dev != device for *_, inner in os.fwalk(name, dir_fd=handle))


def _statuses(folder: Path) -> Iterator[os.stat_result]:
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                yield (Path(parent) / name).lstat()
            except OSError:
                continue


def _time(times: list[float], pick: Callable[[list[float]], float]) -> datetime | None:
    return datetime.fromtimestamp(pick(times), UTC) if times else None
