"""The bootloader releases of both chips, laid out as the rpi-eeprom package does (contract
configuration section 11)."""

import random
from datetime import UTC, datetime

from server.demo.tree import Tree

FIRMWARE = "/usr/lib/firmware/raspberrypi"
SIZES = {"2711": 524288, "2712": 2097152}
"""Bytes that the bootstrap script asks of a release (contract configuration section 11.3)."""

_RELEASES = {
    "2711": {"default": ("2026-04-18",), "latest": ("2026-04-18", "2026-06-09")},
    "2712": {"default": ("2026-05-11",), "latest": ("2026-05-11", "2026-07-02")},
}
_OLD = {"2711": "2024-01-15", "2712": "2024-01-24"}
_CHANGES = (
    "Improve the timing of eMMC on start",
    "Add a BOOT_ORDER entry for the fastboot gadget",
    "Report the customer key hash in the metadata",
    "Correct the size of large boot.img files",
)


def selected_release() -> str:
    """The release that the configuration selects, as the service would store it."""
    return f"{FIRMWARE}/bootloader-2712/default/pieeprom-{_RELEASES['2712']['default'][0]}.bin"


def bootloader_time(chip: str) -> datetime:
    """When the release on boards of `chip` was built."""
    return datetime.fromisoformat(_RELEASES[chip]["default"][0]).replace(hour=9, tzinfo=UTC)


def build_firmware(tree: Tree, *, seed: int) -> None:
    """Makes the releases; `/lib` leads to `/usr/lib`, as on every merged-/usr system."""
    tree.folder("/usr/lib")
    tree.link("/lib", "usr/lib")
    for chip, channels in _RELEASES.items():
        base = f"{FIRMWARE}/bootloader-{chip}"
        for channel, versions in {**channels, "old": (_OLD[chip],)}.items():
            for version in versions:
                _release(tree, f"{base}/{channel}", chip, version=version, seed=seed)
            tree.write(f"{base}/{channel}/recovery.bin", b"recovery " + chip.encode(), size=65536)
        tree.link(f"{base}/beta", "latest")
        tree.link(f"{base}/stable", "latest")
        tree.link(f"{base}/critical", "default")
        tree.write(f"{base}/release-notes.md", _notes(chip))


def _release(tree: Tree, folder: str, chip: str, *, version: str, seed: int) -> None:
    head = random.Random(f"{seed}/firmware/{chip}/{version}").randbytes(2048)
    tree.write(f"{folder}/pieeprom-{version}.bin", head, size=SIZES[chip])


def _notes(chip: str) -> str:
    versions = {version for channel in _RELEASES[chip].values() for version in channel}
    newest_first = sorted(versions | {_OLD[chip]}, reverse=True)
    text = f"# Raspberry Pi bootloader {chip}: release notes\n\n"
    for place, version in enumerate(newest_first):
        first, second = _CHANGES[place % 4], _CHANGES[(place + 1) % 4]
        text += f"## {version}: {first}\n\n* {first}\n* {second}\n\n"
    return text
