"""A board's key store in this process."""

import hashlib
import hmac
from dataclasses import dataclass, field

from domain.keys.firmware_crypto import FirmwareCryptoUnavailable

DEVICE_KEY = bytes(range(32))


@dataclass
class FakeFirmwareCrypto:
    """Keys by slot; `missing` is the reason why there is no firmware crypto at all."""

    keys: dict[int, bytes] = field(default_factory=lambda: {0: DEVICE_KEY})
    missing: str = ""

    def has_key(self, slot: int) -> bool:
        """Whether the slot holds a key."""
        if self.missing:
            raise FirmwareCryptoUnavailable(self.missing)
        return slot in self.keys

    def hmac(self, message: bytes, *, slot: int) -> bytes:
        """Returns the HMAC under the slot's key."""
        if self.missing or slot not in self.keys:
            raise FirmwareCryptoUnavailable(self.missing or "no such key")
        return hmac.digest(self.keys[slot], message, hashlib.sha256)
