"""PKCS#11 URIs (RFC 7512): how the configuration and the registry name a key on a token."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import quote_from_bytes, unquote_to_bytes

from domain.errors import Invalid

SCHEME = "pkcs11:"
LONGEST_URI = 4096
"""Characters; the labels of one key and its token take 200."""
ATTRIBUTES = (
    "token",
    "manufacturer",
    "model",
    "serial",
    "library-manufacturer",
    "library-description",
    "library-version",
    "slot-manufacturer",
    "slot-description",
    "slot-id",
    "object",
    "type",
    "id",
)
"""The path attributes of RFC 7512 section 2.3, in the order that the builder writes them."""
QUERY_ATTRIBUTES = ("pin-value", "pin-source", "module-name", "module-path")
"""The query attributes of RFC 7512 section 2.3."""
UNDERSTOOD = ("token", "manufacturer", "model", "serial", "slot-id", "object", "type", "id")
"""Those that a token or a key is chosen by; others would be promised and not kept."""
_PLAIN = ":[]@!$'()*+,=&"
"""What stands for itself in an attribute's value (RFC 7512 section 2.3, pk11-path-res-avail)."""
_VALUE = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=&-]|%[0-9A-Fa-f]{2})*")
_QUERY_VALUE = re.compile(r"(?:[A-Za-z0-9._~:\[\]@!$'()*+,=/?|-]|%[0-9A-Fa-f]{2})*")
_NAME = re.compile(r"[A-Za-z0-9-]+")


class Pkcs11UriInvalid(Invalid):
    """A text that is no PKCS#11 URI, or names no private key."""

    code = "INVALID_PKCS11_URI"
    title = "Invalid URI"
    meaning = "The text is no PKCS#11 URI (RFC 7512) of a private key on a token."
    remedy = (
        "Write pkcs11:token=TOKEN;object=KEY;type=private, with %20 for a space and the like; "
        "discovery lists the URIs of all keys."
    )


@dataclass(frozen=True, slots=True)
class Pkcs11Uri:
    """The path attributes of a URI, percent-decoded; PINs and module names are never part of it.

    `values` maps names of `ATTRIBUTES` to bytes; raises `Pkcs11UriInvalid` for others.
    """

    values: Mapping[str, bytes]

    def __post_init__(self) -> None:
        for name, value in self.values.items():
            if name not in UNDERSTOOD:
                raise _unknown(name)
            if name != "id":
                _text(name, value)
        if not self.text("slot-id").isdigit() and "slot-id" in self.values:
            raise _wrong("`slot-id` is a number", "slot-id")
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))

    def text(self, name: str) -> str:
        """Returns an attribute as text, empty when the URI does not have it."""
        return self.values.get(name, b"").decode()

    @property
    def id(self) -> bytes:
        """The key's CKA_ID, empty when the URI does not have it."""
        return self.values.get("id", b"")

    def __str__(self) -> str:
        """Returns the one spelling of this URI: two that mean the same are the same text."""
        named = [name for name in ATTRIBUTES if name in self.values]
        return SCHEME + ";".join(f"{name}={_encoded(name, self.values[name])}" for name in named)


@dataclass(frozen=True, slots=True)
class UriPin:
    """What a URI says of a PIN: the PIN itself (`pin-value`), or the file it is in (`pin-source`).

    Only the shell side's signing reads it: URIs of old configurations may hold one.
    """

    value: str = field(default="", repr=False)
    source: str = ""


def build_uri(*, token: str, label: str, key_id: bytes = b"", serial: str = "") -> Pkcs11Uri:
    """Returns the URI of a private key; empty arguments are left out."""
    texts = {"token": token, "serial": serial, "object": label, "type": "private"}
    values = {name: text.encode() for name, text in texts.items() if text}
    return Pkcs11Uri(values | ({"id": key_id} if key_id else {}))


def parse_uri(text: str) -> Pkcs11Uri:
    """Returns the URI in `text`.

    Raises `Pkcs11UriInvalid`, without repeating it where it holds a PIN: a URI lands in files,
    answers and logs, so a PIN has no place in it.
    """
    uri, pin = split_pin(text)
    if pin != UriPin():
        message = (
            "The URI holds a PIN (`pin-value` or `pin-source`); leave that out and give the PIN "
            "beside the URI, or store it."
        )
        raise Pkcs11UriInvalid(message, field="uri")
    return uri


