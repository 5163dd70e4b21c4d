"""Flag kinds: what the station's scripts can be told to do differently with one device."""

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import Invalid

PI_5_FAMILY = frozenset({"17", "18", "19", "1a"})
"""Board types (contract devices section 9): Pi 5, CM5, Pi 500, CM5 Lite."""


class FlagModeUnknown(Invalid):
    """A flag is off, set once, or set until it is taken away."""

    code = "INVALID_MODE"
    title = "Invalid Parameter"
    meaning = "A flag's mode is `once`, `persistent` or `off`."
    remedy = "Send one of the three."


class FlagUnknown(Invalid):
    """The scripts know no such flag."""

    code = "UNKNOWN_FLAG"
    title = "Invalid Parameter"
    meaning = "The flag is none of those that the station's scripts look for."
    remedy = "Use `skip-eeprom` or `reprovision-device`."


class FlagMissing(Invalid):
    """A flag was to be set without saying which."""

    code = "MISSING_FLAG"
    title = "Missing Parameter"
    meaning = "The flag's name is absent or empty."
    remedy = "Name the flag: `skip-eeprom` or `reprovision-device`."


class FlagKind(StrEnum):
    """The flags; the values are the names of their folders behind `special-`."""

    SKIP_EEPROM = "skip-eeprom"
    REPROVISION_DEVICE = "reprovision-device"


class FlagMode(StrEnum):
    """How long a flag holds."""

    OFF = "off"
    ONCE = "once"
    PERSISTENT = "persistent"


@dataclass(frozen=True, slots=True)
class FlagText:
    """A flag in words: `constraint` says for which boards it is, empty for all."""

    label: str
    description: str
    constraint: str = ""


TEXTS = {
    FlagKind.SKIP_EEPROM: FlagText(
        "Skip EEPROM Update",
        "Bootstrap leaves the EEPROM and its bootloader alone: for boards whose bootloader is "
        "right already, or signed already.",
    ),
    FlagKind.REPROVISION_DEVICE: FlagText(
        "Re-provision Device",
        "Provisions a board again that was provisioned before: its boot code is signed again from "
        "the stock recovery image.",
        "Raspberry Pi 5 family (BCM2712) only.",
    ),
}


def warning_for(flag: FlagKind, board_type: str) -> str | None:
    """Returns why the flag does not fit a board of this type, None where it does or the type is
    unknown."""
    unfit = board_type and board_type.lower() not in PI_5_FAMILY
    if flag is not FlagKind.REPROVISION_DEVICE or not unfit:
        return None
    return (
        f"This board (type {board_type}) is not of the Raspberry Pi 5 family; re-provisioning "
        "works with those only."
    )


def flag_order(flag: str, mode: str) -> tuple[FlagKind, FlagMode]:
    """Returns the flag and the mode written so; raises `FlagMissing`, `FlagModeUnknown` or
    `FlagUnknown`, in this order (contract devices 6.7)."""
    if not flag:
        raise FlagMissing("Say which flag: `skip-eeprom` or `reprovision-device`.", field="flag")
    if mode not in list(FlagMode):
        raise FlagModeUnknown("`mode` is one of `once`, `persistent` and `off`.", field="mode")
    if flag not in list(FlagKind):
        raise FlagUnknown(f"The station's scripts know no flag called {flag[:80]}", field="flag")
    return FlagKind(flag), FlagMode(mode)
