"""Tokens: the hardware that keeps signing keys, as a port, since only a driver reaches it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from domain.keys.pin import Pin


class PinState(StrEnum):
    """How a token stands to PINs."""

    NOT_NEEDED = "NOT_NEEDED"
    NOT_SET = "NOT_SET"
    READY = "READY"
    LOW = "LOW"
    FINAL_TRY = "FINAL_TRY"
    LOCKED = "LOCKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token and what it says of its PIN (PKCS#11 2.40 section 3.2, CK_TOKEN_INFO).

    `label` and `serial` tell it from others; slot numbers change and say nothing.
    `is_pin_low` means that a wrong PIN was tried since the last right one, `is_final_try` that
    one more locks it.
    """

    label: str
    serial: str
    manufacturer: str = ""
    model: str = ""
    slot: str = ""
    slot_id: int = 0
    is_initialised: bool = True
    needs_login: bool = True
    has_pin: bool = True
    is_pin_low: bool = False
    is_final_try: bool = False
    is_locked: bool = False

    @property
    def name(self) -> str:
        """The token as people are told of it."""
        return f"`{self.label}` (serial {self.serial})"

    @property
    def pin_state(self) -> PinState:
        """The flags about the PIN as one word, the gravest that is true."""
        states = {
            PinState.NOT_NEEDED: not self.needs_login,
            PinState.NOT_SET: not self.has_pin,
            PinState.LOCKED: self.is_locked,
            PinState.FINAL_TRY: self.is_final_try,
            PinState.LOW: self.is_pin_low,
        }
        return next((state for state, is_true in states.items() if is_true), PinState.READY)


@dataclass(frozen=True, slots=True)
class TokensSeen:
    """The module that answered and the tokens it sees."""

    module: str
    description: str
    tokens: tuple[Token, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """A private key on a token. `algorithm` is `RSA`, `EC` or the token's own word; `public` is
    the public half as SubjectPublicKeyInfo in DER, empty where the token does not tell it."""

    label: str
    id: bytes
    algorithm: str
    public: bytes = field(default=b"", repr=False)


class Tokens(Protocol):
    """Asks tokens. Every method raises `TokensUnavailable` and `TokenRefused`; those that take a
    PIN try it once, on this one token, and raise `PinWrong`, `PinLocked`, `PinNotSet` and
    `TokenNotFound`."""

    async def look(self) -> TokensSeen:
        """Returns the tokens that are plugged in; never logs in."""

    async def list_keys(self, token: Token, pin: Pin | None) -> list[TokenKey]:
        """Returns the private keys; without a PIN those that are seen without a login."""

    async def list_public_keys(self, token: Token) -> list[TokenKey]:
        """Returns the public keys that are seen without a login."""

    async def sign(self, token: Token, key: TokenKey, *, digest: bytes, pin: Pin | None) -> bytes:
        """Returns the signature of a SHA-256 `digest` (32 bytes): RSA PKCS#1 v1.5 (RFC 8017
        section 8.2), or ECDSA in DER (RFC 3279 section 2.2.3).

        Raises `TokenKeyNotFound`, `TokenKeyAmbiguous` and `TokenKeyUnusable`.
        """
