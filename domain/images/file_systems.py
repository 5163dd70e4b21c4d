"""File systems, told by the marks that they leave at known places of a partition (libblkid has
the same table)."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from domain.images.disk_bytes import DiskBytes
from domain.images.fat import find_fat, root_names


class FileSystemKind(StrEnum):
    """What a partition holds; the values are those of the REST answer."""

    FAT12 = "fat12"
    FAT16 = "fat16"
    FAT32 = "fat32"
    EXFAT = "exfat"
    NTFS = "ntfs"
    EXT2 = "ext2"
    EXT3 = "ext3"
    EXT4 = "ext4"
    BTRFS = "btrfs"
    F2FS = "f2fs"
    XFS = "xfs"
    SQUASHFS = "squashfs"
    EROFS = "erofs"
    ISO9660 = "iso9660"
    SWAP = "swap"
    LUKS1 = "luks1"
    LUKS2 = "luks2"
    LVM = "lvm"
    EMPTY = "empty"
    UNKNOWN = "unknown"


LINUX = frozenset(
    {
        FileSystemKind.EXT2,
        FileSystemKind.EXT3,
        FileSystemKind.EXT4,
        FileSystemKind.BTRFS,
        FileSystemKind.F2FS,
        FileSystemKind.XFS,
        FileSystemKind.SQUASHFS,
        FileSystemKind.EROFS,
        FileSystemKind.LUKS1,
        FileSystemKind.LUKS2,
        FileSystemKind.LVM,
    }
)
"""What a root file system can be in, also behind a cipher."""
FATS = {12: FileSystemKind.FAT12, 16: FileSystemKind.FAT16, 32: FileSystemKind.FAT32}
LOOKED_AT = 65536
"""Bytes at a partition's beginning that must all be zero to call it empty."""

_MARKS: tuple[tuple[int, bytes, FileSystemKind], ...] = (
    (0, b"LUKS\xba\xbe\x00\x01", FileSystemKind.LUKS1),
    (0, b"LUKS\xba\xbe\x00\x02", FileSystemKind.LUKS2),
    (0, b"hsqs", FileSystemKind.SQUASHFS),
    (0, b"XFSB", FileSystemKind.XFS),
    (3, b"NTFS    ", FileSystemKind.NTFS),
    (3, b"EXFAT   ", FileSystemKind.EXFAT),
    (512, b"LABELONE", FileSystemKind.LVM),
    (1024, b"\xe2\xe1\xf5\xe0", FileSystemKind.EROFS),
    (1024, b"\x10\x20\xf5\xf2", FileSystemKind.F2FS),
    (4086, b"SWAPSPACE2", FileSystemKind.SWAP),
    (0x8001, b"CD001", FileSystemKind.ISO9660),
    (0x10040, b"_BHRfS_M", FileSystemKind.BTRFS),
)
_EXT_AT, _EXT_MAGIC = 1024, 0xEF53
_MOST_BYTES = 1 << 62


@dataclass(frozen=True, slots=True)
class FileSystem:
    """A file system. `size_bytes` is what it says of itself, None where it does not or is not
    asked; `names` are those in the root folder of a FAT."""

    kind: FileSystemKind
    label: str | None = None
    uuid: str | None = None
    size_bytes: int | None = None
    names: tuple[str, ...] = ()


def identify(disk: DiskBytes, start: int) -> FileSystem:
    """Returns what begins at this byte of a disk; blocks."""
    for offset, mark, kind in _MARKS:
        if disk.read(start + offset, len(mark)) == mark:
            return FileSystem(kind, size_bytes=_size(disk, start, kind))
    found = _ext(disk.read(start + _EXT_AT, 1024)) or _fat(disk, start)
    if found is not None:
        return found
    is_empty = not any(disk.read(start, LOOKED_AT))
    return FileSystem(FileSystemKind.EMPTY if is_empty else FileSystemKind.UNKNOWN)


def _size(disk: DiskBytes, start: int, kind: FileSystemKind) -> int | None:
    """Returns what the superblock says; what no disk can hold is no size."""
    if kind not in _SIZES:
        return None
    offset, read = _SIZES[kind]
    size = read(disk.read(start + offset, 256))
    return size if 0 < size < _MOST_BYTES else None


def _squashfs(block: bytes) -> int:
    """What is used; images are often padded beyond it (Documentation/filesystems/squashfs.rst)."""
    # Before version 4 other fields were here.
    major, used = struct.unpack_from("<H10xQ", block, 28)
    return used if major == 4 else 0


def _xfs(block: bytes) -> int:
    length, blocks = struct.unpack_from(">IQ", block, 4)
    return int(length * blocks)


def _erofs(block: bytes) -> int:
    return _shifted(struct.unpack_from("<I", block, 36)[0], block[12])


def _f2fs(block: bytes) -> int:
    exponent, blocks = struct.unpack_from("<I16xQ", block, 16)
    return _shifted(blocks, exponent)


def _btrfs(block: bytes) -> int:
    """The share of this device, of which a file system can have several."""
    return int(struct.unpack_from("<Q", block, 0xD1)[0])


def _shifted(blocks: int, exponent: int) -> int:
    # Blocks have 512 bytes to 64 KiB.
    return blocks << exponent if 9 <= exponent <= 16 else 0


_SIZES: Mapping[FileSystemKind, tuple[int, Callable[[bytes], int]]] = {
    FileSystemKind.SQUASHFS: (0, _squashfs),
    FileSystemKind.XFS: (0, _xfs),
    FileSystemKind.EROFS: (1024, _erofs),
    FileSystemKind.F2FS: (1024, _f2fs),
    FileSystemKind.BTRFS: (0x10000, _btrfs),
}
"""Where superblocks are, and what reads a size in bytes from them."""


def _ext(block: bytes) -> FileSystem | None:
    """Reads the superblock (Documentation/filesystems/ext4/super.rst)."""
    if struct.unpack_from("<H", block, 0x38)[0] != _EXT_MAGIC:
        return None
    blocks, exponent = struct.unpack_from("<I", block, 4)[0], struct.unpack_from("<I", block, 24)[0]
    compatible, incompatible, read_only = struct.unpack_from("<III", block, 0x5C)
    # Blocks have 1 to 64 KiB; what is larger than any disk is no size.
    size = _blocks(block, blocks, incompatible) << (10 + exponent) if exponent <= 6 else None
    return FileSystem(
        kind=_ext_kind(compatible, incompatible, read_only),
        label=block[0x78:0x88].partition(b"\0")[0].decode("utf-8", "replace") or None,
        uuid=str(UUID(bytes=block[0x68:0x78])),
        size_bytes=size if size and size < _MOST_BYTES else None,
    )


def _blocks(block: bytes, low: int, incompatible: int) -> int:
    high: int = struct.unpack_from("<I", block, 0x150)[0] if incompatible & 0x80 else 0
    return high << 32 | low


def _ext_kind(compatible: int, incompatible: int, read_only: int) -> FileSystemKind:
    # What ext3 does not know: all but file types, recovery, journal device and the meta groups;
    # of the read-only ones all but sparse superblocks and large files.
    if incompatible & ~0x1E or read_only & ~0x7:
        return FileSystemKind.EXT4
    return FileSystemKind.EXT3 if compatible & 0x4 else FileSystemKind.EXT2


def _fat(disk: DiskBytes, start: int) -> FileSystem | None:
    fat = find_fat(disk, start)
    if fat is None:
        return None
    return FileSystem(FATS[fat.bits], fat.label, fat.uuid, fat.size, root_names(disk, fat))
