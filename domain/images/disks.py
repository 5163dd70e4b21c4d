"""Disks: what a traditional image holds, and what speaks against writing it to a board."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from domain.images.disk_bytes import SECTOR, DiskBytes
from domain.images.disk_faults import DiskFault, DiskFaultKind
from domain.images.file_systems import FATS, LINUX, FileSystem, FileSystemKind, identify
from domain.images.gpt import is_protective, read_gpt
from domain.images.mbr import is_extended, read_mbr
from domain.images.partitions import Partition, PartitionTable

BOOT_FILES = frozenset({"config.txt", "boot.img", "bootcode.bin", "start.elf", "start4.elf"})
"""Any of these in the root of a FAT makes it one that a Raspberry Pi's boot ROM or bootloader
starts from."""
MOST_PARTITIONS = 128
"""So many partitions are looked into."""


class Contents(StrEnum):
    """What the file of a traditional image is; the values are those of the REST answer."""

    DISK = "disk"
    FILE_SYSTEM = "file_system"
    SPARSE = "sparse"
    COMPRESSED = "compressed"
    EMPTY = "empty"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DiskPartition:
    """A partition with what it holds."""

    partition: Partition
    file_system: FileSystem

    @property
    def is_boot(self) -> bool:
        """Whether a Raspberry Pi can start from it."""
        names = {name.lower() for name in self.file_system.names}
        return self.file_system.kind in FATS.values() and not names.isdisjoint(BOOT_FILES)

    @property
    def is_root(self) -> bool:
        """Whether a Linux system can be in it."""
        return self.file_system.kind in LINUX


@dataclass(frozen=True, slots=True)
class Disk:
    """A traditional image as its bytes show it; `whole` is what begins at its first byte where
    there is no partition table. `size_bytes` is the file's."""

    size_bytes: int
    contents: Contents
    table: PartitionTable | None
    partitions: tuple[DiskPartition, ...]
    whole: FileSystem | None
    faults: tuple[DiskFault, ...]

    @property
    def boot(self) -> DiskPartition | None:
        """The first partition that a board can start from."""
        return next((one for one in self.partitions if one.is_boot), None)

    @property
    def root(self) -> DiskPartition | None:
        """The first partition that a system can be in."""
        return next((one for one in self.partitions if one.is_root), None)

    @property
    def is_whole_sectors(self) -> bool:
        """Whether the size is a multiple of 512 bytes, as writing it in sectors needs."""
        return self.size_bytes % SECTOR == 0

    @property
    def needed_bytes(self) -> int:
        """How large a board's storage must be for it."""
        return max([self.size_bytes, *(one.partition.end for one in self.partitions)])


