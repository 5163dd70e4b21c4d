"""Kept files: ordinary files below one folder, opened so that no link leads anywhere else."""

import errno
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from domain.host_paths import HostPaths, PathRefused


class LeadsAway(OSError):
    """A link leads out of the folder."""


def real_below(paths: HostPaths, logical: str, *, folder: str) -> Path:
    """Returns where `logical` is, every link followed; raises `LeadsAway` unless that is below
    `folder`, and OSError where there is no such path."""
    try:
        real, base = paths.real(logical), paths.real(folder)
    except PathRefused as error:
        raise OSError(errno.ELOOP, error.message) from error
    if real == base or not real.is_relative_to(base):
        raise LeadsAway(errno.EXDEV, "a link leads out of its folder")
    return real


def open_real(real: Path) -> int:
    """Returns a descriptor for reading an ordinary file; raises OSError for anything else."""
    # Not blocking: somebody may have put a FIFO there.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(real, flags)
    except ValueError as error:
        raise OSError(errno.EINVAL, "no such name is possible") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is not an ordinary file")
    return handle


def modified_at(status: os.stat_result) -> datetime:
    """Returns when a file was last written, UTC; 1970 where its time is none that Python knows."""
    try:
        return datetime.fromtimestamp(status.st_mtime, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
