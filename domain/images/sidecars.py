"""Sidecars: the small files that keep an image's SHA-256 beside it (contract images 7)."""

import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from domain.atomic_files import sync_folder, write_whole
from domain.images.hash_states import SHA256
from domain.kept_files import open_real

MODE = 0o644
STAGED = ".sidecar"
"""How the hidden files end in which sidecars are made."""

_LONGEST_LINE = 4096
_SAME_MOMENT_NS = 60 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What a sidecar says: 64 lower-case hex digits. Times are nanoseconds."""

    sha256: str
    modified: int
    changed: int

    def is_fresh(self, image: os.stat_result) -> bool:
        """Whether it was made for the image as it is now (contract images 7).

        An older file that was moved into the image's place keeps its time; it is told by the
        change of the inode long after the sidecar's. Only long after: copying a whole store
        changes both in any order.
        """
        is_later = self.modified >= image.st_mtime_ns
        return is_later and image.st_ctime_ns <= self.changed + _SAME_MOMENT_NS


def read_sidecar(real: Path) -> Sidecar | None:
    """Returns the sidecar, None where there is none or it holds no SHA-256; blocks.

    Raises OSError when it is there and cannot be read. What counts is the first word of the first
    line, so that the output of `sha256sum` is one too.
    """
    try:
        handle = open_real(real)
    except FileNotFoundError:
        return None
    try:
        status, content = os.fstat(handle), os.pread(handle, _LONGEST_LINE, 0)
    finally:
        os.close(handle)
    words = content.split(b"\n", 1)[0].decode("ascii", "replace").split()
    if not words or not SHA256.fullmatch(words[0]):
        return None
    return Sidecar(words[0].lower(), status.st_mtime_ns, status.st_ctime_ns)


def write_sidecar(real: Path, sha256: str, *, modified: int | None) -> None:
    """Writes the sidecar, whole at every instant; blocks. Raises OSError as the system does.

    `modified` is the time of the image that was hashed, in nanoseconds: the sidecar gets that time
    itself, so that every later change of the image makes it stale, also one in this moment. None
    is for folders, whose sidecar is always valid.
    """
    staged = real.with_name(f".{secrets.token_hex(8)}{STAGED}")
    try:
        write_whole(staged, f"{sha256}\n".encode(), mode=MODE)
        if modified is not None:
            os.utime(staged, ns=(modified, modified))
        staged.replace(real)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    sync_folder(real.parent)


def remove_sidecar(real: Path) -> None:
    """Removes the sidecar if there is one; blocks. Raises OSError as the system does."""
    try:
        # Whoever put something else under this name keeps it: it is never read as a sidecar.
        if not stat.S_ISDIR(real.lstat().st_mode):
            real.unlink()
    except FileNotFoundError:
        return
