"""The chips whose bootloader lies in an EEPROM, and the firmware that fits each."""

from enum import StrEnum


class Chip(StrEnum):
    """A chip by its number, as folders of firmware and scripts spell it."""

    BCM2711 = "2711"
    BCM2712 = "2712"

    @property
    def size_bytes(self) -> int:
        """The exact size of an EEPROM image; the bootstrap script takes no other (contract
        configuration 11.3)."""
        return {Chip.BCM2711: 524288, Chip.BCM2712: 2097152}[self]

    @property
    def folder(self) -> str:
        """The logical folder of this chip's firmware."""
        return f"{TREE}/bootloader-{self}"


TREE = "/lib/firmware/raspberrypi"
"""Where the package rpi-eeprom puts all firmware (contract configuration 11.1)."""

_BY_FAMILY = {"4": Chip.BCM2711, "5": Chip.BCM2712}


def find_chip(family: str) -> Chip | None:
    """Returns the chip of a family as RPI_DEVICE_FAMILY spells it; None for those without an
    EEPROM (2W) and for an unset family."""
    return _BY_FAMILY.get(family)
