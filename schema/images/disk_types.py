"""What a traditional image holds, as GraphQL clients see it."""

import strawberry

from domain.images import disks as domain
from domain.images.disk_faults import DiskFaultKind
from domain.images.disks import Contents
from domain.images.file_systems import FileSystem, FileSystemKind
from domain.images.partitions import TableKind
from schema.enums import describe_enum
from schema.scalars import Long

describe_enum(
    TableKind,
    name="PartitionTableKind",
    description="How a disk names its partitions.",
    values={
        TableKind.MBR: "A master boot record, with logical partitions behind it.",
        TableKind.GPT: "A GUID partition table.",
    },
)
describe_enum(
    Contents,
    name="DiskContents",
    description="What the file of a traditional image is.",
    values={
        Contents.DISK: "A disk with a partition table.",
        Contents.FILE_SYSTEM: "One file system without a partition table.",
        Contents.SPARSE: "An Android sparse image; it must be unpacked before it is written.",
        Contents.COMPRESSED: "A packed file; it must be unpacked before it is written.",
        Contents.EMPTY: "Zeros where a disk begins.",
        Contents.UNKNOWN: "Nothing that is known here.",
    },
)
describe_enum(
    FileSystemKind,
    description="What a partition holds.",
    values={
        FileSystemKind.FAT12: "FAT with 12 bits.",
        FileSystemKind.FAT16: "FAT with 16 bits.",
        FileSystemKind.FAT32: "FAT with 32 bits.",
        FileSystemKind.EXFAT: "exFAT.",
        FileSystemKind.NTFS: "NTFS.",
        FileSystemKind.EXT2: "ext2.",
        FileSystemKind.EXT3: "ext3.",
        FileSystemKind.EXT4: "ext4.",
        FileSystemKind.BTRFS: "Btrfs.",
        FileSystemKind.F2FS: "F2FS.",
        FileSystemKind.XFS: "XFS.",
        FileSystemKind.SQUASHFS: "SquashFS, read-only.",
        FileSystemKind.EROFS: "EROFS, read-only.",
        FileSystemKind.ISO9660: "The file system of optical discs.",
        FileSystemKind.SWAP: "Swap space of Linux.",
        FileSystemKind.LUKS1: "An encrypted container, LUKS version 1.",
        FileSystemKind.LUKS2: "An encrypted container, LUKS version 2.",
        FileSystemKind.LVM: "A physical volume of LVM.",
        FileSystemKind.EMPTY: "Zeros at its beginning.",
        FileSystemKind.UNKNOWN: "Nothing that is known here, or only other partitions.",
    },
)
describe_enum(
    DiskFaultKind,
    description="What speaks against writing a traditional image to a board.",
    values={
        DiskFaultKind.SIZE: "The size is no multiple of 512 bytes.",
        DiskFaultKind.NO_TABLE: "There is no partition table.",
        DiskFaultKind.TABLE_DAMAGED: "The partition table is damaged; Linux finds no partitions, "
        "also where its copy is whole.",
        DiskFaultKind.COPY_DAMAGED: "The copy of the partition table is damaged; Linux does not "
        "need it.",
        DiskFaultKind.NOT_ANNOUNCED: "The boot record does not announce the partition table; "
        "Linux finds no partitions.",
        DiskFaultKind.CUT_OFF: "The image ends before the copy of its partition table, or before "
        "the one file system that it is.",
        DiskFaultKind.OUTSIDE: "A partition ends behind the image's end, and so does its file "
        "system, or nothing tells where that ends.",
        DiskFaultKind.UNFILLED: "A partition ends behind the image's end, its file system before "
        "it: nothing is missing.",
        DiskFaultKind.OVERLAP: "Two partitions lie on the same bytes.",
        DiskFaultKind.FILE_SYSTEM_TOO_LARGE: "A file system is larger than its partition.",
        DiskFaultKind.NO_BOOT: "No partition has what a Raspberry Pi boots.",
        DiskFaultKind.NO_ROOT: "No partition has a file system that Linux has its root in.",
    },
)


@strawberry.type(description="One thing that is wrong with a traditional image.")
class DiskFault:
    """A fault."""

    kind: DiskFaultKind = strawberry.field(description="What is wrong.")
    sentence: str = strawberry.field(description="Which one, and how.")


