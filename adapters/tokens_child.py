"""The child process that asks tokens through python-pkcs11: JSON lines in, JSON lines out.

A vendor's module can hang where nothing interrupts it, and crash; a child can be killed and
started again. It runs as a script and imports nothing of ours. `tokens_child.py MODULE LIMIT`
answers requests `{"id", "call", ...}` with `{"id", "body"}` or `{"id", "error", "flags"}`, and
ends with its standard input. PINs come in requests alone, never on the command line.
"""

import base64
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol, TextIO, cast

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, TokenFlag
from pkcs11.exceptions import (
    AttributeSensitive,
    AttributeTypeInvalid,
    MechanismInvalid,
    PKCS11Error,
)
from pkcs11.util.ec import encode_ec_public_key, encode_ecdsa_signature
from pkcs11.util.rsa import encode_rsa_public_key

Request = dict[str, str]
Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
"""What stands before a SHA-256 digest in an RSA signature (RFC 8017 section 9.2, note 1)."""


class Library(Protocol):
    """What is used of a module; python-pkcs11 names its class nowhere public."""

    library_description: str
    library_version: tuple[int, int]

    def get_slots(self, token_present: bool = False) -> list[pkcs11.Slot]:  # noqa: FBT001, FBT002 -- theirs
        """Returns the slots."""

    def reinitialize(self) -> None:
        """Forgets all sessions and looks for tokens again."""


class Signing(Protocol):
    """What is used of a private key that may sign."""

    def sign(self, data: bytes, *, mechanism: Mechanism, pin: str | None) -> bytes:
        """Returns a signature."""


class Refusal(Exception):
    """An answer of this process's own, by a word."""


def main() -> None:
    """Serves until the standard input ends."""
    module, limit = sys.argv[1:]
    # The service ends this process by closing the pipe; a Ctrl-C at its terminal is not for us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # A crash must not leave a PIN in a core file.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(BrokenPipeError), _answers() as answers:
        for line in sys.stdin:
            with _ending_in(2 * float(limit)):
                answers.write(json.dumps(_answer(module, json.loads(line))) + "\n")
                answers.flush()


@contextmanager
def _answers() -> Iterator[TextIO]:
    """Opens the way back, and turns what modules print there to the standard error."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        yield answers


@contextmanager
def _ending_in(seconds: float) -> Iterator[None]:
    """Ends this process when the block takes longer: a service that lives has killed it by then,
    and one that was itself killed leaves no child behind in a hung module."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(module: str, request: Request) -> dict[str, Plain]:
    answer: dict[str, Plain] = {"id": request["id"]}
    try:
        library = _loaded(module)
        # Tokens that were plugged in meanwhile are only seen from here on.
        library.reinitialize()
        return answer | {"body": CALLS[request["call"]](library, request)}
    except Refusal as refusal:
        return answer | {"error": str(refusal)}
    except PKCS11Error as error:
        return answer | {"error": type(error).__name__}


def _loaded(module: str) -> Library:
    try:
        return cast("Library", pkcs11.lib(module))
    except RuntimeError:
        # So the library says that it cannot be opened, is no module, or refused to begin.
        raise Refusal("ModuleBroken") from None


def _look(library: Library, _: Request) -> Plain:
    version = ".".join(map(str, library.library_version))
    return {
        "description": f"{library.library_description} {version}",
        "tokens": [_token(token) for token in _tokens(library)],
    }


def _tokens(library: Library) -> Iterator[pkcs11.Token]:
    for slot in library.get_slots(token_present=True):
        # One that is being pulled out must not hide the others.
        with suppress(PKCS11Error):
            yield slot.get_token()


def _token(token: pkcs11.Token) -> dict[str, Plain]:
    return {
        "label": token.label,
        "serial": _serial(token),
        "manufacturer": token.manufacturer_id,
        "model": token.model,
        "slot": token.slot.slot_description,
        "slot_id": token.slot.slot_id,
        "flags": _flags(token),
    }


def _serial(token: pkcs11.Token) -> str:
    return token.serial.decode("utf-8", "replace").rstrip("\0 ")


def _flags(token: pkcs11.Token) -> list[Plain]:
    return [flag.name for flag in TokenFlag if flag in token.flags]


@contextmanager
def _session(library: Library, request: Request) -> Iterator[pkcs11.Session]:
    token = _chosen(library, request)
    pin = request.get("pin")
    try:
        session = token.open(user_pin=pin) if pin else token.open()
    except PKCS11Error as error:
        again = [known for known in _tokens(library) if _same(known, request)]
        flags = " ".join(str(flag) for flag in _flags(again[0])) if again else ""
        raise Refusal(f"{type(error).__name__} {flags}".strip()) from None
    with session:
        yield session


