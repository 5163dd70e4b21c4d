"""Limits of uploads: what an upload may need, and how the room for it is watched."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from domain.uploads.refusals import SpaceShort, UploadTooLarge

MEBIBYTE = 1 << 20
GIBIBYTE = 1 << 30
LOOK_EVERY = MEBIBYTE
"""Bytes written between two looks at the room that is left: few enough that all uploads at once
leave most of the reserve."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Sizes are bytes. `bytes` is the most that an upload may be or unpack to, 0 for what the disk
    holds; a ratio counts only beyond its `free` bytes, so that small things may be as hollow as
    they like. `reserve` is what stays free on the store's disk, less on a small one.

    A client that has been silent for `silent_seconds` makes room for one that goes on with the same
    upload: after a lost connection it is the same one.

    An image beyond `image_free` that packs to a thousandth, 2 MiB, lacks even a kernel.
    """

    bytes: int = 0
    reserve: int = 64 * MEBIBYTE
    image_ratio: int = 1000
    image_free: int = 2 * GIBIBYTE
    archive_ratio: int = 200
    archive_free: int = 256 * MEBIBYTE
    entries: int = 4096
    depth: int = 16
    path_bytes: int = 1024
    at_once: int = 16
    silent_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class DiskRoom:
    """Bytes of a disk, all of them and those that are free."""

    total: int
    free: int


def look_at(folder: Path) -> DiskRoom:
    """Returns the room on the disk of a folder; blocks. Raises OSError."""
    status = os.statvfs(folder)
    return DiskRoom(status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize)


class Room:
    """The room on the disk of one folder. All methods block."""

    def __init__(
        self, folder: Path, limits: UploadLimits, look: Callable[[Path], DiskRoom] = look_at
    ) -> None:
        self._folder, self._limits, self._look = folder, limits, look
        self._granted = 0

    def check(self, needed: int, *, promised: int = 0) -> None:
        """Raises `SpaceShort` unless so many bytes fit beside the reserve and what is promised to
        others, and `UploadTooLarge` for more than are taken at all."""
        self.check_size(needed)
        _require(needed, self._free(), promised)

    def check_size(self, size: int) -> None:
        """Raises `UploadTooLarge` for more bytes than are taken at all."""
        if self._limits.bytes and size > self._limits.bytes:
            message = f"The upload is larger than the {self._limits.bytes} bytes that are taken."
            raise UploadTooLarge(message, detail=f"{size} bytes")

    def take(self, size: int) -> None:
        """Notes that so many bytes are about to be written; looks first, and then now and then,
        whether they still fit. Raises `SpaceShort`."""
        if size > self._granted:
            free = self._free()
            _require(size, free, 0)
            self._granted = min(free, max(size, LOOK_EVERY))
        self._granted -= size

    def _free(self) -> int:
        disk = self._look(self._folder)
        return max(0, disk.free - min(self._limits.reserve, disk.total // 50))


def _require(needed: int, free: int, promised: int) -> None:
    if not needed or needed + promised <= free:
        return
    others = f"; {promised} more are promised to other uploads" if promised else ""
    message = (
        f"Insufficient disk space for upload: {needed} bytes are needed and {free} are free for "
        f"images{others}."
    )
    raise SpaceShort(message, detail=f"{needed} bytes")