@strawberry.type(description="One partition of a traditional image.")
class DiskPartition:
    """A partition."""

    number: int = strawberry.field(description="Linux's number; logical ones begin at 5.")
    start_bytes: Long = strawberry.field(description="Where it begins in the image.")
    size_bytes: Long = strawberry.field(description="How large it is.")
    type: str = strawberry.field(description="Its type: such as 0x0c in an MBR, a GUID in a GPT.")
    uuid: str = strawberry.field(description="Its PARTUUID, as `root=PARTUUID=` names it.")
    table_label: str | None = strawberry.field(
        description="Its name in the partition table; null where it has none."
    )
    is_bootable: bool = strawberry.field(description="Whether the table marks it as bootable.")
    file_system: FileSystemKind = strawberry.field(description="What it holds.")
    label: str | None = strawberry.field(
        description="The file system's label; null where it has none, or none is read of its kind."
    )
    file_system_uuid: str | None = strawberry.field(
        description="The file system's UUID; null where none is read of its kind."
    )
    file_system_bytes: Long | None = strawberry.field(
        description="How large the file system says it is; null where it is not read of its kind."
    )
    root_names: list[str] = strawberry.field(
        description="The names in the root folder of a FAT file system; empty for all others."
    )


@strawberry.type(description="What a traditional image holds.")
class DiskAnalysis:
    """The contents of a traditional image."""

    contents: Contents = strawberry.field(description="What the file is.")
    size_bytes: Long = strawberry.field(description="The file's size.")
    is_multiple_of_512: bool = strawberry.field(
        description="Whether the size is a whole number of sectors of 512 bytes."
    )
    needed_bytes: Long = strawberry.field(description="How large a board's storage must be for it.")
    table: TableKind | None = strawberry.field(
        description="Its kind of partition table; null where it has none."
    )
    sector_size: int | None = strawberry.field(
        description="Bytes of a sector in the table; null where there is none."
    )
    disk_id: str | None = strawberry.field(
        description="The disk's signature or GUID; null where there is no table."
    )
    partitions: list[DiskPartition] = strawberry.field(description="Its partitions, by number.")
    whole_file_system: FileSystemKind | None = strawberry.field(
        description="What begins at its first byte; null where it has a partition table."
    )
    boot: DiskPartition | None = strawberry.field(
        description="The first partition that a Raspberry Pi boots from; null where none is."
    )
    root: DiskPartition | None = strawberry.field(
        description="The first partition that a Linux system can be in; null where none is."
    )
    faults: list[DiskFault] = strawberry.field(
        description="What speaks against writing it to a board, or is to be known before; empty "
        "when nothing is."
    )


def disk_of(disk: domain.Disk) -> DiskAnalysis:
    """Returns the contents of a traditional image as clients see them."""
    table = disk.table
    return DiskAnalysis(
        contents=disk.contents,
        size_bytes=Long(disk.size_bytes),
        is_multiple_of_512=disk.is_whole_sectors,
        needed_bytes=Long(disk.needed_bytes),
        table=table.kind if table else None,
        sector_size=table.sector_size if table else None,
        disk_id=(table.identifier or None) if table else None,
        partitions=[_partition(one) for one in disk.partitions],
        whole_file_system=disk.whole.kind if disk.whole else None,
        boot=_partition(disk.boot) if disk.boot else None,
        root=_partition(disk.root) if disk.root else None,
        faults=[DiskFault(kind=one.kind, sentence=one.sentence) for one in disk.faults],
    )


def _partition(one: domain.DiskPartition) -> DiskPartition:
    partition, holds = one.partition, one.file_system
    return DiskPartition(
        number=partition.number,
        start_bytes=Long(partition.start),
        size_bytes=Long(partition.size),
        type=partition.type,
        uuid=partition.uuid,
        table_label=partition.label,
        is_bootable=partition.is_bootable,
        file_system=holds.kind,
        label=holds.label,
        file_system_uuid=holds.uuid,
        file_system_bytes=_bytes(holds),
        root_names=list(holds.names),
    )


def _bytes(holds: FileSystem) -> Long | None:
    return None if holds.size_bytes is None else Long(holds.size_bytes)
