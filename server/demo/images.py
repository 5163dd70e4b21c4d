"""The image store: two traditional disk images, one IDP artefact, and their sidecars (contract
images sections 0.3, 7)."""

import hashlib
import random
import struct
from dataclasses import dataclass
from pathlib import Path

from server.demo.artefacts import build_artefact
from server.demo.tree import Tree

STORE = "/srv/rpi-sb-provisioner/images"
SECTOR = 512
_BOOT_START, _BOOT_SECTORS = 2048, 8192
_ROOT_START = _BOOT_START + _BOOT_SECTORS
_RESERVED, _FAT_SECTORS, _ROOT_ENTRIES = 4, 32, 512
_FILE_DATE = (2026 - 1980) << 9 | 7 << 5 | 13


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image of the store.

    `summary` is the text that state rows and manufacturing records carry (contract devices
    section 3); `sha256` is what its sidecar says.
    """

    path: str
    summary: str
    sha256: str


def build_images(tree: Tree, *, seed: int) -> dict[str, StoredImage]:
    """Makes the store; returns its images by the part they play: gold, older, artefact."""
    tree.folder(STORE)
    return {
        "gold": _disk(tree, "raspios-trixie-arm64-lite.img", seed=seed, root_mebibytes=3),
        "older": _disk(tree, "raspios-bookworm-arm64-lite.img", seed=seed, root_mebibytes=1),
        "artefact": _artefact(tree, seed=seed),
    }


def _artefact(tree: Tree, *, seed: int) -> StoredImage:
    built = build_artefact(tree, STORE, seed=seed)
    path = f"{STORE}/{built.name}"
    tree.write(f"{path}.sha256", built.archive_sha256 + "\n")
    return StoredImage(path, built.summary, built.archive_sha256)


def _disk(tree: Tree, name: str, *, seed: int, root_mebibytes: int) -> StoredImage:
    chance = random.Random(f"{seed}/image/{name}")
    root_sectors = root_mebibytes * 2048
    path = f"{STORE}/{name}"
    pieces = {
        0: _partition_table(chance.getrandbits(32), root_sectors),
        _BOOT_START: _fat16(chance.getrandbits(32)),
        _ROOT_START + 2: _ext4_superblock(root_sectors, chance.randbytes(16)),
        _ROOT_START + 64: chance.randbytes(65536),
    }
    real = tree.write(path, b"", size=(_ROOT_START + root_sectors) * SECTOR)
    _fill(real, pieces)
    tree.settle(real, mode=0o644)
    with real.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    tree.write(f"{path}.sha256", sha256 + "\n")
    return StoredImage(path, name, sha256)


def _fill(real: Path, pieces: dict[int, bytes]) -> None:
    with real.open("r+b") as file:
        for sector, content in pieces.items():
            file.seek(sector * SECTOR)
            file.write(content)


def _partition_table(signature: int, root_sectors: int) -> bytes:
    """A master boot record: a FAT16 (0x0e) and a Linux (0x83) partition, LBA only."""
    unused = b"\xfe\xff\xff"
    boot = struct.pack("<B3sB3sII", 0, unused, 0x0E, unused, _BOOT_START, _BOOT_SECTORS)
    root = struct.pack("<B3sB3sII", 0, unused, 0x83, unused, _ROOT_START, root_sectors)
    return bytes(440) + struct.pack("<IH", signature, 0) + boot + root + bytes(32) + b"\x55\xaa"


def _fat16(volume_id: int) -> bytes:
    """The used head of a FAT16 file system that holds config.txt and cmdline.txt."""
    files = {
        b"CONFIG  TXT": b"arm_64bit=1\nauto_initramfs=1\n",
        b"CMDLINE TXT": b"console=serial0,115200 root=/dev/mmcblk0p2 rootfstype=ext4 rootwait\n",
    }
    table = struct.pack("<HH", 0xFFF8, 0xFFFF) + b"\xff\xff" * len(files)
    folder = _entry(b"bootfs     ", attributes=0x08, cluster=0, size=0)
    for cluster, (name, content) in enumerate(files.items(), start=2):
        folder += _entry(name, attributes=0x20, cluster=cluster, size=len(content))
    tables = table.ljust(_FAT_SECTORS * SECTOR, b"\0") * 2
    clusters = b"".join(content.ljust(SECTOR, b"\0") for content in files.values())
    head = _fat16_boot_sector(volume_id).ljust(_RESERVED * SECTOR, b"\0")
    return head + tables + folder.ljust(_ROOT_ENTRIES * 32, b"\0") + clusters


def _fat16_boot_sector(volume_id: int) -> bytes:
    numbers = (SECTOR, 1, _RESERVED, 2, _ROOT_ENTRIES, _BOOT_SECTORS, 0xF8, _FAT_SECTORS, 63, 255)
    parameters = struct.pack("<HBHBHHBHHH", *numbers) + struct.pack("<II", _BOOT_START, 0)
    name = struct.pack("<BBBI11s8s", 0x80, 0, 0x29, volume_id, b"bootfs     ", b"FAT16   ")
    sector = b"\xeb\x3c\x90mkfs.fat" + parameters + name
    return sector.ljust(510, b"\0") + b"\x55\xaa"


def _entry(name: bytes, *, attributes: int, cluster: int, size: int) -> bytes:
    # 0x18 in the third place: name and extension are shown in lower case.
    dates = (0, 0, _FILE_DATE, _FILE_DATE, 0, 0, _FILE_DATE)
    case = 0x18 if cluster else 0
    return struct.pack("<11sBBBHHHHHHHI", name, attributes, case, *dates, cluster, size)


def _ext4_superblock(sectors: int, uuid: bytes) -> bytes:
    """The superblock alone, 1 KiB blocks: enough to tell what the partition is."""
    block = bytearray(1024)
    struct.pack_into("<IIIIIII", block, 0, 256, sectors // 2, 0, sectors // 4, 245, 1, 0)
    struct.pack_into("<III", block, 0x20, 8192, 8192, 256)
    struct.pack_into("<HH", block, 0x38, 0xEF53, 1)
    struct.pack_into("<I", block, 0x4C, 1)
    struct.pack_into("<IH", block, 0x54, 11, 256)
    struct.pack_into("<I", block, 0x60, 0x0042)  # file types in folders, extents
    block[0x68:0x78] = uuid
    block[0x78:0x7E] = b"rootfs"
    return bytes(block)
