"""Keys for tests, made once in a process; they protect nothing."""

import subprocess
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

PEM = serialization.Encoding.PEM
PKCS8 = serialization.PrivateFormat.PKCS8
PKCS1 = serialization.PrivateFormat.TraditionalOpenSSL
OPENSSH = serialization.PrivateFormat.OpenSSH
OPEN = serialization.NoEncryption()
LOCKED = serialization.BestAvailableEncryption(b"secret words")


def rsa_key(number: int = 0, *, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Returns the test's RSA key of this number."""
    return _made(number, bits)


@cache
def _made(number: int, bits: int) -> rsa.RSAPrivateKey:
    del number
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def rsa_pem(number: int = 0, *, bits: int = 2048) -> bytes:
    """Returns an RSA key as PKCS#8."""
    return rsa_key(number, bits=bits).private_bytes(PEM, PKCS8, OPEN)


@cache
def ec_pem() -> bytes:
    """Returns an EC key as PKCS#8."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(PEM, PKCS8, OPEN)


@cache
def ed25519_pem() -> bytes:
    """Returns an Ed25519 key as PKCS#8."""
    return ed25519.Ed25519PrivateKey.generate().private_bytes(PEM, PKCS8, OPEN)


def public_pem(number: int = 0) -> bytes:
    """Returns the public half of an RSA key."""
    public = rsa_key(number).public_key()
    return public.public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def openssl(*arguments: str | Path, given: bytes = b"") -> bytes:
    """Returns what the program openssl answers."""
    command = ["openssl", *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout
