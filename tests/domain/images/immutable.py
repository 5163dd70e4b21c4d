"""A folder that nobody can write to, not even root: the file system's immutable flag."""

import array
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# linux/fs.h
GET_FLAGS, SET_FLAGS, IMMUTABLE = 0x80086601, 0x40086602, 0x10


@contextmanager
def immutable(folder: Path) -> Iterator[None]:
    """Lets nobody add, remove or rename anything in the folder; skips the test where the file
    system or the rights do not allow that."""
    try:
        _set(folder, IMMUTABLE)
    except OSError as error:
        pytest.skip(f"no immutable folders here ({error.strerror}): run as root on ext4 or xfs")
    try:
        yield
    finally:
        _set(folder, 0)


def _set(folder: Path, flag: int) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flags = array.array("i", [0, 0])
        fcntl.ioctl(handle, GET_FLAGS, flags, True)  # noqa: FBT003 -- fcntl's own argument
        flags[0] = flags[0] & ~IMMUTABLE | flag
        fcntl.ioctl(handle, SET_FLAGS, flags)
    finally:
        os.close(handle)
