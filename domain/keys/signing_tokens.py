"""Signing keys on tokens: found, read and signed with through one path."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from domain.errors import ProvisionerError
from domain.keys.pin import Pin
from domain.keys.pkcs11_uri import (
    Pkcs11Uri,
    UriPin,
    build_uri,
    parse_key_uri,
    require_private,
    split_pin,
)
from domain.keys.reports import KeyReport, failed_report, report_of
from domain.keys.signing import SignatureWrong
from domain.keys.token_choice import choose_key, choose_token, is_key
from domain.keys.token_refusals import (
    PinLocked,
    PinWrong,
    TokenKeyNotFound,
    TokenKeyUnusable,
)
from domain.keys.tokens import Token, TokenKey, Tokens, TokensSeen
from domain.keys.unlocking import Unlocking

R = TypeVar("R")
_HASH = Prehashed(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class FoundKey:
    """An RSA private key on a token, with the URI that names it and what is found out of it."""

    uri: str
    label: str
    token: Token
    report: KeyReport


@dataclass(frozen=True, slots=True)
class TokensStatus:
    """What was seen, or None and the reason."""

    seen: TokensSeen | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What discovery found; `problem` says why there is nothing, empty when all went well.
    `is_available` is whether tokens can be asked at all."""

    is_available: bool
    keys: tuple[FoundKey, ...] = ()
    problem: str = ""


