"""The sizes that superblocks tell, and images that hold less than that."""

import os
import struct
from pathlib import Path

import pytest

from domain.images.disk_bytes import DiskBytes
from domain.images.disk_faults import DiskFaultKind
from domain.images.disks import analyse_disk
from domain.images.file_systems import FileSystem, FileSystemKind, identify
from tests.domain.images.disk_files import MIB, needs, run

SIZE = 300 * MIB
"""What each of the superblocks below tells."""
SUPERBLOCKS = {
    FileSystemKind.SQUASHFS: {0: b"hsqs", 28: struct.pack("<H", 4), 40: struct.pack("<Q", SIZE)},
    FileSystemKind.XFS: {0: struct.pack(">4sIQ", b"XFSB", 4096, SIZE >> 12)},
    FileSystemKind.EROFS: {
        1024: b"\xe2\xe1\xf5\xe0",
        1024 + 12: b"\x0c",
        1024 + 36: struct.pack("<I", SIZE >> 12),
    },
    FileSystemKind.F2FS: {
        1024: b"\x10\x20\xf5\xf2",
        1024 + 16: struct.pack("<I", 12),
        1024 + 36: struct.pack("<Q", SIZE >> 12),
    },
    FileSystemKind.BTRFS: {
        0x10040: b"_BHRfS_M",
        # Of all its devices together, and of this one.
        0x10070: struct.pack("<Q", 2 * SIZE),
        0x100D1: struct.pack("<Q", SIZE),
    },
}


def written(path: Path, pieces: dict[int, bytes], *, size: int = SIZE) -> Path:
    with path.open("wb") as file:
        for at, content in pieces.items():
            file.seek(at)
            file.write(content)
        file.truncate(size)
    return path


def identified(path: Path) -> FileSystem:
    with path.open("rb") as file:
        return identify(DiskBytes.of(file.fileno()), 0)


def faults(path: Path) -> set[DiskFaultKind]:
    with path.open("rb") as file:
        return {fault.kind for fault in analyse_disk(file.fileno()).faults}


@pytest.mark.parametrize("kind", list(SUPERBLOCKS))
def test_a_file_system_tells_its_size_and_whether_it_was_cut(
    tmp_path: Path, kind: FileSystemKind
) -> None:
    path = written(tmp_path / "fs.img", SUPERBLOCKS[kind])
    assert identified(path) == FileSystem(kind, size_bytes=SIZE)
    assert faults(path) == {DiskFaultKind.NO_TABLE}
    os.truncate(path, SIZE - 512)
    assert faults(path) == {DiskFaultKind.NO_TABLE, DiskFaultKind.CUT_OFF}


NO_SIZES = {
    "squashfs 3": {0: b"hsqs", 28: struct.pack("<H", 3), 40: struct.pack("<Q", SIZE)},
    "zero": {0: b"XFSB"},
    "absurd": {0: b"XFSB" + b"\xff" * 12},
    "blocks of no size": {1024: b"\x10\x20\xf5\xf2", 1024 + 16: b"\xff" * 28},
}


@pytest.mark.parametrize("pieces", NO_SIZES.values(), ids=NO_SIZES)
def test_what_can_be_no_size_is_none(tmp_path: Path, pieces: dict[int, bytes]) -> None:
    path = written(tmp_path / "fs.img", pieces, size=MIB)
    assert identified(path).size_bytes is None


@needs("mksquashfs")
def test_a_squashfs_may_be_padded_and_may_not_be_cut(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/a").write_bytes(os.urandom(20_000))
    path = tmp_path / "root.img"
    run("mksquashfs", tmp_path / "tree", path, "-quiet")
    used = identified(path).size_bytes
    assert used is not None
    assert 20_000 < used < path.stat().st_size
    assert faults(path) == {DiskFaultKind.NO_TABLE}
    os.truncate(path, 16_384)
    assert faults(path) == {DiskFaultKind.NO_TABLE, DiskFaultKind.CUT_OFF}