def parse_key_uri(text: str) -> Pkcs11Uri:
    """Returns the URI of a private key: one with `object=` and `type=private` (contract
    configuration 9); raises `Pkcs11UriInvalid`."""
    return require_key(parse_uri(text))


def require_key(uri: Pkcs11Uri) -> Pkcs11Uri:
    """Returns `uri` if it names a private key; raises `Pkcs11UriInvalid`."""
    if not uri.text("object"):
        raise _wrong("`object=` is missing: the label of the key", "object")
    if "type" not in uri.values:
        raise _wrong("`type=private` is missing", "type")
    return require_private(uri)


def require_private(uri: Pkcs11Uri) -> Pkcs11Uri:
    """Returns `uri` unless it names something else than a private key; raises
    `Pkcs11UriInvalid`."""
    if uri.text("type") not in ("", "private"):
        raise _wrong("it names no private key; `type` is `private`", "type")
    return uri


def split_pin(text: str) -> tuple[Pkcs11Uri, UriPin]:
    """Returns the URI and what it says of a PIN; raises `Pkcs11UriInvalid` as `parse_uri`."""
    if len(text) > LONGEST_URI:
        raise _wrong(f"it is longer than {LONGEST_URI} characters")
    if not text.startswith(SCHEME):
        raise _wrong(f"it does not begin with `{SCHEME}`")
    path, _, query = text.removeprefix(SCHEME).partition("?")
    values = _attributes(path.split(";") if path else [], _VALUE)
    return Pkcs11Uri(values), _pin(_attributes(query.split("&") if query else [], _QUERY_VALUE))


def _attributes(parts: list[str], allowed: re.Pattern[str]) -> dict[str, bytes]:
    values: dict[str, bytes] = {}
    for number, part in enumerate(parts, 1):
        name, equals, value = part.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise _wrong(f"its part {number} is not `name=value`")
        if not allowed.fullmatch(value):
            raise _wrong(f"{_named(name, number)} holds what must be percent-encoded", name)
        if name in values:
            raise _wrong(f"{_named(name, number)} stands in it twice", name)
        values[name] = unquote_to_bytes(value)
    return values


def _pin(query: Mapping[str, bytes]) -> UriPin:
    for name in ("module-name", "module-path"):
        if name in query:
            raise _wrong(f"`{name}` has no place here: the station asks the tokens of p11-kit")
    if "pin-value" in query and "pin-source" in query:
        raise _wrong("it holds both `pin-value` and `pin-source`")
    # Other query attributes are a vendor's, to be ignored (RFC 7512 section 2.4).
    value = _text("pin-value", query.get("pin-value", b""))
    return UriPin(value, _text("pin-source", query.get("pin-source", b"")))


def _text(name: str, value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or not (name.startswith("pin-") or text.isprintable()):
        # Raised here, not above: the library's error would go along, and it repeats the bytes.
        raise _wrong(f"`{name}` is not UTF-8, or holds a control character", name)
    return text


def _encoded(name: str, value: bytes) -> str:
    if name == "id":
        # RFC 7512 section 2.3 recommends the whole id in percent-encoding.
        return "".join(f"%{byte:02X}" for byte in value)
    return quote_from_bytes(value, safe=_PLAIN)


def _named(name: str, number: int) -> str:
    # Another name may be the rest of a PIN with a `&` in it: it is counted, not repeated.
    return f"`{name}`" if name in (*ATTRIBUTES, *QUERY_ATTRIBUTES) else f"its part {number}"


def _unknown(name: str) -> Pkcs11UriInvalid:
    known = ", ".join(UNDERSTOOD)
    if name in ATTRIBUTES:
        return _wrong(f"`{name}` is not used here; there are {known}", name)
    return _wrong(f"it has an attribute that does not exist; there are {known}")


def _wrong(reason: str, name: str = "") -> Pkcs11UriInvalid:
    detail = name if name in ATTRIBUTES else ""
    return Pkcs11UriInvalid(f"The PKCS#11 URI is wrong: {reason}.", detail=detail, field="uri")