def _chosen(library: Library, request: Request) -> pkcs11.Token:
    found = [token for token in _tokens(library) if _same(token, request)]
    if len(found) != 1:
        raise Refusal("NoSuchToken" if not found else "MultipleTokensReturned")
    return found[0]


def _same(token: pkcs11.Token, request: Request) -> bool:
    return (token.label, _serial(token)) == (request["label"], request["serial"])


def _list_keys(library: Library, request: Request) -> Plain:
    with _session(library, request) as session:
        publics = _objects(session, ObjectClass.PUBLIC_KEY)
        return [_key(key, publics) for key in _objects(session, ObjectClass.PRIVATE_KEY)]


def _list_public_keys(library: Library, request: Request) -> Plain:
    with _session(library, request) as session:
        return [_key(key, []) for key in _objects(session, ObjectClass.PUBLIC_KEY)]


def _objects(session: pkcs11.Session, kind: ObjectClass) -> list[pkcs11.Object]:
    # Read to the end: a search that is left half way spoils its session.
    return list(session.get_objects({Attribute.CLASS: kind}))


def _key(key: pkcs11.Object, publics: list[pkcs11.Object]) -> Plain:
    kind = _get(key, Attribute.KEY_TYPE)
    return {
        "label": _label(key),
        "id": _id(key).hex(),
        "algorithm": getattr(kind, "name", "unknown"),
        "public": base64.b64encode(_public(key, kind, publics)).decode(),
    }


def _label(key: pkcs11.Object) -> str:
    return str(_get(key, Attribute.LABEL) or "")


def _id(key: pkcs11.Object) -> bytes:
    return cast("bytes", _get(key, Attribute.ID) or b"")


def _get(key: pkcs11.Object, attribute: Attribute) -> object:
    try:
        return key[attribute]
    except (AttributeTypeInvalid, AttributeSensitive):
        return None


def _public(key: pkcs11.Object, kind: object, publics: list[pkcs11.Object]) -> bytes:
    """Returns the public half in DER: PKCS#1 of an RSA key, SubjectPublicKeyInfo of an EC key.

    An RSA key may tell its own; others are looked up among the public keys.
    """
    for half in [key, *(public for public in publics if _belongs(public, key, kind))]:
        known = cast("pkcs11.PublicKey", half)
        if kind is KeyType.RSA and _get(half, Attribute.PUBLIC_EXPONENT):
            return encode_rsa_public_key(known)
        if kind is KeyType.EC and _get(half, Attribute.EC_POINT):
            return encode_ec_public_key(known)
    return b""


def _belongs(public: pkcs11.Object, key: pkcs11.Object, kind: object) -> bool:
    if _get(public, Attribute.KEY_TYPE) is not kind:
        return False
    if kind is KeyType.RSA:
        return _get(public, Attribute.MODULUS) == _get(key, Attribute.MODULUS)
    return _id(public) == _id(key) if _id(key) else _label(public) == _label(key)


def _sign(library: Library, request: Request) -> Plain:
    wanted = (request["key_label"], bytes.fromhex(request["key_id"]))
    with _session(library, request) as session:
        private = _objects(session, ObjectClass.PRIVATE_KEY)
        found = [key for key in private if (_label(key), _id(key)) == wanted]
        if len(found) != 1:
            raise Refusal("NoSuchKey" if not found else "MultipleObjectsReturned")
        return base64.b64encode(_signature(found[0], request)).decode()


def _signature(found: pkcs11.Object, request: Request) -> bytes:
    key, kind = cast("Signing", found), _get(found, Attribute.KEY_TYPE)
    digest = bytes.fromhex(request["digest"])
    # Such a key wants the PIN once more for each signature.
    pin = request.get("pin") if _get(found, Attribute.ALWAYS_AUTHENTICATE) else None
    if kind is KeyType.RSA:
        return key.sign(DIGEST_INFO + digest, mechanism=Mechanism.RSA_PKCS, pin=pin)
    if kind is KeyType.EC:
        return encode_ecdsa_signature(key.sign(digest, mechanism=Mechanism.ECDSA, pin=pin))
    raise MechanismInvalid


CALLS: dict[str, Callable[[Library, Request], Plain]] = {
    "look": _look,
    "list_keys": _list_keys,
    "list_public_keys": _list_public_keys,
    "sign": _sign,
}

if __name__ == "__main__":
    main()
