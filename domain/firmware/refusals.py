"""Why a file is not taken as bootloader firmware."""

from domain.errors import Invalid, NotFound


class FirmwarePathMissing(Invalid):
    """Nothing was said about which file."""

    code = "MISSING_FIRMWARE_PATH"
    title = "Invalid Request"
    meaning = "The request names no firmware file."
    remedy = "Name the file, or an empty text to go back to automatic selection."


class FirmwareNotFound(NotFound):
    """There is no such file in the firmware tree."""

    code = "FIRMWARE_NOT_FOUND"
    title = "Firmware Not Found"
    meaning = "The firmware tree has no such file."
    remedy = "Choose one of the listed releases; a package upgrade may have removed this one."


class FirmwareOutside(Invalid):
    """A path that leads out of the firmware tree."""

    code = "INVALID_FIRMWARE_PATH"
    title = "Invalid Path"
    meaning = "The path is not inside a bootloader folder of the firmware tree."
    remedy = "Choose one of the listed releases."


class FirmwareNotAFile(Invalid):
    """A folder or a device where a file is needed."""

    code = "NOT_A_FILE"
    title = "Invalid Request"
    meaning = "The path names something that is not an ordinary file."
    remedy = "Choose one of the listed releases."


class FirmwareUnsuitable(Invalid):
    """A file of the firmware tree that is no EEPROM image for this station's boards."""

    code = "FIRMWARE_UNSUITABLE"
    title = "Unsuitable Firmware"
    meaning = (
        "The file is not an EEPROM image for the configured family: its name, its chip or its "
        "size is wrong, so that boards would be refused or end up without a bootloader."
    )
    remedy = "Choose a release of this family's chip, or correct RPI_DEVICE_FAMILY."


class FirmwareVersionMissing(Invalid):
    """Notes of no version in particular."""

    code = "MISSING_FIRMWARE_VERSION"
    title = "Invalid Request"
    meaning = "The request does not say of which version it wants the release notes."
    remedy = "Name a listed version, YYYY-MM-DD."


class FirmwareNotesNotFound(NotFound):
    """No release notes for a version."""

    code = "FIRMWARE_NOTES_NOT_FOUND"
    title = "Release Notes Not Found"
    meaning = "The release notes of this chip say nothing of this version."
    remedy = "Ask for a listed version, or name the other chip."


class FirmwareChipUnknown(Invalid):
    """A chip that has no bootloader folder."""

    code = "INVALID_CHIP"
    title = "Invalid Chip"
    meaning = "Firmware exists for the chips 2711 and 2712."
    remedy = "Leave the chip out, or name one of the two."
