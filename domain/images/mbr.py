"""The master boot record and the chain of extended ones behind it (UEFI 2.10 section 5.2; the
kernel's block/partitions/msdos.c)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from domain.images.disk_bytes import SECTOR, DiskBytes
from domain.images.partitions import Partition, PartitionTable, TableKind

PROTECTIVE = 0xEE
"""The type of the partition that stands for a whole GPT."""
MOST_LOGICAL = 60
"""So many logical partitions are looked at; a chain that leads in a circle ends here at last."""
_EXTENDED = frozenset({0x05, 0x0F, 0x85})
_FIRST_LOGICAL = 5


@dataclass(frozen=True, slots=True)
class MbrEntry:
    """One of the four entries; `first` and `sectors` count sectors."""

    status: int
    type: int
    first: int
    sectors: int

    @property
    def is_used(self) -> bool:
        """Whether it names a partition."""
        return self.type != 0 and self.sectors != 0


def read_entries(disk: DiskBytes, sector: int) -> tuple[MbrEntry, ...] | None:
    """Returns the four entries of a boot record, None where this sector is none; blocks."""
    content = disk.read(sector * SECTOR, SECTOR)
    if content[510:512] != b"\x55\xaa":
        return None
    fields = struct.iter_unpack("<B3xB3xII", content[446:510])
    entries = tuple(MbrEntry(*entry) for entry in fields)
    # The boot sector of a file system ends in the same two bytes; its code is no table.
    return entries if all(entry.status in (0, 0x80) for entry in entries) else None


def read_mbr(disk: DiskBytes) -> PartitionTable | None:
    """Returns the table, None where the disk has none that names a partition; blocks."""
    entries = read_entries(disk, 0)
    if entries is None or not any(entry.is_used for entry in entries):
        return None
    signature = f"{struct.unpack('<I', disk.read(440, 4))[0]:08x}"
    primary = [
        _partition(entry, number, signature)
        for number, entry in enumerate(entries, start=1)
        if entry.is_used
    ]
    extended = [entry for entry in entries if entry.is_used and entry.type in _EXTENDED]
    chains = [logical for entry in extended for logical in _logical(disk, entry.first)]
    logical = [
        _partition(entry, number, signature)
        for number, entry in enumerate(chains[:MOST_LOGICAL], start=_FIRST_LOGICAL)
    ]
    return PartitionTable(TableKind.MBR, SECTOR, signature, (*primary, *logical))


def is_extended(partition: Partition) -> bool:
    """Whether it only holds other partitions."""
    return partition.type in {f"0x{kind:02x}" for kind in _EXTENDED}


def _logical(disk: DiskBytes, first: int) -> Iterator[MbrEntry]:
    """Yields the logical partitions of an extended one that begins at this sector; their first
    sectors count from the disk's beginning."""
    record, seen = first, set[int]()
    while record not in seen and len(seen) < MOST_LOGICAL:
        seen.add(record)
        entries = read_entries(disk, record)
        if entries is None:
            return
        link = None
        for entry in entries[:2]:
            if entry.is_used and entry.type in _EXTENDED:
                link = entry
            elif entry.is_used:
                yield MbrEntry(entry.status, entry.type, record + entry.first, entry.sectors)
        if link is None:
            return
        record = first + link.first


def _partition(entry: MbrEntry, number: int, signature: str) -> Partition:
    return Partition(
        number=number,
        start=entry.first * SECTOR,
        size=entry.sectors * SECTOR,
        type=f"0x{entry.type:02x}",
        uuid=f"{signature}-{number:02x}",
        is_bootable=entry.status == 0x80,
    )
