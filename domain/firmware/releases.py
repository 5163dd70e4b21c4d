"""The releases of bootloader firmware on this station's disk."""

import re
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from domain.firmware.chips import TREE, Chip
from domain.firmware.refusals import FirmwareNotAFile, FirmwareNotFound, FirmwareOutside
from domain.host_paths import HostPaths, PathRefused

CHANNELS = ("default", "latest", "beta", "stable", "critical")
"""The folders that are looked at; of a version in several the first one counts (contract
configuration 11.1)."""

AUTOMATIC_CHANNEL = "latest"
"""Where the bootstrap script looks when nothing is selected (contract configuration 11.3)."""

_VERSION = re.compile(r"pieeprom-([0-9]{4}-[0-9]{2}-[0-9]{2})\.bin")
_CHIP_FOLDER = re.compile(r"bootloader-([^/]+)/")


@dataclass(frozen=True, slots=True)
class FirmwareRelease:
    """One EEPROM image. `path` is its logical path with every link followed, as the configuration
    keeps it; `size_bytes` is None where it cannot be read."""

    chip: Chip
    version: str
    name: str
    path: str
    channel: str
    size_bytes: int | None

    @property
    def has_right_size(self) -> bool:
        """Whether the bootstrap script takes a file of this size."""
        return self.size_bytes == self.chip.size_bytes


def list_releases(paths: HostPaths, chip: Chip) -> list[FirmwareRelease]:
    """Returns one release for each version, the newest first; what cannot be read is left out.
    Blocks."""
    found: dict[str, FirmwareRelease] = {}
    for channel in CHANNELS:
        for release in releases_in(paths, chip, channel):
            found.setdefault(release.version, release)
    return sorted(found.values(), key=lambda release: release.version, reverse=True)


def find_automatic(paths: HostPaths, chip: Chip) -> FirmwareRelease | None:
    """Returns what the bootstrap script takes by itself: the newest of the right size in channel
    `latest`. Blocks."""
    fitting = [
        release
        for release in releases_in(paths, chip, AUTOMATIC_CHANNEL)
        if release.has_right_size and release.name == f"pieeprom-{release.version}.bin"
    ]
    return max(fitting, key=lambda release: release.version, default=None)


def releases_in(paths: HostPaths, chip: Chip, channel: str) -> list[FirmwareRelease]:
    """Returns the releases of one channel, by name; none where it is missing. Blocks."""
    folder = f"{chip.folder}/{channel}"
    try:
        names = sorted(entry.name for entry in paths.real(folder).iterdir())
    except (OSError, PathRefused):
        return []
    found = (_release(paths, chip, f"{folder}/{name}") for name in names)
    return [release for release in found if release]


def get_release(paths: HostPaths, path: str) -> FirmwareRelease | None:
    """Returns the release at a path that somebody gave, None when the file is no EEPROM image.

    Raises `PathRefused`, `FirmwareOutside`, `FirmwareNotFound` and `FirmwareNotAFile`. Blocks.
    """
    real = paths.real(path)
    logical = paths.logical(real)
    tree = paths.logical(paths.real(TREE))
    inside = _CHIP_FOLDER.match(logical.removeprefix(f"{tree}/"))
    if not logical.startswith(f"{tree}/") or inside is None:
        # Before anything is said of whether it exists (contract configuration 12).
        raise FirmwareOutside("The path is not inside a bootloader folder.", detail=path)
    _check_ordinary(real, path)
    known = inside[1] in set(Chip)
    return _release(paths, Chip(inside[1]), logical) if known else None


def _check_ordinary(real: Path, path: str) -> None:
    try:
        mode = real.stat().st_mode
    except OSError as error:
        raise FirmwareNotFound(f"There is no firmware file {path}.", detail=path) from error
    if not stat.S_ISREG(mode):
        raise FirmwareNotAFile(f"{path} is not an ordinary file.", detail=path)


def _release(paths: HostPaths, chip: Chip, path: str) -> FirmwareRelease | None:
    place = PurePosixPath(path)
    version = _VERSION.search(place.name)
    if version is None or not (place.name.startswith("pieeprom-") and place.suffix == ".bin"):
        return None
    try:
        real = paths.real(path)
        status = real.stat()
    except (OSError, PathRefused):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return FirmwareRelease(
        chip=chip,
        version=version[1],
        name=place.name,
        path=paths.logical(real),
        channel=place.parent.name,
        size_bytes=status.st_size,
    )
