"""The signing keys of the simulated station: one fit for secure boot, one too large."""

import hashlib
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

FOLDER = "/etc/rpi-sb-provisioner/keys"
FIT_BITS = 2048


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key; `fingerprint` is empty for a key that is not fit."""

    label: str
    bits: int
    pem: bytes
    fingerprint: str

    @property
    def path(self) -> str:
        """Where it is kept."""
        return f"{FOLDER}/{self.label}.pem"


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """All keys; the first is the active one."""

    all: tuple[SigningKey, ...]

    @property
    def active_path(self) -> str:
        """Where the active key is kept."""
        return self.all[0].path

    def registry(self) -> dict[str, object]:
        """Returns the registry's content (contract configuration section 10)."""
        entries = [_entry(key) for key in self.all]
        return {"activeKeyId": entries[0]["id"], "keys": entries}


def make_keys() -> SigningKeys:
    """Makes new keys; they protect nothing."""
    return SigningKeys((_key("production", FIT_BITS), _key("too-big", 3072)))


def fingerprint(key: rsa.RSAPublicKey) -> str:
    """Returns SHA-256 over 256 bytes of modulus and 8 of exponent, both little-endian (7.4)."""
    numbers = key.public_numbers()
    content = numbers.n.to_bytes(256, "little") + numbers.e.to_bytes(8, "little")
    return hashlib.sha256(content).hexdigest()


def _key(label: str, bits: int) -> SigningKey:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    fit = bits == FIT_BITS
    return SigningKey(label, bits, pem, fingerprint(key.public_key()) if fit else "")


def _entry(key: SigningKey) -> dict[str, object]:
    fit = key.bits == FIT_BITS
    wrong = f"Pi secure boot requires RSA-{FIT_BITS} (key is RSA-{key.bits})"
    return {
        "id": hashlib.sha256(key.label.encode()).hexdigest()[:32],
        "type": "pem",
        "label": key.label,
        "path": key.path,
        "fingerprint": key.fingerprint,
        "algorithm": "RSA",
        "keySize": key.bits,
        "isFitForPurpose": fit,
        "statusMessage": "Valid for secure boot" if fit else wrong,
        "statusLevel": "valid" if fit else "error",
        "wrapped": False,
        "addedAt": "2026-06-30T10:15:00Z",
    }
