"""The IDP artefact: a descriptor and the Android sparse images it names (contract images
sections 6.2, 6.3)."""

import hashlib
import io
import json
import random
import struct
import tarfile
from dataclasses import dataclass

from server.demo.tree import Tree

NAME = "deb13-arm64-min-luks2"
VERSION = "2026-07-13"
BLOCK = 4096
_LUKS2 = {
    "key_size": 512,
    "cipher": "aes-xts-plain64",
    "hash": "sha256",
    "label": "root_crypt",
    "mname": "cryptroot",
    "etype": "raw",
}
DESCRIPTOR = {
    "IGversion": "2.0.0",
    "IGmeta": {
        "IGconf_device_class": "cm5",
        "IGconf_device_variant": "none",
        "IGconf_device_storage_type": "emmc",
        "IGconf_device_sector_size": 512,
        "IGconf_image_version": VERSION,
        "IGconf_image_outputdir": "/srv/image",
    },
    "attributes": {"image-name": NAME, "image-size": "1G", "image-palign-bytes": 8388608},
    "layout": {
        "partitiontable": {"label": "gpt"},
        "partitionimages": {"boot": {"simage": "boot.sparse"}, "root": {"simage": "root.sparse"}},
        "provisionmap": [
            {"attributes": {"PMAPversion": "1.1.0", "system_type": "flat"}},
            {"partitions": [{"image": "boot", "static": {"role": "boot", "uuid": "7A1C-03F2"}}]},
            {
                "encrypted": {
                    "luks2": _LUKS2,
                    "partitions": [
                        {"image": "root", "static": {"role": "system"}, "expand-to-fit": True}
                    ],
                }
            },
        ],
    },
}


@dataclass(frozen=True, slots=True)
class BuiltArtefact:
    """An artefact in the store; `archive_sha256` is the hash of the archive it came in."""

    name: str
    summary: str
    archive_sha256: str


def build_artefact(tree: Tree, store: str, *, seed: int) -> BuiltArtefact:
    """Makes the artefact's folder in `store`."""
    chance = random.Random(f"{seed}/artefact")
    files = {
        "image.json": (json.dumps(DESCRIPTOR, indent=2) + "\n").encode(),
        "boot.sparse": _sparse(chance.randbytes(16 * BLOCK)),
        "root.sparse": _sparse(chance.randbytes(48 * BLOCK)),
    }
    for name, content in files.items():
        tree.write(f"{store}/{NAME}/{name}", content)
    summary = f"{NAME} v{VERSION} (cm5/emmc, encrypted)"
    return BuiltArtefact(NAME, summary, _archive_sha256(files))


def _sparse(content: bytes) -> bytes:
    """An Android sparse image: `content`, four filled blocks, then a hole of twelve."""
    blocks = len(content) // BLOCK
    chunks = struct.pack("<HHII", 0xCAC1, 0, blocks, 12 + len(content)) + content
    chunks += struct.pack("<HHII", 0xCAC2, 0, 4, 16) + bytes(4)
    chunks += struct.pack("<HHII", 0xCAC3, 0, 12, 12)
    header = struct.pack("<IHHHHIIII", 0xED26FF3A, 1, 0, 28, 12, BLOCK, blocks + 16, 3, 0)
    return header + chunks


def _archive_sha256(files: dict[str, bytes]) -> str:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return hashlib.sha256(packed.getvalue()).hexdigest()
