"""Secrets at rest: wrapped with a key that only this board's firmware has."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.errors import Conflict
from domain.keys.firmware_crypto import SLOTS, DeviceKeyMissing, FirmwareCrypto

MAGIC = b"RPISBW1\0"
SALT_BYTES, NONCE_BYTES, TAG_BYTES = 32, 12, 16
HEADER_BYTES = len(MAGIC) + SALT_BYTES + NONCE_BYTES + TAG_BYTES
"""The layout of contract configuration 8: magic, salt, nonce, tag, then the ciphertext."""
AT_ONCE = 8
"""How many slots are asked about at the same time."""


class SecretNotUnwrapped(Conflict):
    """A wrapped secret that no key of this board opens."""

    code = "SECRET_NOT_UNWRAPPED"
    title = "Secret Cannot Be Opened"
    meaning = "The file was wrapped on another board, or it is damaged."
    remedy = "Use the board it was wrapped on, or upload the secret again."


def is_wrapped(content: bytes) -> bool:
    """Whether a file's content is wrapped; anything else is plain, as old releases left it."""
    return content.startswith(MAGIC)


def wrap_with(key: bytes, secret: bytes, *, salt: bytes, nonce: bytes) -> bytes:
    """Returns the wrapped form under a derived AES-256 `key` (contract configuration 8)."""
    sealed = AESGCM(key).encrypt(nonce, secret, None)
    ciphertext, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
    return MAGIC + salt + nonce + tag + ciphertext


class DeviceWrapping:
    """Wraps and unwraps through the firmware; blocks. A slot that was empty is asked again each
    time, since a key may have been made meanwhile."""

    def __init__(self, firmware: FirmwareCrypto) -> None:
        self._firmware = firmware

    def wrap(self, secret: bytes) -> bytes:
        """Returns the wrapped form under the lowest slot with a key.

        Raises `FirmwareCryptoUnavailable` and `DeviceKeyMissing`.
        """
        salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
        slot = self.slot()
        return wrap_with(self._firmware.hmac(salt, slot=slot), secret, salt=salt, nonce=nonce)

    def unwrap(self, blob: bytes) -> bytes:
        """Returns the secret, tried under every slot with a key: the blob does not name its own.

        Raises `FirmwareCryptoUnavailable`, `DeviceKeyMissing` and `SecretNotUnwrapped`.
        """
        if not is_wrapped(blob) or len(blob) < HEADER_BYTES:
            raise SecretNotUnwrapped("The wrapped secret is cut off; store it again.")
        salt, nonce, tag, ciphertext = _parts(blob)
        tried = 0
        for slot in self._slots():
            tried += 1
            key = self._firmware.hmac(salt, slot=slot)
            try:
                return AESGCM(key).decrypt(nonce, ciphertext + tag, None)
            except InvalidTag:
                continue
        if not tried:
            raise DeviceKeyMissing(
                "The secret was wrapped on another board, or this board's key cannot be read: none "
                "is there. A new key would not open it; use the board it was wrapped on, or store "
                "the secret again."
            )
        raise SecretNotUnwrapped(
            f"None of this board's {tried} key(s) opens the secret: it was wrapped on another "
            "board, or it is damaged; store it again."
        )

    def slot(self) -> int:
        """Returns the lowest slot with a key; raises `FirmwareCryptoUnavailable` and
        `DeviceKeyMissing`."""
        slot = next(self._slots(), None)
        if slot is None:
            raise _no_key()
        return slot

    def _slots(self) -> Iterator[int]:
        first, *others = SLOTS
        if self._firmware.has_key(first):
            yield first
        # Most boards have no further key. Asked one after the other, a slow host would take longer
        # to say so than a client waits.
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = pool.map(self._firmware.has_key, others)
            yield from (slot for slot, has_key in zip(others, answers, strict=True) if has_key)


def _parts(blob: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    salt_at = len(MAGIC)
    nonce_at = salt_at + SALT_BYTES
    tag_at = nonce_at + NONCE_BYTES
    return (
        blob[salt_at:nonce_at],
        blob[nonce_at:tag_at],
        blob[tag_at:HEADER_BYTES],
        blob[HEADER_BYTES:],
    )


def _no_key() -> DeviceKeyMissing:
    return DeviceKeyMissing(
        "This board has no key in its one-time memory to wrap secrets with; make one with "
        "`rpi-fw-crypto genkey --key-id 0 --alg ec`."
    )
