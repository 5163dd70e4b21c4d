"""How images are signed: RSA PKCS#1 v1.5 over SHA-256, the same for every caller."""

import hashlib
from io import BufferedReader

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from domain.errors import Conflict, Invalid

_PREHASHED = Prehashed(hashes.SHA256())


class SignatureWrong(Conflict):
    """A key whose signature its own public half does not confirm."""

    code = "SIGNATURE_WRONG"
    title = "Signature Wrong"
    meaning = "The test signature does not fit the key's public half; boards would refuse it too."
    remedy = "Do not provision with this key; upload or register it again."


class KeyCannotSign(Invalid):
    """A key of a kind that signs no images."""

    code = "KEY_CANNOT_SIGN"
    title = "Key Cannot Sign"
    meaning = "Images are signed with RSA keys; EC keys sign too, though boards refuse that."
    remedy = "Use a plain RSA key of 2048 bits."


def sign_pem(key: PrivateKeyTypes, message: bytes) -> bytes:
    """Returns the signature over SHA-256 of `message`; raises `KeyCannotSign`."""
    return sign_digest(key, hashlib.sha256(message).digest())


def sign_file(key: PrivateKeyTypes, file: BufferedReader) -> bytes:
    """Returns the signature over SHA-256 of what `file` holds from here on, whatever its size."""
    return sign_digest(key, hashlib.file_digest(file, "sha256").digest())


def sign_digest(key: PrivateKeyTypes, digest: bytes) -> bytes:
    """Returns the signature over a SHA-256 digest; an EC key is not refused (contract
    configuration 14). Raises `KeyCannotSign`."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(digest, padding.PKCS1v15(), _PREHASHED)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(digest, ec.ECDSA(_PREHASHED))
    raise KeyCannotSign("This kind of key signs no images; an RSA key of 2048 bits is needed.")
