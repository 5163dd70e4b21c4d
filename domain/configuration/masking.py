"""Secret values of the configuration: how they are shown, and what a shown one means when it is
sent back."""

import re

from domain.configuration.variables import ConfigValueRefused, variable_of

MASK = "********"
"""What stands for a secret. Sent back, it means that the secret stays as it is (contract
configuration 12)."""

# To the end: a PIN that was not percent-encoded may hold what parts the others.
_PIN = re.compile(r"(pin-value=).+", re.IGNORECASE | re.DOTALL)


def masked(name: str, value: str) -> str:
    """Returns the value as everybody may see it: without secrets, and without what is not
    UTF-8."""
    shown = value.encode(errors="surrogateescape").decode(errors="replace")
    if variable_of(name).secret:
        return MASK if shown else ""
    return _PIN.sub(rf"\g<1>{MASK}", shown)


def is_secret(name: str, value: str) -> bool:
    """Whether the value holds something that is never shown."""
    return bool(value) and (variable_of(name).secret or bool(_PIN.search(value)))


def holds_pin(name: str, value: str) -> bool:
    """Whether the value of a setting that is shown holds a PIN."""
    return not variable_of(name).secret and bool(_PIN.search(value))


def unmasked(name: str, value: str, *, current: str) -> str:
    """Returns the value that a client means who saw `masked(name, current)` and sends `value`.

    Raises `ConfigValueRefused` where the mask stands for nothing that is known.
    """
    if not _holds_mask(name, value):
        return value
    if is_secret(name, current) and value == masked(name, current):
        return current
    message = f"{name} holds the mask {MASK} in place of a secret; send the secret itself."
    raise ConfigValueRefused(message, field=name)


def _holds_mask(name: str, value: str) -> bool:
    if variable_of(name).secret:
        return value == MASK
    return any(f"={MASK}" in found[0] for found in _PIN.finditer(value))
