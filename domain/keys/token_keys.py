"""Signing keys on tokens: a port, since a driver speaks to the token."""

from typing import Protocol

from domain.keys.reports import KeyReport


class TokenKeys(Protocol):
    """Uses private keys on tokens, each named by its URI (RFC 7512). Every method raises kinds of
    `Unavailable`, `NotFound`, `Conflict` and `Invalid` with the precise reason."""

    async def report(self, uri: str) -> KeyReport:
        """Returns the facts of a key as the token has it now, after a login."""

    async def foresee(self, uri: str) -> KeyReport | None:
        """Returns the facts of a key as far as the token shows them to everybody, None where it
        shows none; never logs in, and raises what is known to stop signing with it."""

    async def public_pem(self, uri: str) -> str:
        """Returns the public half as SubjectPublicKeyInfo in PEM; never logs in."""

    async def sign(self, uri: str, message: bytes) -> bytes:
        """Returns the RSA PKCS#1 v1.5 signature over SHA-256 of `message` (RFC 8017 8.2), checked
        with the public half; raises `SignatureWrong` too."""
