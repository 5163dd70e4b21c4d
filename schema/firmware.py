"""The bootloader firmware as GraphQL clients see it."""

from typing import Annotated

import strawberry

from domain.firmware.chips import Chip
from domain.firmware.firmware import FirmwareView
from domain.firmware.notes import FirmwareNotes as Notes
from domain.firmware.releases import FirmwareRelease as Release
from domain.firmware.selection import Selection, SelectionState
from resolvers.firmware import (
    get_firmware,
    get_firmware_notes,
    list_firmware_notes,
    select_firmware,
)
from schema.context import Info, who
from schema.enums import describe_enum
from schema.errors import Problem, Problems
from schema.scalars import Long

describe_enum(
    SelectionState,
    description="What boards get because of the selected firmware.",
    values={
        SelectionState.AUTOMATIC: "Nothing is selected: the newest of channel latest.",
        SelectionState.PINNED: "The selected file.",
        SelectionState.MISSING: "The selected file is gone: the newest of channel latest.",
        SelectionState.UNUSABLE: "The selected file is not right for this station's boards.",
        SelectionState.NOT_NEEDED: "The configured family has no bootloader EEPROM, or none is "
        "configured.",
    },
)


@strawberry.type(description="One release of bootloader firmware on the station's disk.")
class FirmwareRelease:
    """A release."""

    chip: str = strawberry.field(description="The chip it is for: 2711 or 2712.")
    version: str = strawberry.field(description="Its date, YYYY-MM-DD.")
    channel: str = strawberry.field(description="The channel it was found in.")
    name: str = strawberry.field(description="The file's name.")
    path: str = strawberry.field(description="Where it is, as `selectFirmware` takes it.")
    size_bytes: Long | None = strawberry.field(
        description="Its size in bytes; null where it cannot be read."
    )
    has_right_size: bool = strawberry.field(
        description="Whether it has exactly the size of this chip's EEPROM."
    )


@strawberry.type(description="Which firmware is selected, and what boards get because of it.")
class FirmwareSelection:
    """The selection."""

    path: str = strawberry.field(description="The configured file; empty is automatic.")
    state: SelectionState = strawberry.field(description="What follows from it.")
    release: FirmwareRelease | None = strawberry.field(
        description="The selected release; null where nothing, or no EEPROM image, is selected."
    )
    in_force: FirmwareRelease | None = strawberry.field(
        description="What boards really get; null where they get none."
    )
    problem: str | None = strawberry.field(
        description="What is wrong with the selection; null when nothing is."
    )


@strawberry.type(description="The bootloader firmware for the configured family of boards.")
class Firmware:
    """The firmware."""

    family: str = strawberry.field(description="The configured family: 4, 5, 2W or empty.")
    chip: str | None = strawberry.field(
        description="The family's chip; null where it has no bootloader EEPROM or is not set."
    )
    releases: list[FirmwareRelease] = strawberry.field(
        description="What is on the disk, the newest first, each version once."
    )
    automatic: FirmwareRelease | None = strawberry.field(
        description="What automatic selection takes: the newest of channel latest that has the "
        "right size; null where there is none."
    )
    selection: FirmwareSelection = strawberry.field(description="What is selected.")


@strawberry.type(description="What the release notes say of one version.")
class FirmwareNotes:
    """Notes."""

    version: str = strawberry.field(description="The version's date, YYYY-MM-DD.")
    notes: str = strawberry.field(description="Markdown, with the heading.")


@strawberry.input(description="Which firmware boards should get.")
class SelectFirmwareInput:
    """Input of `selectFirmware`."""

    path: str = strawberry.field(
        description="A release's path; empty goes back to automatic selection."
    )


SelectFirmwareResult = Annotated[
    Firmware | Problem,
    strawberry.union("SelectFirmwareResult", description="The firmware now, or why not."),
]
_ChipArgument = Annotated[
    Chip | None,
    strawberry.argument(description="Of this chip; absent: of the configured family's."),
]

describe_enum(
    Chip,
    description="A chip whose bootloader lies in an EEPROM.",
    values={Chip.BCM2711: "Of the Raspberry Pi 4.", Chip.BCM2712: "Of the Raspberry Pi 5."},
)


def _release(release: Release) -> FirmwareRelease:
    size = release.size_bytes
    return FirmwareRelease(
        chip=release.chip.value,
        version=release.version,
        channel=release.channel,
        name=release.name,
        path=release.path,
        size_bytes=None if size is None else Long(size),
        has_right_size=release.has_right_size,
    )


def _found(release: Release | None) -> FirmwareRelease | None:
    return _release(release) if release else None


def _selection(selection: Selection) -> FirmwareSelection:
    return FirmwareSelection(
        path=selection.path,
        state=selection.state,
        release=_found(selection.release),
        in_force=_found(selection.in_force),
        problem=selection.problem or None,
    )


def _firmware(view: FirmwareView) -> Firmware:
    return Firmware(
        family=view.family,
        chip=view.chip.value if view.chip else None,
        releases=[_release(release) for release in view.releases],
        automatic=_found(view.automatic),
        selection=_selection(view.selection),
    )


def _notes(notes: Notes) -> FirmwareNotes:
    return FirmwareNotes(version=notes.version, notes=notes.text)


@strawberry.type
class FirmwareQueries:
    """Root fields about firmware."""

    @strawberry.field(description="The bootloader firmware for the configured family of boards.")
    async def firmware(self, info: Info) -> Firmware:
        """Resolves the firmware."""
        return _firmware(await get_firmware(*who(info)))

    @strawberry.field(description="What the release notes say of one version.")
    async def firmware_notes(
        self,
        info: Info,
        version: Annotated[str, strawberry.argument(description="YYYY-MM-DD.")],
        chip: _ChipArgument = None,
    ) -> FirmwareNotes:
        """Resolves notes."""
        return _notes(await get_firmware_notes(*who(info), version=version, chip=chip or ""))

    @strawberry.field(
        description="What the release notes say of a range of versions, the newest first: what an "
        "update brings."
    )
    async def firmware_notes_between(
        self,
        info: Info,
        after: Annotated[
            str,
            strawberry.argument(description="Only later than this version; empty: from the first."),
        ] = "",
        until: Annotated[
            str, strawberry.argument(description="Up to this version; empty: to the last.")
        ] = "",
        chip: _ChipArgument = None,
    ) -> list[FirmwareNotes]:
        """Resolves a range of notes."""
        found = await list_firmware_notes(*who(info), after=after, until=until, chip=chip or "")
        return [_notes(notes) for notes in found]


@strawberry.type
class FirmwareMutations:
    """Changes of the firmware."""

    @strawberry.mutation(
        description="Selects the firmware that boards get (role engineer). It must be an EEPROM "
        "image of the configured family's chip and size.",
        extensions=[Problems()],
    )
    async def select_firmware(
        self,
        info: Info,
        input: Annotated[SelectFirmwareInput, strawberry.argument(description="Which one.")],
    ) -> SelectFirmwareResult:
        """Selects."""
        return _firmware(await select_firmware(*who(info), path=input.path))
