"""The bootloader firmware: what there is, what boards get, and what the notes say of it."""

import asyncio
from dataclasses import dataclass

from domain.configuration.configuration import Configuration
from domain.file_accesses import FileAccess
from domain.firmware.chips import Chip, find_chip
from domain.firmware.notes import FirmwareNotes, read_notes
from domain.firmware.refusals import (
    FirmwareChipUnknown,
    FirmwareNotesNotFound,
    FirmwareUnsuitable,
    FirmwareVersionMissing,
)
from domain.firmware.releases import (
    FirmwareRelease,
    find_automatic,
    get_release,
    list_releases,
)
from domain.firmware.selection import Selection, judge_selection
from domain.host_paths import HostPaths

VARIABLE = "RPI_DEVICE_FIRMWARE_FILE"
FAMILY = "RPI_DEVICE_FAMILY"


@dataclass(frozen=True, slots=True)
class FirmwareView:
    """The firmware of the configured family. `chip` is None where the family has no EEPROM or is
    not set; there are no releases then."""

    family: str
    chip: Chip | None
    releases: list[FirmwareRelease]
    automatic: FirmwareRelease | None
    selection: Selection


class Firmware:
    """Reads the firmware tree and keeps which file is selected."""

    def __init__(self, paths: HostPaths, configuration: Configuration) -> None:
        self._paths = paths
        self._configuration = configuration

    async def view(self) -> FirmwareView:
        """Returns what there is and what boards get; raises `ConfigUnreadable`."""
        return await asyncio.to_thread(self.view_now)

    async def notes(self, version: str, *, chip: str = "") -> FirmwareNotes:
        """Returns the notes of a version; raises `FirmwareVersionMissing`,
        `FirmwareNotesNotFound` and `FirmwareChipUnknown`."""
        if not version:
            raise FirmwareVersionMissing("Of which version are the notes?", field="version")
        wanted = await self._chip_of_notes(chip)
        notes = await asyncio.to_thread(read_notes, self._paths, wanted)
        found = next((section for section in notes if section.version == version), None)
        if found is None:
            message = f"The release notes of chip {wanted} say nothing of version {version}."
            raise FirmwareNotesNotFound(message, detail=version)
        return found

    async def list_notes(self, *, after: str, until: str, chip: str = "") -> list[FirmwareNotes]:
        """Returns the notes of all versions later than `after` up to `until`, the newest first.
        An empty bound is none; raises `FirmwareChipUnknown`."""
        wanted = await self._chip_of_notes(chip)
        notes = await asyncio.to_thread(read_notes, self._paths, wanted)
        chosen = [
            section
            for section in notes
            if section.version > after and (not until or section.version <= until)
        ]
        return sorted(chosen, key=lambda section: section.version, reverse=True)

    async def select(self, path: str, *, note: FileAccess) -> FirmwareView:
        """Makes boards get the firmware at `path`; an empty path goes back to automatic selection.

        Raises `PathRefused`, `FirmwareOutside`, `FirmwareNotFound`, `FirmwareNotAFile`,
        `FirmwareUnsuitable` and what the configuration raises when it cannot be written.
        """
        chosen = await asyncio.to_thread(self.check_now, path) if path else None
        await self._configuration.update({VARIABLE: chosen.path if chosen else ""})
        note("WRITE", self._paths.config, info="Config updated")
        return await self.view()

    def view_now(self) -> FirmwareView:
        """Like `view`, blocking."""
        family = self._configuration.value_now(FAMILY)
        selected, chip = self._configuration.value_now(VARIABLE), find_chip(family)
        automatic = find_automatic(self._paths, chip) if chip else None
        return FirmwareView(
            family=family,
            chip=chip,
            releases=list_releases(self._paths, chip) if chip else [],
            automatic=automatic,
            selection=judge_selection(self._paths, selected, chip=chip, automatic=automatic),
        )

    def check_now(self, path: str, *, family: str | None = None) -> FirmwareRelease:
        """Returns the release at `path` if boards of `family` (None: the configured one) take it.
        Blocks; raises as `select` does."""
        release = get_release(self._paths, path)
        if release is None:
            raise FirmwareUnsuitable(f"{path} is not an EEPROM image.", detail=path)
        chosen = self._configuration.value_now(FAMILY) if family is None else family
        if release.chip is not find_chip(chosen):
            raise FirmwareUnsuitable(_wrong_chip(release, chosen), detail=path)
        if not release.has_right_size:
            message = (
                f"{path} has {release.size_bytes} bytes; firmware of chip {release.chip} has "
                f"{release.chip.size_bytes}."
            )
            raise FirmwareUnsuitable(message, detail=path)
        return release

    async def _chip_of_notes(self, asked: str) -> Chip:
        if asked:
            return _chip(asked)
        view = await self.view()
        selected = view.selection.release
        # The old service shows the notes of the Raspberry Pi 5 where no family is set (contract
        # configuration 11.2).
        return view.chip or (selected.chip if selected else Chip.BCM2712)


def _chip(text: str) -> Chip:
    try:
        return Chip(text)
    except ValueError as error:
        message = "Firmware exists for the chips 2711 and 2712."
        raise FirmwareChipUnknown(message, detail=text, field="chip") from error


def _wrong_chip(release: FirmwareRelease, family: str) -> str:
    wanted = find_chip(family)
    if wanted is None:
        reason = f"family {family} has no EEPROM" if family else "no family is configured"
        return f"{release.path} is firmware of chip {release.chip}, but {reason}."
    return (
        f"{release.path} is firmware of chip {release.chip}; boards of family {family} have chip "
        f"{wanted}."
    )
