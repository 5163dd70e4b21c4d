"""The PIN of a token: a value that nothing prints."""

import re
from dataclasses import dataclass, field

from domain.errors import Invalid

LONGEST_PIN = 256
"""Bytes in UTF-8 (contract configuration 12, set-pkcs11-pin)."""


CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class PinTooLong(Invalid):
    """A PIN that no token takes."""

    code = "PIN_TOO_LONG"
    title = "Invalid PIN"
    meaning = f"A PIN has at most {LONGEST_PIN} bytes."
    remedy = "Give the token's PIN itself, not a key or a file."


class PinMalformed(Invalid):
    """A PIN with a character that would be lost, or none at all."""

    code = "INVALID_PIN"
    title = "Invalid PIN"
    meaning = (
        "A PIN has at least one character and no line break or other control character: those "
        "would be lost where it is stored."
    )
    remedy = "Give the PIN without a line break at its end."


@dataclass(frozen=True, slots=True)
class Pin:
    """A token's PIN; raises `PinTooLong` and `PinMalformed`."""

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        try:
            size = len(self.text.encode())
        except UnicodeEncodeError:
            size = 0
        if size > LONGEST_PIN:
            raise PinTooLong(f"The PIN is longer than {LONGEST_PIN} bytes.", field="pin")
        if size == 0 or any(
            ord(character) < 0x20 or ord(character) == 0x7F for character in self.text
        ):
            raise PinMalformed(
                "The PIN is empty or holds a line break or another control character.",
                field="pin",
            )

    def __str__(self) -> str:
        """Returns no PIN: texts land in logs."""
        return "****"
