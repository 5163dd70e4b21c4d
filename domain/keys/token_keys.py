"""Signing keys on tokens: a port, since a driver speaks to the token."""

from typing import Protocol

from domain.errors import Unsupported
from domain.keys.reports import KeyReport


class TokenKeysUnsupported(Unsupported):
    """This service speaks to no token."""

    code = "TOKENS_UNSUPPORTED"
    title = "No Tokens"
    meaning = "Keys on PKCS#11 tokens cannot be used here."
    remedy = "Use a key in a PEM file, or sign with the station's own scripts."


class TokenKeys(Protocol):
    """Uses private keys on tokens, each named by its URI (RFC 7512). Every method raises kinds of
    `Unavailable`, `NotFound` and `Invalid` with the precise reason."""

    async def report(self, uri: str) -> KeyReport:
        """Returns the facts of a key as the token has it now."""

    async def public_pem(self, uri: str) -> str:
        """Returns the public half as SubjectPublicKeyInfo in PEM."""

    async def sign(self, uri: str, message: bytes) -> bytes:
        """Returns the RSA PKCS#1 v1.5 signature over SHA-256 of `message` (RFC 8017 8.2)."""


class NoTokens:
    """Satisfies `TokenKeys` where no driver is wired."""

    async def report(self, uri: str) -> KeyReport:
        """Raises `TokenKeysUnsupported`."""
        raise _unsupported(uri)

    async def public_pem(self, uri: str) -> str:
        """Raises `TokenKeysUnsupported`."""
        raise _unsupported(uri)

    async def sign(self, uri: str, message: bytes) -> bytes:
        """Raises `TokenKeysUnsupported`."""
        del message
        raise _unsupported(uri)


def _unsupported(uri: str) -> TokenKeysUnsupported:
    text = "This service speaks to no token; use a key in a PEM file."
    return TokenKeysUnsupported(text, detail=uri.partition("?")[0])
