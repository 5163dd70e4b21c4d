"""Limits of uploads: what an upload may need, and how the room for it is watched."""

import os
from dataclasses import dataclass
from pathlib import Path

from domain.uploads.refusals import SpaceShort, UploadTooLarge

MEBIBYTE = 1 << 20
GIBIBYTE = 1 << 30
LOOK_EVERY = 16 * MEBIBYTE
"""Bytes written between two looks at the room that is left."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Sizes are bytes. `bytes` is the most that an upload may be or unpack to, 0 for what the disk
    holds; a ratio counts only beyond its `free` bytes, so that small things may be as hollow as
    they like. `reserve` is what stays free on the store's disk, less on a small one.
    """

    bytes: int = 0
    reserve: int = 64 * MEBIBYTE
    image_ratio: int = 1000
    image_free: int = 8 * GIBIBYTE
    archive_ratio: int = 200
    archive_free: int = 256 * MEBIBYTE
    entries: int = 4096
    depth: int = 16
    path_bytes: int = 1024
    at_once: int = 16


class Room:
    """The room on the disk of one folder. All methods block."""

    def __init__(self, folder: Path, limits: UploadLimits) -> None:
        self._folder, self._limits = folder, limits
        self._unlooked = 0

    def check(self, needed: int) -> None:
        """Raises `SpaceShort` unless so many bytes fit beside the reserve, and `UploadTooLarge`
        for more than are taken at all."""
        self.check_size(needed)
        free = self._free()
        if needed > free:
            message = (
                f"Insufficient disk space for upload: {needed} bytes are needed and {free} are "
                "free for images."
            )
            raise SpaceShort(message, detail=f"{needed} bytes")

    def check_size(self, size: int) -> None:
        """Raises `UploadTooLarge` for more bytes than are taken at all."""
        if self._limits.bytes and size > self._limits.bytes:
            message = f"The upload is larger than the {self._limits.bytes} bytes that are taken."
            raise UploadTooLarge(message, detail=f"{size} bytes")

    def take(self, size: int) -> None:
        """Notes that so many bytes are about to be written; now and then looks whether they still
        fit. Raises `SpaceShort`."""
        self._unlooked += size
        if self._unlooked >= LOOK_EVERY:
            self._unlooked = 0
            self.check(size)

    def _free(self) -> int:
        status = os.statvfs(self._folder)
        unit = status.f_frsize
        reserve = min(self._limits.reserve, status.f_blocks * unit // 50)
        return max(0, status.f_bavail * unit - reserve)
