"""The board's own key in one-time memory: a port, since only the firmware may use it."""

from typing import Protocol

from domain.errors import Unavailable

SLOTS = range(16)
"""Where the firmware can keep a key (contract configuration 8)."""


class FirmwareCryptoUnavailable(Unavailable):
    """Nothing on this host can use a key in one-time memory."""

    code = "FIRMWARE_CRYPTO_UNAVAILABLE"
    title = "No Firmware Crypto"
    meaning = (
        "The program rpi-fw-crypto is missing, does not answer, or the firmware refused to work."
    )
    remedy = (
        "Install the package rpifwcrypto on a Raspberry Pi whose firmware supports it; "
        "`rpi-fw-crypto pubkey --key-id 0` shows what is wrong."
    )


class DeviceKeyMissing(Unavailable):
    """No slot of this board's one-time memory holds a key."""

    code = "DEVICE_KEY_MISSING"
    title = "No Device Key"
    meaning = "Secrets are only stored wrapped with a key in this board's one-time memory."
    remedy = "Make one, once for ever: `rpi-fw-crypto genkey --key-id 0 --alg ec`."


class FirmwareCrypto(Protocol):
    """Uses keys that never leave the firmware; every method blocks and raises
    `FirmwareCryptoUnavailable`."""

    def has_key(self, slot: int) -> bool:
        """Whether this slot holds a key: its public half can be read."""

    def hmac(self, message: bytes, *, slot: int) -> bytes:
        """Returns HMAC-SHA256 of `message` (at most 2048 bytes) under the slot's key, 32 bytes."""
