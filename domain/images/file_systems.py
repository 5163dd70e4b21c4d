"""File systems, told by the marks that they leave at known places of a partition (libblkid has
the same table)."""

import struct
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
            return FileSystem(kind)
    found = _ext(disk.read(start + _EXT_AT, 1024)) or _fat(disk, start)
    if found is not None:
        return found
    is_empty = not any(disk.read(start, LOOKED_AT))
    return FileSystem(FileSystemKind.EMPTY if is_empty else FileSystemKind.UNKNOWN)


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
