"""Placing: what was made in hiding gets its name in the store, in one step and without writing over
anything (contract images 4.2)."""

import ctypes
import errno
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

from domain.atomic_files import sync_folder
from domain.images.names import ImageName
from domain.uploads.staging import OLD_SUFFIX

MOST_NUMBERS = 9999
_AT_FDCWD = -100
_NOREPLACE, _EXCHANGE = 1, 2
"""Flags of renameat2(2)."""
_MISSING = (errno.ENOSYS, errno.EINVAL)


def names_for(wanted: ImageName) -> Iterator[ImageName]:
    """Yields the wanted name, then `stem_1.ext` to `stem_9999.ext`, then ones that nobody has."""
    yield wanted
    stem, dot, extension = wanted.text.rpartition(".")
    stem, extension = (stem, dot + extension) if dot else (wanted.text, "")
    for number in range(1, MOST_NUMBERS + 1):
        yield ImageName(f"{stem}_{number}{extension}")
    while True:
        chance = random.randint(1000, 9999)  # noqa: S311 -- no secret, only another name
        yield ImageName(f"{stem}_{time.time_ns() // 1_000_000}_{chance}{extension}")


def place_file(staged: Path, target: Path) -> bool:
    """Gives a hidden file its name; returns False where something has it already. Blocks, and
    raises OSError as the system does."""
    try:
        os.link(staged, target, follow_symlinks=False)
    except FileExistsError:
        return False
    staged.unlink()
    sync_folder(target.parent)
    return True


def place_folder(staged: Path, target: Path) -> None:
    """Gives a hidden folder its name; what has it already changes places with it, at one instant,
    and is then at `staged`. Blocks, and raises OSError as the system does."""
    try:
        _rename(staged, target, _NOREPLACE)
    except FileExistsError:
        _exchange(staged, target)
    sync_folder(target.parent)
    sync_folder(staged.parent)


def _exchange(staged: Path, target: Path) -> None:
    try:
        _rename(staged, target, _EXCHANGE)
    except OSError as error:
        if error.errno not in _MISSING:
            raise
        # This file system has no exchange: for one moment the name is free, and `sweep` finds the
        # old one by the name that it has meanwhile.
        aside = target.with_name(f".{target.name}{OLD_SUFFIX}")
        target.rename(aside)
        staged.rename(target)
        aside.rename(staged)


def _rename(source: Path, target: Path, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.renameat2(_AT_FDCWD, bytes(source), _AT_FDCWD, bytes(target), flags)
    number = ctypes.get_errno()
    if done == 0:
        return
    if flags == _NOREPLACE and number in _MISSING:
        _rename_unless_there(source, target)
        return
    raise OSError(number, os.strerror(number), str(target))


def _rename_unless_there(source: Path, target: Path) -> None:
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    source.rename(target)
