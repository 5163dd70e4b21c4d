"""Traditional images made with real tools, damaged ones, and any bytes at all (contract images 6,
Beyond 7)."""

import os
import random
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.images.disk_faults import DiskFaultKind
from domain.images.disks import Contents, Disk, analyse_disk
from domain.images.file_systems import FileSystemKind
from domain.images.partitions import TableKind
from tests.domain.images.disk_files import (
    BOOT,
    MIB,
    ROOT,
    Area,
    bootable,
    copy_into,
    needs,
    partitioned,
    put_boot_files,
    run,
    spoil,
    unfilled,
)

tools = needs("sfdisk", "mkfs.ext4", "mkfs.vfat", "mcopy")


def analysed(path: Path) -> Disk:
    handle = os.open(path, os.O_RDONLY)
    try:
        return analyse_disk(handle)
    finally:
        os.close(handle)


def faults(disk: Disk) -> set[DiskFaultKind]:
    return {fault.kind for fault in disk.faults}


@tools
@pytest.mark.parametrize(("label", "kind"), [("dos", TableKind.MBR), ("gpt", TableKind.GPT)])
def test_a_whole_disk_has_boot_and_root_and_no_fault(
    tmp_path: Path, label: str, kind: TableKind
) -> None:
    disk = analysed(bootable(tmp_path, label=label))
    assert (disk.contents, disk.faults) == (Contents.DISK, ())
    assert disk.table is not None
    assert (disk.table.kind, disk.table.sector_size) == (kind, 512)
    assert [(p.partition.number, p.partition.start, p.partition.size) for p in disk.partitions] == [
        (1, BOOT.start * MIB, BOOT.size * MIB),
        (2, ROOT.start * MIB, ROOT.size * MIB),
    ]
    assert disk.boot is not None
    assert disk.root is not None
    assert (disk.boot.file_system.kind, disk.boot.file_system.label) == (
        FileSystemKind.FAT32,
        "BOOTFS",
    )
    assert disk.boot.file_system.names == ("config.txt", "cmdline.txt", "kernel_2712.img")
    assert (disk.root.file_system.kind, disk.root.file_system.label) == (
        FileSystemKind.EXT4,
        "rootfs",
    )
    assert disk.root.file_system.size_bytes == ROOT.size * MIB
    assert disk.needed_bytes == disk.size_bytes == 64 * MIB


@tools
@pytest.mark.parametrize("label", ["dos", "gpt"])
def test_identifiers_are_those_that_sfdisk_tells(tmp_path: Path, label: str) -> None:
    path = bootable(tmp_path, label=label)
    disk = analysed(path)
    assert disk.table is not None
    told = _dump(path)
    identifier = disk.table.identifier
    assert told["label-id"].lower().removeprefix("0x") == identifier
    if label == "gpt":
        uuids = [one.partition.uuid for one in disk.partitions]
        assert all(uuid in told["all"].lower() for uuid in uuids)
        types = [one.partition.type for one in disk.partitions]
        assert all(kind in told["all"].lower() for kind in types)
    else:
        assert disk.partitions[1].partition.uuid == f"{identifier}-02"


def _dump(path: Path) -> dict[str, str]:
    text = run("sfdisk", "-d", path)
    lines = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    return lines | {"all": text}


@tools
def test_logical_partitions_are_found(tmp_path: Path) -> None:
    areas = (
        Area(1, 8, "c", "vfat -F 16 -s 1"),
        Area(10, 50, "5"),
        Area(11, 8, "83", "ext4 -q"),
        Area(20, 8, "83", "ext2 -q"),
        Area(30, 8, "82"),
    )
    disk = analysed(partitioned(tmp_path / "disk.img", *areas))
    assert [(one.partition.number, one.file_system.kind) for one in disk.partitions] == [
        (1, FileSystemKind.FAT16),
        (2, FileSystemKind.UNKNOWN),
        (5, FileSystemKind.EXT4),
        (6, FileSystemKind.EXT2),
        (7, FileSystemKind.EMPTY),
    ]
    assert faults(disk) == {DiskFaultKind.NO_BOOT}


@tools
def test_a_fat_without_boot_files_is_no_boot_partition(tmp_path: Path) -> None:
    path = partitioned(tmp_path / "disk.img", Area(1, 4, "e", "vfat -F 12"), ROOT)
    put_boot_files(path, tmp_path, "readme.txt")
    disk = analysed(path)
    assert (disk.boot, faults(disk)) == (None, {DiskFaultKind.NO_BOOT})
    assert disk.partitions[0].file_system.names == ("readme.txt",)


@tools
def test_a_disk_that_was_cut_off_says_so(tmp_path: Path) -> None:
    path = bootable(tmp_path)
    os.truncate(path, 45 * MIB + 100)
    disk = analysed(path)
    assert faults(disk) == {DiskFaultKind.SIZE, DiskFaultKind.OUTSIDE}
    assert (disk.is_whole_sectors, disk.needed_bytes) == (False, 49 * MIB)
    assert "Partition 2 ends at byte" in disk.faults[1].sentence


