"""The station's signing keys and their registry (contract configuration sections 7, 10)."""

import functools
import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from server.demo.tree import Tree

KEYS = "/etc/rpi-sb-provisioner/keys"
FIT_BITS, UNFIT_BITS = 2048, 4096

KeyFactory = Callable[[int], rsa.RSAPrivateKey]
"""Makes a key of so many bits; called from worker threads."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The active key: public facts only."""

    label: str
    path: str
    fingerprint: str
    added_at: datetime


@functools.cache
def generate_key(bits: int) -> rsa.RSAPrivateKey:
    """Returns a key with the exponent 65537, made once in a process: it protects nothing."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def key_fingerprint(modulus: int, exponent: int) -> str:
    """Returns the hash that boards burn of an RSA-2048 key (contract configuration section 7.4).

    SHA-256 over 256 bytes of modulus and 8 bytes of exponent, little-endian, as lower-case hex.
    """
    numbers = modulus.to_bytes(256, "little") + exponent.to_bytes(8, "little")
    return hashlib.sha256(numbers).hexdigest()


def build_signing_keys(
    tree: Tree,
    *,
    fit: rsa.RSAPrivateKey,
    unfit: rsa.RSAPrivateKey,
    seed: int,
    added_at: datetime,
) -> SigningKey:
    """Stores both keys and the registry; returns the active one, which is the fit one."""
    chance = random.Random(f"{seed}/keys")
    active = _key_entry("production-2026.pem", fit, chance=chance, added_at=added_at)
    other = _key_entry("too-big.pem", unfit, chance=chance, added_at=added_at)
    tree.folder(KEYS, mode=0o700)
    for entry, key in ((active, fit), (other, unfit)):
        tree.write(str(entry["path"]), _pem(key), mode=0o400)
    registry = {"activeKeyId": active["id"], "keys": [active, other]}
    tree.write(f"{KEYS}/registry.json", json.dumps(registry, indent="\t") + "\n", mode=0o600)
    path, fingerprint = str(active["path"]), str(active["fingerprint"])
    return SigningKey(str(active["label"]), path, fingerprint, added_at)


def _key_entry(
    name: str, key: rsa.RSAPrivateKey, *, chance: random.Random, added_at: datetime
) -> dict[str, str | int | bool]:
    numbers, fit = key.public_key().public_numbers(), key.key_size == FIT_BITS
    verdict = f"Pi secure boot requires RSA-2048 (key is RSA-{key.key_size})"
    return {
        "id": f"{chance.getrandbits(128):032x}",
        "type": "pem",
        "label": name,
        "path": f"{KEYS}/{name}",
        "fingerprint": key_fingerprint(numbers.n, numbers.e) if fit else "",
        "algorithm": "RSA",
        "keySize": key.key_size,
        "isFitForPurpose": fit,
        "statusMessage": "Valid for secure boot" if fit else verdict,
        "statusLevel": "valid" if fit else "error",
        # A simulated station has no key in one-time memory to wrap with: the legacy plain form.
        "wrapped": False,
        "addedAt": added_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
