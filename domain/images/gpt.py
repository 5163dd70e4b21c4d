"""The GUID partition table: a header with a checksum, its entries, and a copy of both at the end
(UEFI 2.10 section 5.3)."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from domain.images.disk_bytes import SECTOR, DiskBytes
from domain.images.disk_faults import DiskFault, DiskFaultKind
from domain.images.mbr import PROTECTIVE, read_entries
from domain.images.partitions import Partition, PartitionTable, TableKind

SECTOR_SIZES = (SECTOR, 4096)
MOST_BYTES = 1 << 62
"""No disk is larger; an entry beyond names nothing."""
MOST_ENTRIES = 1024
"""So many entries are read; tables have 128."""
_SIGNATURE = b"EFI PART"
_LEAST_ENTRY, _MOST_ENTRY = 128, 4096
_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_ENTRY = struct.Struct("<16s16sQQQ72s")
_UNUSED = bytes(16)
_FIRST_DAMAGED = (
    "Its first partition table is damaged; Linux finds no partitions, it ignores the copy."
)
_BOTH_DAMAGED = "The partition table and its copy are damaged or missing."
_COPY_DAMAGED = "The copy of the partition table is damaged."
_UNANNOUNCED = "The boot record does not announce the partition table; Linux ignores it."


@dataclass(frozen=True, slots=True)
class _Header:
    sector: int
    disk: UUID
    alternate: int
    entries_at: int
    count: int
    entry: int
    entries_crc: int


def read_gpt(disk: DiskBytes) -> PartitionTable | None:
    """Returns the table, None where the disk has none; blocks.

    Where the first is damaged, the partitions are those of the copy at the end: to be shown only,
    because Linux finds none then (`find_valid_gpt` in the kernel's block/partitions/efi.c).
    """
    for sector in SECTOR_SIZES:
        header = _header(disk, sector, 1)
        partitions = _entries(disk, header) if header else None
        if header is not None and partitions is not None:
            end = (header.alternate + 1) * sector
            faults = (*_unannounced(disk), *_copy_faults(disk, header))
            return _table(header, partitions, faults, end)
    for sector in SECTOR_SIZES:
        copy = _header(disk, sector, disk.size // sector - 1)
        partitions = _entries(disk, copy) if copy else None
        if copy is not None and partitions is not None:
            faults = (DiskFault(DiskFaultKind.TABLE_DAMAGED, _FIRST_DAMAGED), *_unannounced(disk))
            return _table(copy, partitions, faults, disk.size)
    if not is_protective(disk):
        return None
    lost = DiskFault(DiskFaultKind.TABLE_DAMAGED, _BOTH_DAMAGED)
    return PartitionTable(TableKind.GPT, SECTOR, "", (), (lost,))


def is_protective(disk: DiskBytes) -> bool:
    """Whether the disk's boot record says that there is a GPT; blocks."""
    entries = read_entries(disk, 0) or ()
    return any(entry.type == PROTECTIVE for entry in entries)


def _header(disk: DiskBytes, sector: int, place: int) -> _Header | None:
    content = disk.read(place * sector, sector)
    signature, _, size, checksum, _, own, alternate, _, _, guid, at, count, entry, crc = (
        _HEADER.unpack_from(content)
    )
    if signature != _SIGNATURE or own != place or not _HEADER.size <= size <= sector:
        return None
    checked = content[:16] + bytes(4) + content[20:size]
    if zlib.crc32(checked) != checksum or count > MOST_ENTRIES:
        return None
    if not _LEAST_ENTRY <= entry <= _MOST_ENTRY:
        return None
    return _Header(sector, UUID(bytes_le=guid), alternate, at, count, entry, crc)


def _unannounced(disk: DiskBytes) -> Iterator[DiskFault]:
    entries = read_entries(disk, 0) or ()
    if not any(entry.type == PROTECTIVE and entry.first == 1 for entry in entries):
        yield DiskFault(DiskFaultKind.NOT_ANNOUNCED, _UNANNOUNCED)


def _copy_faults(disk: DiskBytes, header: _Header) -> Iterator[DiskFault]:
    is_inside = (header.alternate + 1) * header.sector <= disk.size
    copy = _header(disk, header.sector, header.alternate) if is_inside else None
    if is_inside and (copy is None or _entries(disk, copy) is None):
        yield DiskFault(DiskFaultKind.COPY_DAMAGED, _COPY_DAMAGED)


def _entries(disk: DiskBytes, header: _Header) -> tuple[Partition, ...] | None:
    """Returns the partitions, None where the entries are damaged."""
    content = disk.read(header.entries_at * header.sector, header.count * header.entry)
    if zlib.crc32(content) != header.entries_crc:
        return None
    found = [
        _partition(content[place * header.entry :], place + 1, header.sector)
        for place in range(header.count)
    ]
    return tuple(partition for partition in found if partition is not None)


def _table(
    header: _Header, partitions: tuple[Partition, ...], faults: tuple[DiskFault, ...], end: int
) -> PartitionTable:
    return PartitionTable(TableKind.GPT, header.sector, str(header.disk), partitions, faults, end)


def _partition(content: bytes, number: int, sector: int) -> Partition | None:
    kind, unique, first, last, attributes, name = _ENTRY.unpack_from(content)
    if kind == _UNUSED or last < first or (last + 1) * sector > MOST_BYTES:
        return None
    return Partition(
        number=number,
        start=first * sector,
        size=(last - first + 1) * sector,
        type=str(UUID(bytes_le=kind)),
        uuid=str(UUID(bytes_le=unique)),
        label=name.decode("utf-16-le", "replace").partition("\0")[0] or None,
        # Bit 2: legacy BIOS bootable (UEFI 2.10 table 5.8).
        is_bootable=bool(attributes & 4),
    )