_PACKED = (b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x1f\x8b", b"BZh", b"PK\x03\x04")
_SPARSE = b"\x3a\xff\x26\xed"


def analyse_disk(handle: int) -> Disk:
    """Returns what an open image holds, whatever its bytes are; blocks. Raises OSError as the
    system does."""
    disk = DiskBytes.of(handle)
    table = _table(disk)
    partitions = tuple(_partitions(disk, table))
    whole = None if table else identify(disk, 0)
    found = Disk(disk.size, _contents(disk, table, whole), table, partitions, whole, ())
    faults = tuple(_faults(found))
    return Disk(found.size_bytes, found.contents, table, partitions, whole, faults)


def _table(disk: DiskBytes) -> PartitionTable | None:
    """Returns the table that Linux would use, or one that it would use if it was not damaged; a GPT
    only where the boot record announces one, or names nothing itself."""
    mbr = read_mbr(disk)
    if mbr is not None and not is_protective(disk):
        return mbr
    return read_gpt(disk)


def _partitions(disk: DiskBytes, table: PartitionTable | None) -> Iterator[DiskPartition]:
    for partition in table.partitions[:MOST_PARTITIONS] if table else ():
        if is_extended(partition):
            yield DiskPartition(partition, FileSystem(FileSystemKind.UNKNOWN))
        else:
            yield DiskPartition(partition, identify(disk, partition.start))


def _contents(disk: DiskBytes, table: PartitionTable | None, whole: FileSystem | None) -> Contents:
    head = disk.read(0, 6)
    if head.startswith(_SPARSE):
        return Contents.SPARSE
    if head.startswith(_PACKED):
        return Contents.COMPRESSED
    if table is not None:
        return Contents.DISK
    kind = whole.kind if whole else FileSystemKind.UNKNOWN
    if kind is FileSystemKind.EMPTY:
        return Contents.EMPTY
    return Contents.UNKNOWN if kind is FileSystemKind.UNKNOWN else Contents.FILE_SYSTEM


def _faults(disk: Disk) -> Iterator[DiskFault]:
    if not disk.is_whole_sectors:
        sentence = f"Its size of {disk.size_bytes} bytes is no multiple of {SECTOR}."
        yield DiskFault(DiskFaultKind.SIZE, sentence)
    if disk.table is None:
        yield DiskFault(DiskFaultKind.NO_TABLE, f"{_WITHOUT_TABLE[disk.contents]}.")
        yield from _faults_of_whole(disk.whole, disk.size_bytes)
        return
    yield from disk.table.faults
    if disk.table.end > disk.size_bytes:
        sentence = (
            f"The copy of its partition table ends at byte {disk.table.end}, the image at "
            f"{disk.size_bytes}."
        )
        yield DiskFault(DiskFaultKind.CUT_OFF, sentence)
    for one in disk.partitions:
        yield from _faults_of(one, disk.size_bytes)
    yield from _overlaps([one.partition for one in disk.partitions])
    if disk.boot is None:
        sentence = "No partition is a FAT file system with the files that a Raspberry Pi boots."
        yield DiskFault(DiskFaultKind.NO_BOOT, sentence)
    if disk.root is None:
        sentence = "No partition holds a file system that Linux has its root in."
        yield DiskFault(DiskFaultKind.NO_ROOT, sentence)


_WITHOUT_TABLE = {
    Contents.DISK: "It has no partition table",
    Contents.FILE_SYSTEM: "It is one file system without a partition table",
    Contents.SPARSE: "It is an Android sparse image, not a disk; unpack it with simg2img",
    Contents.COMPRESSED: "It is still compressed; upload it under a name that says so",
    Contents.EMPTY: "It has no partition table; it begins with zeros",
    Contents.UNKNOWN: "It has no partition table",
}


def _faults_of_whole(whole: FileSystem | None, size: int) -> Iterator[DiskFault]:
    says = whole.size_bytes if whole else None
    if whole is not None and says is not None and says > size:
        sentence = f"Its {whole.kind.value} file system has {says} bytes, the image only {size}."
        yield DiskFault(DiskFaultKind.CUT_OFF, sentence)


def _faults_of(one: DiskPartition, size: int) -> Iterator[DiskFault]:
    partition, says = one.partition, one.file_system.size_bytes
    if partition.end > size:
        yield _beyond(one, size)
    if says is not None and says > partition.size:
        sentence = (
            f"The file system in partition {partition.number} has {says} bytes, the partition "
            f"only {partition.size}."
        )
        yield DiskFault(DiskFaultKind.FILE_SYSTEM_TOO_LARGE, sentence)


def _beyond(one: DiskPartition, size: int) -> DiskFault:
    """Tells a partition that lacks its end from one that is larger than what it holds: OpenWrt's
    images end behind their squashfs and leave the rest of its partition to the board."""
    partition, says = one.partition, one.file_system.size_bytes
    ends = f"Partition {partition.number} ends at byte {partition.end}, the image at {size}"
    if says is None or partition.start + says > size:
        return DiskFault(DiskFaultKind.OUTSIDE, f"{ends}: it was cut off.")
    sentence = f"{ends}; its {one.file_system.kind.value} file system is there as a whole."
    return DiskFault(DiskFaultKind.UNFILLED, sentence)


def _overlaps(partitions: list[Partition]) -> Iterator[DiskFault]:
    plain = sorted(
        (one for one in partitions if not is_extended(one)), key=lambda one: (one.start, one.number)
    )
    for before, after in itertools.pairwise(plain):
        if after.start < before.end:
            sentence = f"Partitions {before.number} and {after.number} lie on the same bytes."
            yield DiskFault(DiskFaultKind.OVERLAP, sentence)
