"""Key files: where the key pairs of devices lie, and what a public one says of itself."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from domain.host_paths import HostPaths
from domain.kept_files import modified_at, open_real, real_below

LARGEST_KEY = 64 * 1024
"""Bytes. The largest keys in use have about three thousand."""

T = TypeVar("T")
_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH


class KeyPart(StrEnum):
    """Which half of a pair; the file's suffix."""

    PUBLIC = ".pub"
    PRIVATE = ".der"


class KeyForm(StrEnum):
    """How a key file is written, whatever its name says."""

    PEM = "PEM"
    DER = "DER"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key file as it is on the disk; `path` is logical, `size` in bytes, `mode` the permission
    bits."""

    part: KeyPart
    path: str
    size: int
    mode: int
    form: KeyForm
    modified_at: datetime

    @property
    def warning(self) -> str | None:
        """What is wrong with the file, None when nothing is."""
        if self.part is KeyPart.PRIVATE and self.mode & _OTHERS_READ:
            return f"Others than its owner may read this private key; run chmod 600 {self.path}."
        if self.size > LARGEST_KEY:
            return f"This file is larger than {LARGEST_KEY} bytes; it is no key."
        return None


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What a public key says of itself: `fingerprint` is the SHA-256 of its SubjectPublicKeyInfo
    in DER (RFC 5280), lower-case hex; `pem` is the key alone, written anew."""

    pem: str
    fingerprint: str
    algorithm: str
    bits: int


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """A path where a key may be, and the folder that no link may lead out of."""

    path: str
    folder: str


def key_places(logs: str, kept: str, name: str, *, part: KeyPart) -> list[KeyPlace]:
    """Returns where the key of the device `name` may be, in the order of contract devices 6.4;
    `kept` is the configured folder, empty for none."""
    file = f"{name}{part.value}"
    places = [
        KeyPlace(f"{logs}/{name}/keypair/{file}", logs),
        KeyPlace(f"{logs}/{name}/{name}/keypair/{file}", logs),
    ]
    return [*places, KeyPlace(f"{kept.rstrip('/')}/{file}", kept)] if kept else places


def find_key_file(paths: HostPaths, places: Iterable[KeyPlace], part: KeyPart) -> KeyFile | None:
    """Returns the first key file that is there. Blocks."""
    return next(iter(list_key_files(paths, places, part)), None)


def list_key_files(paths: HostPaths, places: Iterable[KeyPlace], part: KeyPart) -> list[KeyFile]:
    """Returns every key file that is there, in the order of `places`. Blocks."""
    return [file for place in places if (file := _look(paths, place, part)) is not None]


def read_key(paths: HostPaths, place: KeyPlace) -> bytes | None:
    """Returns a whole key file, None where there is none or the file is too large. Blocks."""

    def read(handle: int) -> bytes | None:
        content = os.pread(handle, LARGEST_KEY + 1, 0)
        return content if len(content) <= LARGEST_KEY else None

    return _with_file(paths, place, read)


def public_key(content: bytes) -> PublicKey | None:
    """Returns what a public key file says, None when it holds no public key that is known."""
    key = _parsed(content)
    if key is None:
        return None
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    der = key.public_bytes(serialization.Encoding.DER, form)
    pem = key.public_bytes(serialization.Encoding.PEM, form).decode("ascii")
    algorithm, bits = _algorithm(key)
    return PublicKey(pem, hashlib.sha256(der).hexdigest(), algorithm, bits)


def holds_private_key(content: bytes) -> bool:
    """Whether a private key is in there, whatever the file is called."""
    if b"PRIVATE KEY" in content:
        return True
    if not content.startswith(b"\x30"):
        return False
    try:
        serialization.load_der_private_key(content, password=None)
    except TypeError:
        return True  # it is encrypted
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


_Public = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
_Key = _Public | ed448.Ed448PublicKey


def _parsed(content: bytes) -> _Key | None:
    for load in (
        serialization.load_pem_public_key,
        serialization.load_der_public_key,
        serialization.load_ssh_public_key,
    ):
        try:
            key = load(content)
        except (ValueError, UnsupportedAlgorithm):
            continue
        if isinstance(key, _Key):
            return key
    return None


def _algorithm(key: _Key) -> tuple[str, int]:
    if isinstance(key, rsa.RSAPublicKey):
        return "RSA", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}", key.key_size
    return ("Ed25519", 256) if isinstance(key, ed25519.Ed25519PublicKey) else ("Ed448", 448)


def _look(paths: HostPaths, place: KeyPlace, part: KeyPart) -> KeyFile | None:
    def look(handle: int) -> KeyFile:
        status = os.fstat(handle)
        return KeyFile(
            part=part,
            path=place.path,
            size=status.st_size,
            mode=stat.S_IMODE(status.st_mode),
            form=_form(os.pread(handle, 16, 0)),
            modified_at=modified_at(status),
        )

    return _with_file(paths, place, look)


def _form(beginning: bytes) -> KeyForm:
    if beginning.lstrip().startswith(b"-----BEGIN"):
        return KeyForm.PEM
    return KeyForm.DER if beginning.startswith(b"\x30") else KeyForm.OTHER


def _with_file(paths: HostPaths, place: KeyPlace, use: Callable[[int], T]) -> T | None:
    try:
        handle = open_real(real_below(paths, place.path, folder=place.folder))
    except OSError:
        return None
    try:
        return use(handle)
    except OSError:
        return None
    finally:
        os.close(handle)
