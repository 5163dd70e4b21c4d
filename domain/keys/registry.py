"""The registry of signing keys as a value: its entries, and the text that scripts read with jq."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from domain.configuration.masking import masked
from domain.errors import NotFound, Unavailable
from domain.keys.reports import KeyReport

T = TypeVar("T", str, int, bool)
PEM_VARIABLE = "CUSTOMER_KEY_FILE_PEM"
URI_VARIABLE = "CUSTOMER_KEY_PKCS11_NAME"
LARGEST_SIZE = 1 << 20
"""Bits. No key has as many."""
LARGEST_REGISTRY = 1 << 20
"""Bytes. A key takes about 500."""
_FACTS = {
    "fingerprint": str,
    "algorithm": str,
    "keySize": int,
    "isFitForPurpose": bool,
    "statusMessage": str,
}
"""The members of an entry that a report fills, all there by contract configuration 10."""


class RegistryUnreadable(Unavailable):
    """The registry is there and is none."""

    code = "REGISTRY_LOAD_ERROR"
    title = "Registry Error"
    meaning = "The registry of signing keys is damaged, of another shape, or may not be read."
    remedy = (
        "Repair /etc/rpi-sb-provisioner/keys/registry.json (`jq . FILE` shows where), or move it "
        "away: the configured key is then registered again. Nothing is written over it."
    )


class KeyNotFound(NotFound):
    """No key of this id is registered."""

    code = "KEY_NOT_FOUND"
    title = "Key Not Found"
    meaning = "No signing key of this id is registered."
    remedy = "Ask for the list of keys; ids never change and are never used again."


class KeyKind(StrEnum):
    """Where a signing key lies."""

    PEM = "pem"
    PKCS11 = "pkcs11"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A registered key. `place` is the logical path of a PEM file or the URI of a token's key;
    `report` is what was found out when the key was last read; `added_at` is the registry's text,
    `YYYY-MM-DDTHH:MM:SSZ`; `known` are all members as they stood in the file."""

    id: str
    kind: KeyKind
    label: str
    place: str
    report: KeyReport
    is_wrapped: bool
    added_at: str
    known: Mapping[str, object] = field(default_factory=dict, repr=False)

    @property
    def path(self) -> str:
        """The logical path of a PEM file, empty for a token's key."""
        return self.place if self.kind is KeyKind.PEM else ""

    @property
    def shown(self) -> "SigningKey":
        """The key as everybody may see it: registries of old may hold a PIN in a URI."""
        place = masked(URI_VARIABLE, self.place) if self.kind is KeyKind.PKCS11 else self.place
        return replace(self, place=place, label=masked(URI_VARIABLE, self.label))

    @property
    def uri(self) -> str:
        """The URI of a token's key, empty for a file."""
        return self.place if self.kind is KeyKind.PKCS11 else ""


@dataclass(frozen=True, slots=True)
class Registry:
    """All registered keys. `active_id` is empty when none is active."""

    active_id: str = ""
    keys: tuple[SigningKey, ...] = ()
    known: Mapping[str, object] = field(default_factory=dict, repr=False)

    @property
    def active(self) -> SigningKey | None:
        """The active key."""
        return next((key for key in self.keys if key.id == self.active_id), None)

    def get(self, key_id: str) -> SigningKey:
        """Returns a key; raises `KeyNotFound`."""
        for key in self.keys:
            if key.id == key_id:
                return key
        shown = key_id[:64].encode("ascii", "backslashreplace").decode()
        raise KeyNotFound(f"No signing key has the id `{shown}`.", detail=shown, field="id")

    def find_place(self, kind: KeyKind, place: str) -> SigningKey | None:
        """Returns the key at this path or URI."""
        return next((key for key in self.keys if (key.kind, key.place) == (kind, place)), None)

    def with_key(self, key: SigningKey) -> "Registry":
        """Returns a registry in which `key` stands in the place of the one with its id, or last."""
        if all(known.id != key.id for known in self.keys):
            return replace(self, keys=(*self.keys, key))
        return replace(
            self, keys=tuple(key if known.id == key.id else known for known in self.keys)
        )

    def without(self, key_id: str) -> "Registry":
        """Returns a registry without this key."""
        return replace(self, keys=tuple(key for key in self.keys if key.id != key_id))

    def activating(self, key_id: str) -> "Registry":
        """Returns a registry with another active key; empty: none."""
        return replace(self, active_id=key_id)


def new_key(
    kind: KeyKind, place: str, *, label: str, report: KeyReport, is_wrapped: bool, now: datetime
) -> SigningKey:
    """Returns a key to register, with an id that nobody can guess (contract configuration 10)."""
    return SigningKey(
        id=secrets.token_hex(16),
        kind=kind,
        label=label,
        place=place,
        report=report,
        is_wrapped=is_wrapped,
        added_at=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def parse_registry(content: bytes) -> Registry:
    """Returns the registry; raises `RegistryUnreadable` with the place that is wrong, since an
    entry that is skipped would be lost with the next change."""
    try:
        # Python reads what no other program takes: NaN, numbers beyond 64 bits, half characters.
        whole = json.loads(content.decode(), parse_int=_whole_number, parse_constant=_no_number)
        json.dumps(whole, ensure_ascii=False).encode()
    except ValueError as error:
        # The position is told, not the text around it.
        line = getattr(error, "lineno", None)
        where = f" in line {line}" if line else ""
        raise _wrong(f"it is not JSON{where}") from error
    except RecursionError as error:
        raise _wrong("it is not a registry") from error
    members = _object(whole, "it")
    entries = members.get("keys", [])
    if not isinstance(entries, list):
        raise _wrong("`keys` is no list")
    keys = tuple(_key(entry, number) for number, entry in enumerate(entries, 1))
    if len({key.id for key in keys}) != len(keys):
        raise _wrong("two keys have the same id")
    return Registry(_member(members, "activeKeyId", "", "the registry"), keys, members)


def encode_registry(registry: Registry) -> bytes:
    """Returns the text of the file: members that we do not know stay where they were."""
    keys = [encode_key(key) for key in registry.keys]
    whole = {**registry.known, "activeKeyId": registry.active_id, "keys": keys}
    return json.dumps(whole, indent="\t").encode() + b"\n"


def encode_key(key: SigningKey) -> dict[str, object]:
    """Returns a key's entry in the registry."""
    place = {"path" if key.kind is KeyKind.PEM else "uri": key.place} if key.place else {}
    return {
        **key.known,
        "id": key.id,
        "type": key.kind.value,
        "label": key.label,
        **place,
        "fingerprint": key.report.fingerprint,
        "algorithm": key.report.algorithm,
        "keySize": key.report.bits,
        "isFitForPurpose": key.report.is_fit,
        "statusMessage": key.report.status,
        "statusLevel": key.report.level,
        "wrapped": key.is_wrapped,
        "addedAt": key.added_at,
    }


def _key(entry: object, number: int) -> SigningKey:
    where = f"key {number}"
    members = _object(entry, where)
    key_id = _member(members, "id", "", where)
    if not key_id:
        raise _wrong(f"{where} has no id")
    try:
        kind = KeyKind(_member(members, "type", "", where))
    except ValueError as error:
        raise _wrong(f"{where} is of no known type") from error
    return SigningKey(
        id=key_id,
        kind=kind,
        label=_member(members, "label", "", where),
        place=_member(members, "path" if kind is KeyKind.PEM else "uri", "", where),
        report=_report(members, where),
        is_wrapped=_member(members, "wrapped", kind is KeyKind.PKCS11, where),
        added_at=_member(members, "addedAt", "", where),
        known=members,
    )


def _report(members: Mapping[str, object], where: str) -> KeyReport:
    facts = {name: _member(members, name, kind(), where) for name, kind in _FACTS.items()}
    if not 0 <= int(facts["keySize"]) <= LARGEST_SIZE:
        raise _wrong(f"`keySize` of {where} is no size")
    return KeyReport(
        algorithm=str(facts["algorithm"]),
        bits=int(facts["keySize"]),
        fingerprint=str(facts["fingerprint"]),
        is_fit=bool(facts["isFitForPurpose"]),
        status=str(facts["statusMessage"]),
    )


def _whole_number(digits: str) -> int:
    number = int(digits)
    if not -(2**63) <= number < 2**63:
        raise ValueError(digits)
    return number


def _no_number(word: str) -> float:
    raise ValueError(word)


def _object(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _wrong(f"{where} is no object")
    return MappingProxyType(value)


def _member(members: Mapping[str, object], name: str, default: T, where: str) -> T:
    value = members.get(name, default)
    if type(value) is not type(default):
        raise _wrong(f"`{name}` of {where} is no {type(default).__name__}")
    return value


def _wrong(reason: str) -> RegistryUnreadable:
    return RegistryUnreadable(f"The registry of signing keys cannot be read: {reason}.")
