"""Tokens in this process: they count wrong PINs, as hardware does."""

import hashlib
from dataclasses import dataclass, field, replace

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from domain.keys.pin import Pin
from domain.keys.reports import KeyReport
from domain.keys.token_refusals import (
    PinLocked,
    PinNotSet,
    PinRequired,
    PinWrong,
    TokenKeyAmbiguous,
    TokenKeyNotFound,
    TokenNotFound,
    TokensUnavailable,
)
from domain.keys.tokens import Token, TokenKey, TokensSeen

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass
class FakeToken:
    """A token: its PIN (empty: never set), its keys, and how many wrong PINs it takes."""

    told: Token
    pin: str
    keys: list[tuple[TokenKey, Private]] = field(default_factory=list)
    tries: int = 3
    logins: list[str] = field(default_factory=list)

    @property
    def token(self) -> Token:
        """The token as it tells of itself now."""
        return replace(
            self.told,
            has_pin=bool(self.pin),
            is_pin_low=self.tries < 3,
            is_final_try=self.tries == 1,
            is_locked=self.tries == 0,
        )

    def add(self, label: str, key_id: bytes, key: Private) -> None:
        """Stores a key."""
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        word = "RSA" if isinstance(key, rsa.RSAPrivateKey) else "EC"
        self.keys.append((TokenKey(label=label, id=key_id, algorithm=word, public=public), key))

    def open(self, pin: Pin | None) -> list[tuple[TokenKey, Private]]:
        """Returns the keys that are seen with this PIN."""
        if pin is None:
            return []
        self.logins.append(pin.text)
        if not self.pin:
            raise PinNotSet(f"The token {self.told.name} has no user PIN yet.")
        if self.tries == 0:
            raise PinLocked(f"The PIN of the token {self.told.name} is locked.")
        if pin.text != self.pin:
            self.tries -= 1
            raise PinWrong(f"The token {self.told.name} refused the PIN.", field="pin")
        self.tries = 3
        return self.keys


@dataclass
class FakeTokens:
    """All tokens; `missing` is the reason why there is no module."""

    tokens: list[FakeToken] = field(default_factory=list)
    missing: str = ""

    async def look(self) -> TokensSeen:
        """Returns the tokens."""
        if self.missing:
            raise TokensUnavailable(self.missing)
        return TokensSeen("fake.so", "Fake 1.0", tuple(held.token for held in self.tokens))

    async def list_keys(self, token: Token, pin: Pin | None) -> list[TokenKey]:
        """Returns the private keys."""
        return [key for key, _ in self._held(token).open(pin)]

    async def list_public_keys(self, token: Token) -> list[TokenKey]:
        """Returns the public keys."""
        return [key for key, _ in self._held(token).keys]

    async def sign(self, token: Token, key: TokenKey, *, digest: bytes, pin: Pin | None) -> bytes:
        """Returns the signature of a digest."""
        held = self._held(token)
        wanted = (key.label, key.id)
        found = [private for known, private in held.open(pin) if (known.label, known.id) == wanted]
        if pin is None:
            raise PinRequired(f"The token {token.name} wants its PIN for this.")
        if not found:
            raise TokenKeyNotFound(f"The token {token.name} has no private key `{key.label}`.")
        if len(found) > 1:
            raise TokenKeyAmbiguous(f"The token {token.name} has several keys `{key.label}`.")
        return _signature(found[0], digest)

    def _held(self, token: Token) -> FakeToken:
        for held in self.tokens:
            if (held.told.label, held.told.serial) == (token.label, token.serial):
                return held
        raise TokenNotFound(f"The token {token.name} is gone.", field="uri")


class NoTokenKeys:
    """Satisfies `domain.keys.token_keys.TokenKeys` where there is no token."""

    async def report(self, uri: str) -> KeyReport:
        """Raises `TokensUnavailable`."""
        raise TokensUnavailable(f"No token for {uri}.")

    async def foresee(self, uri: str) -> KeyReport | None:
        """Raises `TokensUnavailable`."""
        raise TokensUnavailable(f"No token for {uri}.")

    async def public_pem(self, uri: str) -> str:
        """Raises `TokensUnavailable`."""
        raise TokensUnavailable(f"No token for {uri}.")

    async def sign(self, uri: str, message: bytes) -> bytes:
        """Raises `TokensUnavailable`."""
        raise TokensUnavailable(f"No token for {uri} to sign {len(message)} bytes.")


def _signature(key: Private, digest: bytes) -> bytes:
    assert len(digest) == hashlib.sha256().digest_size
    how = Prehashed(hashes.SHA256())
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(digest, padding.PKCS1v15(), how)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(digest, ec.ECDSA(how))
    raise UnsupportedAlgorithm("no such key")
