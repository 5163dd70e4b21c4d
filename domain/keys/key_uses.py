"""What signing keys are asked for without changing them: their facts, public halves, a test."""

import asyncio
import secrets
import time
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from domain.configuration.configuration import Configuration
from domain.errors import Invalid, ProvisionerError
from domain.host_paths import HostPaths, PathRefused
from domain.keys.fingerprint import otp_words
from domain.keys.key_files import KeyFiles
from domain.keys.key_refusals import KeyUnfit
from domain.keys.key_registry import KeyRegistry
from domain.keys.registry import KeyKind, SigningKey
from domain.keys.reports import KeyReport, failed_report
from domain.keys.selection import selected_now
from domain.keys.signing import SignatureWrong, sign_pem
from domain.keys.token_keys import TokenKeys

CHALLENGE_BYTES = 64


class KeyPathRefused(Invalid):
    """A file that is not looked at."""

    code = "INVALID_KEY_PATH"
    title = "Invalid Path"
    meaning = "Only files in the keys' folder and the configured key's file are looked at."
    remedy = "Upload the key, or name the file that CUSTOMER_KEY_FILE_PEM names."


@dataclass(frozen=True, slots=True)
class PublicKey:
    """The public half of a key: SubjectPublicKeyInfo in PEM, the hash that boards burn, and that
    hash as words of their one-time memory; both empty for a key that is not fit."""

    pem: str
    fingerprint: str
    otp_words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TrialSignature:
    """A random challenge was signed and the signature holds. `milliseconds` is how long the
    signing took, reading and unwrapping included."""

    key: SigningKey
    milliseconds: float


class KeyUses:
    """Answers about keys; nothing is written."""

    def __init__(
        self,
        paths: HostPaths,
        configuration: Configuration,
        *,
        registry: KeyRegistry,
        files: KeyFiles,
        tokens: TokenKeys,
    ) -> None:
        self._paths = paths
        self._configuration = configuration
        self._registry = registry
        self._files = files
        self._tokens = tokens

    async def check_file(self, path: str) -> KeyReport:
        """Returns the facts of the key in a file, also of one that is none; raises
        `KeyPathRefused` for a path that is not looked at (contract configuration 5)."""
        return await asyncio.to_thread(self._check_file, path)

    async def public_key(self, key_id: str) -> PublicKey:
        """Returns a key's public half, read afresh but without a login to a token; raises
        `KeyNotFound` and what reading it raises."""
        key = (await self._registry.read()).get(key_id)
        if key.kind is KeyKind.PKCS11:
            pem, report = await self._tokens.public_pem(key.uri), key.report
        else:
            opened = await asyncio.to_thread(self._files.open, key.path)
            pem, report = opened.key.public_pem, opened.key.report
        words = otp_words(report.fingerprint) if report.fingerprint else ()
        return PublicKey(pem, report.fingerprint, words)

    async def test_sign(self, key_id: str) -> TrialSignature:
        """Signs a challenge through the path that signs boards' images, and checks the signature.

        Raises `KeyNotFound`, `KeyUnfit`, `SignatureWrong` and what reading the key raises.
        """
        key = (await self._registry.read()).get(key_id)
        if not key.report.is_fit:
            raise KeyUnfit(f"{key.report.status}.", detail=key_id, field="id")
        challenge, began = secrets.token_bytes(CHALLENGE_BYTES), time.monotonic()
        signature = await self._sign(key, challenge)
        took = (time.monotonic() - began) * 1000
        if key.kind is KeyKind.PKCS11:
            # What a token signed was checked before it was handed out.
            return TrialSignature(key, took)
        public = await self.public_key(key_id)
        if not _holds(public.pem, signature, challenge):
            text = f"The signature of key {key.label} does not fit its public half."
            raise SignatureWrong(text, detail=key_id)
        return TrialSignature(key, took)

    async def _sign(self, key: SigningKey, challenge: bytes) -> bytes:
        if key.kind is KeyKind.PKCS11:
            return await self._tokens.sign(key.uri, challenge)

        def sign() -> bytes:
            return sign_pem(self._files.open(key.path).key.private, challenge)

        return await asyncio.to_thread(sign)

    def _check_file(self, path: str) -> KeyReport:
        if not self._files.is_below(path) and not self._is_configured(path):
            text = "Only files in the keys' folder and the configured key's file are looked at."
            raise KeyPathRefused(text, detail=path[:200], field="path")
        try:
            return self._files.open(path).key.report
        except ProvisionerError as error:
            return failed_report(error.message)

    def _is_configured(self, path: str) -> bool:
        configured = selected_now(self._configuration).path
        try:
            return bool(configured) and self._paths.real(path) == self._paths.real(configured)
        except PathRefused:
            return False


def _holds(pem: str, signature: bytes, message: bytes) -> bool:
    public = load_pem_public_key(pem.encode())
    if not isinstance(public, rsa.RSAPublicKey):
        return False
    try:
        public.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
