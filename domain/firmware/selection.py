"""The selected firmware, and what the bootstrap script makes of the selection."""

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import ProvisionerError
from domain.firmware.chips import Chip
from domain.firmware.releases import FirmwareRelease, get_release
from domain.host_paths import HostPaths


class SelectionState(StrEnum):
    """What boards get because of the selection (contract configuration 11.3)."""

    AUTOMATIC = "AUTOMATIC"
    PINNED = "PINNED"
    MISSING = "MISSING"
    UNUSABLE = "UNUSABLE"
    NOT_NEEDED = "NOT_NEEDED"


@dataclass(frozen=True, slots=True)
class Selection:
    """What the configuration selects and what follows. `path` is its text, empty for automatic;
    `release` the selected EEPROM image if it is one; `in_force` what boards really get, None when
    they get none; `problem` a sentence for the operator, empty when all is well."""

    path: str
    state: SelectionState
    release: FirmwareRelease | None
    in_force: FirmwareRelease | None
    problem: str = ""


def judge_selection(
    paths: HostPaths, path: str, *, chip: Chip | None, automatic: FirmwareRelease | None
) -> Selection:
    """Returns what the bootstrap script does on boards of `chip`. Blocks."""
    if chip is None:
        release = _find(paths, path)
        return Selection(path, SelectionState.NOT_NEEDED, release, None)
    if not path:
        problem = "" if automatic else f"Channel latest has no firmware for chip {chip}."
        return Selection(path, SelectionState.AUTOMATIC, None, automatic, problem)
    if not _exists(paths, path):
        problem = (
            f"The selected firmware {path} is gone; boards get the newest of channel latest "
            "without a word."
        )
        return Selection(path, SelectionState.MISSING, None, automatic, problem)
    release = _find(paths, path)
    problem = _unusable(path, release, chip)
    if problem:
        # A file of the wrong size is flashed all the same; only another chip's is refused.
        flashed = release if release and release.chip is chip else None
        return Selection(path, SelectionState.UNUSABLE, release, flashed, problem)
    return Selection(path, SelectionState.PINNED, release, release)


def _unusable(path: str, release: FirmwareRelease | None, chip: Chip) -> str:
    if release is None:
        return f"The selected firmware {path} is not an EEPROM image; provisioning would fail."
    if release.chip is not chip:
        return (
            f"The selected firmware is for chip {release.chip}, this station's boards have "
            f"{chip}; provisioning stops."
        )
    if not release.has_right_size:
        return (
            f"The selected firmware has {release.size_bytes} bytes instead of {chip.size_bytes}; "
            "it may be damaged."
        )
    return ""


def _exists(paths: HostPaths, path: str) -> bool:
    try:
        return paths.real(path).exists()
    except (OSError, ProvisionerError):
        return False


def _find(paths: HostPaths, path: str) -> FirmwareRelease | None:
    try:
        return get_release(paths, path)
    except ProvisionerError:
        return None
