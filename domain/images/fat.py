"""FAT file systems: which of the three it is, and what lies in its root folder (Microsoft's FAT
specification 1.03)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from domain.images.disk_bytes import DiskBytes

MOST_NAMES = 512
"""So many names of the root folder are read; boot partitions have about 60."""
MOST_BYTES = 1 << 20
"""So much of the root folder is read."""
_ENTRY = 32
_LONG_NAME, _VOLUME, _DELETED = 0x0F, 0x08, 0xE5
_END_OF_CHAIN = 0x0FFFFFF8


@dataclass(frozen=True, slots=True)
class Fat:
    """Where the parts of a FAT file system are; all in bytes from the disk's beginning.

    `bits` is 12, 16 or 32; `root_cluster` counts only where it is 32, `root` where it is not.
    """

    bits: int
    size: int
    cluster: int
    table: int
    root: int
    root_length: int
    data: int
    root_cluster: int
    label: str | None
    uuid: str


def find_fat(disk: DiskBytes, start: int) -> Fat | None:
    """Returns the FAT file system that begins at this byte, None where there is none; blocks."""
    head = disk.read(start, 512)
    sector, per_cluster, reserved, tables, root_entries, few, _, short = struct.unpack_from(
        "<HBHBHHBH", head, 11
    )
    many, long = struct.unpack_from("<II", head, 32)
    total, table = few or many, short or long
    is_power = per_cluster and per_cluster & (per_cluster - 1) == 0
    if head[0] not in (0xE9, 0xEB) or sector not in (512, 1024, 2048, 4096) or not is_power:
        return None
    if not (reserved and tables in (1, 2) and total and table):
        return None
    root = reserved + tables * table
    data = root + -(-root_entries * _ENTRY // sector)
    clusters = (total - data) // per_cluster
    if clusters < 1 or (short == 0) != (root_entries == 0):
        return None
    bits = 32 if short == 0 else 12 if clusters < 4085 else 16
    extended = 64 if bits == 32 else 36
    return Fat(
        bits=bits,
        size=total * sector,
        cluster=per_cluster * sector,
        table=start + reserved * sector,
        root=start + root * sector,
        root_length=root_entries * _ENTRY,
        data=start + data * sector,
        root_cluster=struct.unpack_from("<I", head, 44)[0],
        label=_label(head[extended + 7 : extended + 18]),
        uuid="{1:04X}-{0:04X}".format(*struct.unpack_from("<HH", head, extended + 3)),
    )


def _label(content: bytes) -> str | None:
    label = content.decode("ascii", "replace").strip()
    return label if label not in ("", "NO NAME") else None


def root_names(disk: DiskBytes, fat: Fat) -> tuple[str, ...]:
    """Returns the names in the root folder, long ones where there are; blocks."""
    names, long = list[str](), dict[int, str]()
    for entry in _entries(disk, fat):
        if entry[0] == 0 or len(names) == MOST_NAMES:
            break
        attributes = entry[11]
        if entry[0] == _DELETED:
            long = {}
        elif attributes & 0x3F == _LONG_NAME:
            piece = entry[1:11] + entry[14:26] + entry[28:32]
            long[entry[0] & 0x3F] = piece.decode("utf-16-le", "replace")
        else:
            if not attributes & _VOLUME:
                names.append(_joined(long) or _short(entry))
            long = {}
    return tuple(names)


def _joined(pieces: dict[int, str]) -> str:
    return "".join(pieces[place] for place in sorted(pieces)).partition("\0")[0]


def _short(entry: bytes) -> str:
    name, suffix = (
        entry[part].decode("ascii", "replace").strip() for part in (slice(8), slice(8, 11))
    )
    # Windows NT keeps here which half is meant in lower case.
    name = name.lower() if entry[12] & 0x08 else name
    suffix = suffix.lower() if entry[12] & 0x10 else suffix
    return f"{name}.{suffix}" if suffix else name


def _entries(disk: DiskBytes, fat: Fat) -> Iterator[bytes]:
    for content in _pieces(disk, fat):
        for place in range(0, len(content) - _ENTRY + 1, _ENTRY):
            yield content[place : place + _ENTRY]


def _pieces(disk: DiskBytes, fat: Fat) -> Iterator[bytes]:
    if fat.bits != 32:
        yield disk.read(fat.root, min(fat.root_length, MOST_BYTES))
        return
    cluster, seen = fat.root_cluster & 0x0FFFFFFF, set[int]()
    while 2 <= cluster < _END_OF_CHAIN and cluster not in seen:
        if len(seen) * fat.cluster >= MOST_BYTES:
            return
        seen.add(cluster)
        yield disk.read(fat.data + (cluster - 2) * fat.cluster, fat.cluster)
        link = disk.read(fat.table + cluster * 4, 4)
        cluster = struct.unpack("<I", link)[0] & 0x0FFFFFFF
