"""Serials: one board has an 8-digit one from its boot ROM and a 16-digit one later (contract
devices sections 3, 8)."""

import re

LONG = re.compile(r"[0-9a-fA-F]{16}")
SHORT = re.compile(r"[0-9a-fA-F]{8}")


def is_real(serial: str) -> bool:
    """Whether `serial` names a board: not empty, not a device node's path, not the boot ROM's
    `Broadcom`."""
    return bool(serial) and not serial.startswith("/dev/") and serial != "Broadcom"


def same_board(one: str, other: str) -> bool:
    """Whether two serials are of one board: equal but for case, or one is the last 8 digits of
    the other."""
    if not (is_real(one) and is_real(other)):
        return False
    return one.lower() == other.lower() or (
        board_key(one) == board_key(other) and len(one) != len(other)
    )


def board_key(serial: str) -> str:
    """Returns what the 8- and the 16-digit serial of one board have in common: the last 8 digits,
    lower case.

    Any other serial is its own key, lower case.
    """
    lowered = serial.lower()
    return lowered[-8:] if LONG.fullmatch(serial) else lowered
