"""Tokens as python-pkcs11 reaches them through p11-kit, from a process of its own."""

import base64
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from adapters.systemd_pipe import Line, Plain
from adapters.tokens_calls import TokenCalls
from adapters.tokens_failures import failure
from domain.keys.pin import Pin
from domain.keys.token_refusals import TokensUnavailable
from domain.keys.tokens import Token, TokenKey, TokensSeen

PROXY = "p11-kit-proxy.so"
LIMIT = 20.0
"""Seconds; a smart card takes two or three for an RSA-4096 signature, a network HSM as long."""


class Pkcs11Tokens:
    """Satisfies `domain.keys.tokens.Tokens`.

    `module` is the path of a PKCS#11 module, empty for p11-kit's proxy, which shows the tokens of
    all modules that the administrator configured. `limit` is the seconds that a call may take.
    Nothing is opened before it is used.
    """

    def __init__(
        self,
        module: str = "",
        *,
        environment: Mapping[str, str] | None = None,
        limit: float = LIMIT,
    ) -> None:
        self._asked_for = module
        self._calls = TokenCalls(environment, limit=limit)
        self._failure: TokensUnavailable | None = None

    async def aclose(self) -> None:
        """Ends the process; takes some seconds at most."""
        await self._calls.aclose()

    async def probe(self) -> None:
        """Raises `TokensUnavailable` where there is no module, or while the last question to it
        failed; starts nothing."""
        find_module(self._asked_for)
        if self._failure is not None:
            raise TokensUnavailable(self._failure.message)

    async def look(self) -> TokensSeen:
        """Returns the tokens that are plugged in; never logs in."""
        module = find_module(self._asked_for)
        body = await self._answer(module, {"call": "look"})
        if not isinstance(body, dict):
            raise _nonsense()
        tokens = tuple(_token(entry) for entry in _entries(body["tokens"]))
        return TokensSeen(Path(module).name, str(body["description"]), tokens)

    async def list_keys(self, token: Token, pin: Pin | None) -> list[TokenKey]:
        """Returns the private keys."""
        body = await self._asked("list_keys", token, pin)
        return [_key(entry) for entry in _entries(body)]

    async def list_public_keys(self, token: Token) -> list[TokenKey]:
        """Returns the public keys that are seen without a login."""
        body = await self._asked("list_public_keys", token, None)
        return [_key(entry) for entry in _entries(body)]

    async def sign(self, token: Token, key: TokenKey, *, digest: bytes, pin: Pin | None) -> bytes:
        """Returns the signature of a digest."""
        wanted = {"key_label": key.label, "key_id": key.id.hex(), "digest": digest.hex()}
        body = await self._asked("sign", token, pin, **wanted)
        return base64.b64decode(str(body), validate=True)

    async def _asked(self, call: str, token: Token, pin: Pin | None, **more: str) -> Plain:
        request = {"call": call, "label": token.label, "serial": token.serial, **more}
        if pin is not None:
            request["pin"] = pin.text
        module = find_module(self._asked_for)
        return await self._answer(module, request, token, key=more.get("key_label", ""))

    async def _answer(
        self, module: str, request: Mapping[str, str], token: Token | None = None, *, key: str = ""
    ) -> Plain:
        try:
            body = _body(await self._calls.ask(module, request), token, key=key)
        except TokensUnavailable as failure:
            self._failure = failure
            raise
        self._failure = None
        return body


def find_module(asked_for: str = "") -> str:
    """Returns the path of the module, by default of p11-kit's proxy; raises `TokensUnavailable`
    where there is none."""
    if asked_for:
        if Path(asked_for).is_file():
            return asked_for
        raise TokensUnavailable(
            "The PKCS#11 module of the setting `pkcs11_module` is not there; correct the setting, "
            "or leave it out to use p11-kit's."
        )
    own = Path("/usr/lib", sysconfig.get_config_var("MULTIARCH") or "", PROXY)
    found = [own, *Path("/usr/lib").glob(f"*/{PROXY}"), Path("/usr/lib64", PROXY)]
    for path in found:
        if path.is_file():
            return str(path)
    raise TokensUnavailable(
        "p11-kit is not installed, so no token can be asked: install the Debian packages p11-kit "
        "and p11-kit-modules."
    )


def _body(answer: Line, token: Token | None = None, *, key: str = "") -> Plain:
    if "error" in answer:
        words = str(answer["error"]).split()
        raise failure(words[0], frozenset(words[1:]), token=token, key=key)
    return answer["body"]


def _entries(body: Plain) -> list[dict[str, Plain]]:
    if not isinstance(body, list):
        raise _nonsense()
    return [entry for entry in body if isinstance(entry, dict)]


def _token(entry: dict[str, Plain]) -> Token:
    flags = entry["flags"] if isinstance(entry["flags"], list) else []
    slot_id = entry["slot_id"]
    return Token(
        label=str(entry["label"]),
        serial=str(entry["serial"]),
        manufacturer=str(entry["manufacturer"]),
        model=str(entry["model"]),
        slot=str(entry["slot"]),
        slot_id=slot_id if isinstance(slot_id, int) else 0,
        is_initialised="TOKEN_INITIALIZED" in flags,
        needs_login="LOGIN_REQUIRED" in flags,
        has_pin="USER_PIN_INITIALIZED" in flags,
        is_pin_low="USER_PIN_COUNT_LOW" in flags,
        is_final_try="USER_PIN_FINAL_TRY" in flags,
        is_locked="USER_PIN_LOCKED" in flags,
    )


def _key(entry: dict[str, Plain]) -> TokenKey:
    return TokenKey(
        label=str(entry["label"]),
        id=bytes.fromhex(str(entry["id"])),
        algorithm=str(entry["algorithm"]),
        public=_public(base64.b64decode(str(entry["public"]), validate=True)),
    )


def _public(der: bytes) -> bytes:
    """Returns SubjectPublicKeyInfo of a public key in whatever DER; empty where nobody reads it."""
    try:
        key = load_der_public_key(der) if der else None
    except (ValueError, UnsupportedAlgorithm):
        return b""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) if key else b""


def _nonsense() -> TokensUnavailable:
    return TokensUnavailable("The process that asks tokens answered what it never should.")
