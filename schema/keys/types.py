"""Signing keys and secrets at rest as GraphQL clients see them."""

import strawberry

from domain.events import Update
from domain.keys import registry as domain
from domain.keys.fingerprint import otp_words
from domain.keys.key_uses import PublicKey
from domain.keys.registry import KeyKind, Registry
from domain.keys.reports import KeyReport
from domain.keys.secrets_at_rest import EncryptionStatus as Status
from schema.enums import describe_enum

describe_enum(
    KeyKind,
    description="Where a signing key lies.",
    values={
        KeyKind.PEM: "In a file on this station.",
        KeyKind.PKCS11: "On a token, which never lets it out.",
    },
)


@strawberry.type(description="What was found out about a key when it was last read.")
class KeyFacts:
    """The facts of a key."""

    is_valid: bool = strawberry.field(description="Whether a private key could be read at all.")
    algorithm: str = strawberry.field(
        description="RSA, EC, DSA or Unknown; empty where nothing could be read."
    )
    bits: int = strawberry.field(description="The key's size in bits; 0 where unknown.")
    fingerprint: str = strawberry.field(
        description="The hash that boards burn into their one-time memory, 64 hex digits: SHA-256 "
        "of modulus and exponent. Empty for a key that is not fit."
    )
    otp_words: list[str] = strawberry.field(
        description="The fingerprint as the eight words of a board's one-time memory."
    )
    is_fit: bool = strawberry.field(
        description="Whether boards can be signed with it: RSA with 2048 bits."
    )
    status: str = strawberry.field(description="What is right or wrong with it, and what to do.")


@strawberry.type(description="A registered signing key; the private key itself is never shown.")
class SigningKey:
    """A key."""

    id: strawberry.ID = strawberry.field(description="Its id; never changes, never used again.")
    kind: KeyKind = strawberry.field(description="Where it lies.")
    label: str = strawberry.field(description="What people call it.")
    path: str | None = strawberry.field(description="Its file; null for a token's key.")
    uri: str | None = strawberry.field(description="Its PKCS#11 URI; null for a file.")
    facts: KeyFacts = strawberry.field(description="What is known of it.")
    is_active: bool = strawberry.field(
        description="Whether boards are signed with it: the configuration names it."
    )
    is_wrapped: bool = strawberry.field(
        description="Whether it lies encrypted on the disk; true of a token's key."
    )
    added_at: str = strawberry.field(description="When it was registered, as the registry has it.")


@strawberry.type(description="The registered signing keys.")
class SigningKeys:
    """All keys."""

    active_key: SigningKey | None = strawberry.field(
        description="The one that boards are signed with; null when none is."
    )
    keys: list[SigningKey] = strawberry.field(description="All, in the order of registration.")


@strawberry.type(description="The signing keys after a change, or as they are.")
class SigningKeyChange:
    """One frame of `signingKeyChanges`."""

    sequence: int = strawberry.field(description="Grows with each frame; gaps are normal.")
    snapshot: bool = strawberry.field(
        description="True for the first frame, and after the client was too slow."
    )
    signing_keys: SigningKeys = strawberry.field(description="All keys.")


@strawberry.type(description="The public half of a signing key, to check signatures with.")
class SigningKeyPublicKey:
    """A public half."""

    pem: str = strawberry.field(description="SubjectPublicKeyInfo in PEM, as openssl reads it.")
    fingerprint: str = strawberry.field(
        description="The hash that boards burn; empty for a key that is not fit."
    )
    otp_words: list[str] = strawberry.field(
        description="The fingerprint as the eight words of a board's one-time memory."
    )


@strawberry.type(description="Whether a secret is there, and how it lies on the disk.")
class SecretProtection:
    """One secret's protection."""

    is_configured: bool = strawberry.field(description="Whether there is one.")
    is_wrapped: bool = strawberry.field(
        description="Whether it is encrypted with the board's own key; true where there is none."
    )


@strawberry.type(description="How the secrets of this station lie on the disk.")
class EncryptionStatus:
    """The state of all secrets."""

    pin: SecretProtection = strawberry.field(description="The stored PIN of the token.")
    key: SecretProtection = strawberry.field(description="The file that the configuration names.")
    is_any_plain: bool = strawberry.field(description="Whether anything is still readable.")
    plain_paths: list[str] = strawberry.field(description="The files that are still readable.")


def facts_of(report: KeyReport) -> KeyFacts:
    """Returns a report as clients see it."""
    return KeyFacts(
        is_valid=report.is_valid,
        algorithm=report.algorithm,
        bits=report.bits,
        fingerprint=report.fingerprint,
        otp_words=list(otp_words(report.fingerprint)) if report.fingerprint else [],
        is_fit=report.is_fit,
        status=report.status,
    )


def key_of(key: domain.SigningKey, *, is_active: bool) -> SigningKey:
    """Returns a key as clients see it."""
    key = key.shown
    return SigningKey(
        id=strawberry.ID(key.id),
        kind=key.kind,
        label=key.label,
        path=key.path or None,
        uri=key.uri or None,
        facts=facts_of(key.report),
        is_active=is_active,
        is_wrapped=key.is_wrapped,
        added_at=key.added_at,
    )


def keys_of(registry: Registry) -> SigningKeys:
    """Returns the registry as clients see it."""
    keys = [key_of(key, is_active=key.id == registry.active_id) for key in registry.keys]
    active = next((key for key in keys if key.is_active), None)
    return SigningKeys(active_key=active, keys=keys)


def change_of(update: Update[Registry]) -> SigningKeyChange:
    """Returns a frame as clients see it."""
    return SigningKeyChange(
        sequence=update.sequence,
        snapshot=update.snapshot,
        signing_keys=keys_of(update.value),
    )


def public_key_of(key: PublicKey) -> SigningKeyPublicKey:
    """Returns a public half as clients see it."""
    words = list(key.otp_words)
    return SigningKeyPublicKey(pem=key.pem, fingerprint=key.fingerprint, otp_words=words)


def status_of(status: Status) -> EncryptionStatus:
    """Returns the state of secrets as clients see it."""
    return EncryptionStatus(
        pin=SecretProtection(is_configured=status.pin.configured, is_wrapped=status.pin.wrapped),
        key=SecretProtection(is_configured=status.key.configured, is_wrapped=status.key.wrapped),
        is_any_plain=status.any_plain,
        plain_paths=list(status.plain),
    )
