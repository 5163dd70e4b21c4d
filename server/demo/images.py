"""The images of the simulated station: two traditional ones and one IDP artefact."""

import hashlib
import json
import random
import struct
from dataclasses import dataclass

from server.demo.tree import Tree

FOLDER = "/srv/rpi-sb-provisioner/images"
SECTOR = 512
MIB = 1 << 20
ARTEFACT = "deb13-arm64-min"
DESCRIPTOR = {
    "IGversion": "2.0.0",
    "IGmeta": {
        "IGconf_device_class": "cm5",
        "IGconf_device_storage_type": "emmc",
        "IGconf_device_sector_size": SECTOR,
        "IGconf_image_version": "2026-07-13",
    },
    "attributes": {"image-name": ARTEFACT, "image-size": "1G", "image-palign-bytes": 8 * MIB},
    "layout": {
        "partitiontable": {"label": "gpt"},
        "partitionimages": {
            "boot": {"simage": "boot.simg", "size": 65536},
            "root": {"simage": "root.simg", "size": 131072},
        },
        "provisionmap": [
            {"attributes": {"PMAPversion": "1.1.0", "system_type": "flat"}},
            {"partitions": [{"image": "boot", "static": {"role": "boot", "uuid": "ABCD-1234"}}]},
            {"partitions": [{"image": "root", "static": {"role": "system"}}]},
        ],
    },
}


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image in the store; `summary` is how the scripts name it in their rows."""

    path: str
    summary: str
    sha256: str


def make_images(tree: Tree) -> dict[str, StoredImage]:
    """Writes the images with their side files; returns them by what they are for."""
    return {
        "gold": _traditional(tree, "raspios-trixie-arm64.img", seed=1),
        "older": _traditional(tree, "raspios-bookworm-arm64.img", seed=2),
        "artefact": _artefact(tree),
    }


def _traditional(tree: Tree, name: str, *, seed: int) -> StoredImage:
    """A small disk: an MBR with a FAT and a Linux partition, their first sectors, and a hole."""
    noise = random.Random(seed).randbytes(SECTOR)
    boot, root, size = 2048, 6144, 8 * MIB
    table = _partition(0x0C, boot, root - boot) + _partition(0x83, root, size // SECTOR - root)
    mbr = bytes(446) + table + bytes(32) + b"\x55\xaa"
    content = bytearray(mbr.ljust(root * SECTOR + 2048, b"\0"))
    content[boot * SECTOR : boot * SECTOR + SECTOR] = _fat_start()
    content[root * SECTOR + 1024 + 56 : root * SECTOR + 1024 + 58] = b"\x53\xef"
    content[SECTOR : 2 * SECTOR] = noise
    real = tree.write(f"{FOLDER}/{name}", bytes(content), size=size)
    digest = hashlib.sha256(real.read_bytes()).hexdigest()
    tree.write(f"{FOLDER}/{name}.sha256", digest + "\n")
    return StoredImage(f"{FOLDER}/{name}", name, digest)


def _partition(kind: int, first: int, sectors: int) -> bytes:
    return struct.pack("<B3sB3sII", 0, b"\xfe\xff\xff", kind, b"\xfe\xff\xff", first, sectors)


def _fat_start() -> bytes:
    start = b"\xeb\x58\x90mkfs.fat".ljust(82, b"\0") + b"FAT32   "
    return start.ljust(SECTOR - 2, b"\0") + b"\x55\xaa"


def _artefact(tree: Tree) -> StoredImage:
    folder = f"{FOLDER}/{ARTEFACT}"
    tree.write(f"{folder}/image.json", json.dumps(DESCRIPTOR, indent=1) + "\n")
    for name, blocks in (("boot.simg", 16), ("root.simg", 32)):
        tree.write(f"{folder}/{name}", _sparse(blocks))
    digest = hashlib.sha256(json.dumps(DESCRIPTOR).encode()).hexdigest()
    tree.write(f"{folder}.sha256", digest + "\n")
    return StoredImage(folder, f"{ARTEFACT} v2026-07-13 (cm5/emmc)", digest)


def _sparse(blocks: int) -> bytes:
    """An Android sparse image: one chunk of raw blocks of 4 KiB."""
    chunk = struct.pack("<HHII", 0xCAC1, 0, blocks, 12 + 4096 * blocks)
    body = chunk + random.Random(blocks).randbytes(4096 * blocks)
    return struct.pack("<IHHHHIIII", 0xED26FF3A, 1, 0, 28, 12, 4096, blocks, 1, 0) + body
