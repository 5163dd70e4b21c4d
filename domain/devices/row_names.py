"""Row names: which board and which port a state row is about (contract devices section 3)."""

from functools import lru_cache

from domain.devices.stages import UNKNOWN_PATH
from domain.devices.states import StateRow
from domain.serials import board_key, is_real

STAGE_ENDPOINTS = ("bootstrap", "triage")
"""What PORT-EXCLUDED rows hold in place of a USB path (contract devices section 3)."""

_NO_PATHS = frozenset((*STAGE_ENDPOINTS, UNKNOWN_PATH, ""))


def key_of(row: StateRow) -> str:
    """Returns the key of the row's board; of one that has told no serial, what stands for it."""
    return _board_of(row.serial) or nameless_key(row)


def usb_path(endpoint: str) -> str | None:
    """Returns the endpoint where it is a USB path, None for what rows hold in place of one."""
    return None if endpoint in _NO_PATHS else endpoint


def nameless_key(row: StateRow) -> str:
    """Returns the key of a board that has told no serial: where it is, else its device node."""
    return f"port:{usb_path(row.endpoint) or row.serial or row.endpoint}"


def is_nameless(key: str) -> bool:
    """Whether the key stands for a board that has told no serial."""
    return key.startswith("port:")


@lru_cache(maxsize=4096)
def _board_of(serial: str) -> str | None:
    return board_key(serial) if is_real(serial) else None