@needs("sfdisk", "mkfs.vfat", "mcopy", "mksquashfs")
def test_a_partition_larger_than_its_file_system_may_end_behind_the_image(tmp_path: Path) -> None:
    path = unfilled(tmp_path)
    disk = analysed(path)
    assert faults(disk) == {DiskFaultKind.UNFILLED}
    assert "its squashfs file system is there as a whole" in disk.faults[0].sentence
    assert disk.needed_bytes == 61 * MIB
    os.truncate(path, 41 * MIB + 256 * 1024)
    assert faults(analysed(path)) == {DiskFaultKind.OUTSIDE}


@tools
def test_a_partition_of_which_nobody_knows_what_it_needs_was_cut_off(tmp_path: Path) -> None:
    path = bootable(tmp_path)
    with path.open("r+b") as file:
        file.seek(41 * MIB)
        file.write(b"LUKS\xba\xbe\x00\x02" + bytes(4096))
    os.truncate(path, 45 * MIB)
    assert faults(analysed(path)) == {DiskFaultKind.OUTSIDE}


@tools
def test_a_cut_gpt_misses_its_copy(tmp_path: Path) -> None:
    path = bootable(tmp_path, label="gpt")
    os.truncate(path, 60 * MIB)
    disk = analysed(path)
    assert faults(disk) == {DiskFaultKind.CUT_OFF}
    assert f"byte {64 * MIB}, the image at {60 * MIB}" in disk.faults[0].sentence


@tools
def test_a_gpt_with_other_bytes_behind_it_is_whole(tmp_path: Path) -> None:
    path = bootable(tmp_path, label="gpt")
    os.truncate(path, 70 * MIB)
    assert analysed(path).faults == ()


@tools
@pytest.mark.parametrize("at", [64 * MIB - 512 + 60, 64 * MIB - 33 * 512 + 60])
def test_a_gpt_whose_copy_is_spoilt_is_neither_cut_off_nor_lost(tmp_path: Path, at: int) -> None:
    path = bootable(tmp_path, label="gpt")
    spoil(path, at)
    disk = analysed(path)
    assert faults(disk) == {DiskFaultKind.COPY_DAMAGED}
    assert [one.partition.number for one in disk.partitions] == [1, 2]


@tools
def test_a_gpt_with_a_hybrid_boot_record_is_whole(tmp_path: Path) -> None:
    path = bootable(tmp_path, label="gpt")
    with path.open("r+b") as file:
        # Behind the protective entry one for the boot partition, as Raspberry Pi 3 wants it.
        file.seek(446 + 16)
        file.write(struct.pack("<B3xB3xII", 0, 0x0C, 2048, 40 * 2048))
    disk = analysed(path)
    assert disk.faults == ()
    assert disk.table is not None
    assert disk.table.kind is TableKind.GPT


@tools
@pytest.mark.parametrize(
    ("first", "copy"), [(512 + 60, 64 * MIB - 512 + 60), (1024 + 60, 64 * MIB - 33 * 512 + 60)]
)
def test_a_damaged_gpt_is_shown_from_its_copy(tmp_path: Path, first: int, copy: int) -> None:
    path = bootable(tmp_path, label="gpt")
    spoil(path, first)
    disk = analysed(path)
    assert [one.partition.number for one in disk.partitions] == [1, 2]
    assert faults(disk) == {DiskFaultKind.TABLE_DAMAGED}
    assert "it ignores the copy" in disk.faults[0].sentence
    spoil(path, copy)
    disk = analysed(path)
    assert disk.partitions == ()
    assert DiskFaultKind.TABLE_DAMAGED in faults(disk)
    assert "its copy are damaged" in disk.faults[0].sentence


@tools
@pytest.mark.parametrize(("at", "content"), [(0, bytes(512)), (446 + 8, b"\2")])
def test_a_gpt_that_no_boot_record_announces_is_told(
    tmp_path: Path, at: int, content: bytes
) -> None:
    path = bootable(tmp_path, label="gpt")
    with path.open("r+b") as file:
        # Zeros, or a protective entry that does not begin at sector 1.
        file.seek(at)
        file.write(content)
    disk = analysed(path)
    assert [one.partition.number for one in disk.partitions] == [1, 2]
    assert faults(disk) == {DiskFaultKind.NOT_ANNOUNCED}
    spoil(path, 512 + 60)
    assert faults(analysed(path)) == {DiskFaultKind.TABLE_DAMAGED, DiskFaultKind.NOT_ANNOUNCED}


@tools
def test_a_file_system_larger_than_its_partition_is_told(tmp_path: Path) -> None:
    path = bootable(tmp_path)
    with path.open("r+b") as file:
        file.seek(41 * MIB + 1024 + 4)
        file.write(struct.pack("<I", 1 << 20))
    assert DiskFaultKind.FILE_SYSTEM_TOO_LARGE in faults(analysed(path))


