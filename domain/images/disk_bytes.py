"""The bytes of a disk image, read at any place without ever failing for what is not there."""

import os
from dataclasses import dataclass

SECTOR = 512
"""Bytes: the unit that images of whole disks are written in."""


@dataclass(frozen=True, slots=True)
class DiskBytes:
    """An open image of `size` bytes. All methods block, and raise OSError as the system does."""

    handle: int
    size: int

    @classmethod
    def of(cls, handle: int) -> "DiskBytes":
        """Takes an open file, as large as it is now."""
        return cls(handle, os.fstat(handle).st_size)

    def read(self, offset: int, length: int) -> bytes:
        """Returns exactly `length` bytes; what lies outside the image is zero."""
        if not 0 <= offset < self.size:
            return bytes(length)
        return os.pread(self.handle, length, offset).ljust(length, b"\0")
