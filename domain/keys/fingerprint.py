"""The fingerprint of an RSA key: what boards burn into their one-time memory."""

import hashlib
import struct

MODULUS_BYTES = 256
EXPONENT_BYTES = 8


def fits_fingerprint(modulus: int, exponent: int) -> bool:
    """Whether the numbers have room in the bytes that are hashed: RSA-2048, an exponent of 64
    bits."""
    sizes = (modulus.bit_length(), exponent.bit_length())
    return sizes[0] <= MODULUS_BYTES * 8 and sizes[1] <= EXPONENT_BYTES * 8


def fingerprint(modulus: int, exponent: int) -> str:
    """Returns 64 lower-case hex digits: SHA-256 over the modulus in 256 bytes and the exponent in
    8 bytes, both little-endian (contract configuration 7.4).

    Raises OverflowError for numbers that `fits_fingerprint` refuses.
    """
    numbers = modulus.to_bytes(MODULUS_BYTES, "little")
    numbers += exponent.to_bytes(EXPONENT_BYTES, "little")
    return hashlib.sha256(numbers).hexdigest()


def otp_words(digits: str) -> tuple[str, ...]:
    """Returns a fingerprint as the eight 32-bit words of a board's one-time memory, 8 hex digits
    each, as Raspberry Pi's own signing program prints them (contract configuration 7.4)."""
    return tuple(f"{word:08x}" for word in struct.unpack("<8I", bytes.fromhex(digits)))
