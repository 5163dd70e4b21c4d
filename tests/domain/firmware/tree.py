"""A firmware tree in a temporary folder, laid out as the package rpi-eeprom does."""

from dataclasses import dataclass
from pathlib import Path

from domain.configuration.configuration import Configuration
from domain.events import Hub
from domain.firmware.firmware import Firmware
from domain.host_paths import HostPaths
from tests.fakes.device_files import Accesses

BASE = "/usr/lib/firmware/raspberrypi"
SIZES = {"2711": 524288, "2712": 2097152}


@dataclass
class FirmwareTree:
    """The tree, and the feature that reads it."""

    root: Path
    configuration: Configuration
    firmware: Firmware
    notes: Accesses

    def release(
        self, chip: str, channel: str, version: str, *, size: int | None = None, name: str = ""
    ) -> str:
        """Puts a release into a channel; returns its logical path."""
        place = f"{BASE}/bootloader-{chip}/{channel}/{name or f'pieeprom-{version}.bin'}"
        path = self.root / place[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(SIZES[chip] if size is None else size)
        return place

    def link(self, chip: str, channel: str, target: str) -> None:
        """Makes a channel a link to another one."""
        (self.root / BASE[1:] / f"bootloader-{chip}" / channel).symlink_to(target)

    def write_notes(self, chip: str, text: str) -> None:
        """Writes a chip's release notes."""
        folder = self.root / BASE[1:] / f"bootloader-{chip}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "release-notes.md").write_text(text)


def build_tree(root: Path, *, family: str = "5") -> FirmwareTree:
    """Returns a tree without releases; `/lib` leads to `/usr/lib`."""
    (root / "usr/lib").mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    paths, hub = HostPaths(root), Hub()
    configuration = Configuration(paths, hub)
    if family:
        configuration.update_now({"RPI_DEVICE_FAMILY": family})
    return FirmwareTree(root, configuration, Firmware(paths, configuration), Accesses())
