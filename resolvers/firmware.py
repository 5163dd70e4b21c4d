"""What people and programs ask about the bootloader firmware, and what they select."""

from domain.caller import Role
from domain.firmware.firmware import FirmwareView
from domain.firmware.notes import FirmwareNotes
from resolvers.operation import Call, Effect, operation


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.firmware")
async def get_firmware(call: Call) -> FirmwareView:
    """Returns the releases of the configured family and what boards get."""
    return await call.station.firmware.view()


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.firmware")
async def get_firmware_documented(call: Call) -> FirmwareView:
    """Returns the same at the path that the old documentation names."""
    return await call.station.firmware.view()


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.firmwareNotes")
async def get_firmware_notes(call: Call, *, version: str, chip: str = "") -> FirmwareNotes:
    """Returns the release notes of one version."""
    return await call.station.firmware.notes(version, chip=chip)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.firmwareNotesBetween")
async def list_firmware_notes(
    call: Call, *, after: str, until: str, chip: str
) -> list[FirmwareNotes]:
    """Returns the release notes of a range of versions, the newest first."""
    return await call.station.firmware.list_notes(after=after, until=until, chip=chip)


@operation(role=Role.ENGINEER, effect=Effect.CHANGE, graphql="Mutation.selectFirmware")
async def select_firmware(call: Call, *, path: str) -> FirmwareView:
    """Selects a firmware file, or with an empty path the automatic choice."""
    return await call.station.firmware.select(path, note=call.file_access)