@tools
def test_overlapping_partitions_are_told(tmp_path: Path) -> None:
    path = bootable(tmp_path)
    with path.open("r+b") as file:
        file.seek(446 + 16 + 8)
        file.write(struct.pack("<I", 4096))
    disk = analysed(path)
    assert DiskFaultKind.OVERLAP in faults(disk)
    assert "Partitions 1 and 2" in next(
        one.sentence for one in disk.faults if one.kind is DiskFaultKind.OVERLAP
    )


@tools
@pytest.mark.parametrize("kind", ["vfat -F 32 -n WHOLE", "ext4 -q"])
def test_a_file_system_alone_is_no_disk(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "fs.img"
    path.touch()
    os.truncate(path, 40 * MIB)
    maker, *options = kind.split()
    run(f"mkfs.{maker}", *options, path)
    disk = analysed(path)
    assert (disk.contents, disk.table) == (Contents.FILE_SYSTEM, None)
    assert faults(disk) == {DiskFaultKind.NO_TABLE}
    os.truncate(path, 30 * MIB)
    assert faults(analysed(path)) == {DiskFaultKind.NO_TABLE, DiskFaultKind.CUT_OFF}
    os.truncate(path, 41 * MIB + 3)
    assert DiskFaultKind.CUT_OFF not in faults(analysed(path))


@needs("sfdisk", "mkfs.vfat", "mcopy", "mksquashfs")
def test_a_squashfs_is_a_root(tmp_path: Path) -> None:
    path = partitioned(tmp_path / "disk.img", BOOT, Area(41, 8, "83"))
    (tmp_path / "tree").mkdir()
    run("mksquashfs", tmp_path / "tree", tmp_path / "root.squashfs", "-quiet")
    copy_into(path, tmp_path / "root.squashfs", at=41 * MIB)
    disk = analysed(path)
    assert disk.root is not None
    assert disk.root.file_system.kind is FileSystemKind.SQUASHFS


@pytest.mark.parametrize(
    ("head", "contents"),
    [
        (b"", Contents.EMPTY),
        (bytes(4096), Contents.EMPTY),
        (b"\xfd7zXZ\0", Contents.COMPRESSED),
        (b"\x3a\xff\x26\xed", Contents.SPARSE),
        (b"hello", Contents.UNKNOWN),
    ],
)
def test_what_is_no_disk_says_what_it_is(tmp_path: Path, head: bytes, contents: Contents) -> None:
    path = tmp_path / "x.img"
    path.write_bytes(head)
    disk = analysed(path)
    assert disk.contents is contents
    assert DiskFaultKind.NO_TABLE in faults(disk)
    assert (disk.boot, disk.root, disk.partitions) == (None, None, ())


def test_a_chain_of_logical_partitions_that_leads_in_a_circle_ends(tmp_path: Path) -> None:
    path = tmp_path / "circle.img"
    entry = struct.pack("<B3xB3xII", 0, 5, 1, 8)
    logical = struct.pack("<B3xB3xII", 0, 0x83, 1, 4)
    first = bytes(446) + entry + bytes(48) + b"\x55\xaa"
    again = struct.pack("<B3xB3xII", 0, 5, 0, 8)
    path.write_bytes(first + bytes(446) + logical + again + bytes(32) + b"\x55\xaa" + bytes(8192))
    disk = analysed(path)
    assert [one.partition.number for one in disk.partitions] == [1, 5]


@pytest.fixture(scope="module")
def real_heads(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The beginnings of real disks, to be damaged."""
    heads = []
    for label in ("dos", "gpt"):
        folder = tmp_path_factory.mktemp(label)
        heads.append(bootable(folder, label=label).read_bytes()[: 2 * MIB])
    return heads


@tools
def test_no_damage_of_a_real_disk_breaks_the_analysis(
    real_heads: list[bytes], tmp_path: Path
) -> None:
    chance = random.Random(7)
    path = tmp_path / "damaged.img"
    for number in range(200):
        head = bytearray(chance.choice(real_heads))
        for place in _places(chance):
            head[place] = chance.randrange(256)
        path.write_bytes(head[: chance.choice([512, 1024, 34 * 512, MIB + 512, 2 * MIB])])
        if number % 2:
            os.truncate(path, 64 * MIB)
        disk = analysed(path)
        assert len(disk.partitions) <= 128


def _places(chance: random.Random) -> Iterator[int]:
    for _ in range(chance.randrange(1, 12)):
        # Tables and the boot sector of the FAT: where every byte means something.
        yield chance.choice([440, 512, 1024, MIB, MIB + 512]) + chance.randrange(128)


@settings(max_examples=200, deadline=None)
@given(content=st.binary(max_size=4096), at=st.integers(0, 2 * 10**5))
def test_any_bytes_can_be_analysed(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.img"
    with path.open("wb") as file:
        file.seek(at)
        file.write(content)
    disk = analysed(path)
    assert disk.size_bytes == (at + len(content) if content else 0)