class SigningTokens:
    """Uses keys on tokens. A PIN is given or the stored one; it is only ever tried on the one
    token that the URI means. Methods raise what `Tokens`, `choose_token`, `choose_key` and
    `Unlocking` raise, and `Pkcs11UriInvalid`."""

    def __init__(self, tokens: Tokens, unlocking: Unlocking) -> None:
        self._tokens = tokens
        self._unlocking = unlocking

    async def status(self) -> TokensStatus:
        """Returns the tokens that are plugged in, or why none can be asked; never logs in."""
        try:
            return TokensStatus(await self._tokens.look())
        except ProvisionerError as error:
            return TokensStatus(None, error.message)

    async def list_keys(self, *, token: str = "", pin: Pin | None = None) -> list[FoundKey]:
        """Returns the RSA private keys of one token: the one of this label or serial, by default
        the only one."""
        seen = (await self._tokens.look()).tokens
        named = [known for known in seen if token and token == known.serial]
        chosen = named[0] if len(named) == 1 else choose_token(seen, _uri_of(token))
        keys = await self._opened(chosen, pin, lambda used: self._tokens.list_keys(chosen, used))
        twins = [known for known in seen if known.label == chosen.label]
        serial = chosen.serial if len(twins) > 1 else ""
        # Tokens list them in any order.
        found = sorted(keys, key=lambda key: (key.label, key.id))
        return [_found(key, chosen, serial) for key in found if key.algorithm == "RSA"]

    async def discover(self, *, token: str = "", pin: Pin | None = None) -> Discovery:
        """Like `list_keys`, with what is in the way as part of the answer (contract configuration
        12, pkcs11-discover)."""
        try:
            keys = tuple(await self.list_keys(token=token, pin=pin))
        except ProvisionerError as error:
            status = await self.status()
            return Discovery(is_available=status.seen is not None, problem=error.message)
        return Discovery(is_available=True, keys=keys)

    async def check(self, uri: str, *, pin: Pin | None = None) -> KeyReport:
        """Like `report`, with what is in the way as the answer's problem (contract configuration
        12, validate-key); raises `Pkcs11UriInvalid` only for a text that is no URI."""
        split_pin(uri)
        try:
            return await self.report(uri, pin=pin)
        except ProvisionerError as error:
            return failed_report(error.message)

    async def report(self, uri: str, *, pin: Pin | None = None) -> KeyReport:
        """Returns the facts of a key as the token has it now."""
        _, key, _ = await self._read(parse_key_uri(uri), pin)
        return _report(key)

    async def public_pem(self, uri: str) -> str:
        """Returns the public half as SubjectPublicKeyInfo in PEM, of the public keys that the
        token shows to everybody; never logs in."""
        named = parse_key_uri(uri)
        token = choose_token((await self._tokens.look()).tokens, named)
        shown = await self._tokens.list_public_keys(token)
        if not any(is_key(key, named) for key in shown):
            raise TokenKeyNotFound(
                f"The token {token.name} shows no such public key without a login; "
                "`provisioner-service keyhelper pubkey` logs in with the stored PIN.",
                field="uri",
            )
        return _pem(choose_key(shown, named, token), token)

    async def foresee(self, uri: str) -> KeyReport | None:
        """Returns the facts of a key as far as they are seen without a login, None where the
        token hides its public keys; raises what is already known to stop signing with it.

        Nothing is tried: whether the stored PIN is right only a signature tells.
        """
        named, own = split_pin(uri)
        token = choose_token((await self._tokens.look()).tokens, named)
        if own == UriPin():
            await self._unlocking.pin_for(token, None)
        shown = [key for key in await self._tokens.list_public_keys(token) if is_key(key, named)]
        return _report(choose_key(shown, named, token)) if shown else None

    async def unlocked_public_pem(self, uri: Pkcs11Uri, *, pin: Pin | None = None) -> str:
        """Returns the same after a login."""
        token, key, _ = await self._read(uri, pin)
        return _pem(key, token)

    async def sign(self, uri: str, message: bytes, *, pin: Pin | None = None) -> bytes:
        """Returns the signature over SHA-256 of `message`, as `sign_digest` does."""
        return await self.sign_digest(parse_key_uri(uri), hashlib.sha256(message).digest(), pin=pin)

    async def sign_digest(self, uri: Pkcs11Uri, digest: bytes, *, pin: Pin | None = None) -> bytes:
        """Returns the signature of a SHA-256 digest: RSA PKCS#1 v1.5 (RFC 8017 section 8.2), of
        an EC key ECDSA in DER. It was checked with the key's public half."""
        token, key, used = await self._read(uri, pin)
        signature = await self._tokens.sign(token, key, digest=digest, pin=used)
        if not _holds(_public(key), signature, digest):
            text = f"The token {token.name} made a signature that its own key does not confirm."
            raise SignatureWrong(text, detail=key.label)
        return signature

    async def _read(self, uri: Pkcs11Uri, given: Pin | None) -> tuple[Token, TokenKey, Pin | None]:
        require_private(uri)
        token = choose_token((await self._tokens.look()).tokens, uri)

        async def keys(pin: Pin | None) -> tuple[Pin | None, list[TokenKey]]:
            return pin, await self._tokens.list_keys(token, pin)

        used, found = await self._opened(token, given, keys)
        return token, choose_key(found, uri, token), used

    async def _opened(
        self, token: Token, given: Pin | None, ask: Callable[[Pin | None], Awaitable[R]]
    ) -> R:
        pin = await self._unlocking.pin_for(token, given)
        if pin is None:
            return await ask(None)
        try:
            answer = await ask(pin)
        except (PinWrong, PinLocked):
            self._unlocking.tried(token, pin, given=given, is_refused=True)
            raise
        self._unlocking.tried(token, pin, given=given, is_refused=False)
        return answer


def _uri_of(token: str) -> Pkcs11Uri:
    return Pkcs11Uri({"token": token.encode(errors="replace")} if token else {})


def _found(key: TokenKey, token: Token, serial: str) -> FoundKey:
    # What no screen can show has no place in a URI; the id still names the key.
    label, name = (text if text.isprintable() else "" for text in (key.label, token.label))
    uri = build_uri(token=name, serial=serial, label=label, key_id=key.id)
    return FoundKey(str(uri), label, token, _report(key))


def _report(key: TokenKey) -> KeyReport:
    public = _public(key)
    if public is None:
        return failed_report("The token does not tell the public half of this key")
    return report_of(public)


def _pem(key: TokenKey, token: Token) -> str:
    public = _public(key)
    if public is None:
        raise TokenKeyUnusable(f"The token {token.name} does not tell the public half.")
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _public(key: TokenKey) -> PublicKeyTypes | None:
    try:
        return load_der_public_key(key.public) if key.public else None
    except (ValueError, UnsupportedAlgorithm):
        return None


def _holds(public: PublicKeyTypes | None, signature: bytes, digest: bytes) -> bool:
    """Whether the signature is right, as far as the public half is known."""
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, digest, padding.PKCS1v15(), _HASH)
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, digest, ec.ECDSA(_HASH))
    except InvalidSignature:
        return False
    return True
