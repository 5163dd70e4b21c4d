"""Private keys in PEM: what a file holds, and a precise hint where it is not a usable key."""

import base64
import binascii
import re
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from domain.errors import Invalid
from domain.keys.reports import KeyReport, report_of

LARGEST_KEY = 64 * 1024
"""Bytes of an uploaded key (contract configuration 12, upload-key)."""

_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_PLAIN = (b"PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY", b"DSA PRIVATE KEY")
_ENCRYPTED = b"ENCRYPTED PRIVATE KEY"
_OPENSSH = b"OPENSSH PRIVATE KEY"
_RSA_PSS = bytes.fromhex("06092a864886f70d01010a")
"""The object identifier id-RSASSA-PSS in DER (RFC 8017 appendix A.2.3)."""
_HEAD = 64
"""Bytes within which PKCS#8 names the algorithm (RFC 5958 section 2)."""

HINTS = {
    _ENCRYPTED: "The private key is protected by a passphrase; remove it with "
    "`openssl pkey -in key.pem -out plain.pem`, then use plain.pem.",
    _OPENSSH: "This is a private key in OpenSSH's own format; convert it with "
    "`ssh-keygen -p -m PEM -f FILE`.",
    b"PUBLIC KEY": "This is a public key; the private key is needed.",
    b"RSA PUBLIC KEY": "This is a public key; the private key is needed.",
    b"CERTIFICATE": "This is a certificate; the private key that belongs to it is needed.",
    b"CERTIFICATE REQUEST": "This is a certificate request; the private key of it is needed.",
}
"""What to say of a file whose blocks are of these kinds, the first that fits."""


class KeyFormatInvalid(Invalid):
    """A file that holds no usable private key."""

    code = "INVALID_KEY_FORMAT"
    title = "Invalid Key Format"
    meaning = "A signing key is one private key in PEM without a passphrase."
    remedy = "Do what the message says; `openssl genrsa -out key.pem 2048` makes a fit key."


@dataclass(frozen=True, slots=True)
class PemKey:
    """A private key that was read, with its report."""

    private: PrivateKeyTypes = field(repr=False)
    report: KeyReport

    @property
    def public_pem(self) -> str:
        """The public half as SubjectPublicKeyInfo in PEM (RFC 7468 section 13)."""
        public = self.private.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def parse_pem(content: bytes) -> PemKey:
    """Returns the private key in `content`; raises `KeyFormatInvalid` with a hint (contract
    configuration 7.2).

    Other blocks beside the one private key, such as its certificate, do not matter.
    """
    kinds = [found[1] for found in _BEGIN.finditer(content)]
    private = [kind for kind in kinds if kind in _PLAIN]
    if _ENCRYPTED in kinds or len(private) != 1:
        raise KeyFormatInvalid(_hint(content, kinds))
    block = _block(content, private[0])
    try:
        key = load_pem_private_key(block, None)
    except TypeError as error:
        # So the library says that a passphrase is missing: `Proc-Type: 4,ENCRYPTED`.
        raise KeyFormatInvalid(HINTS[_ENCRYPTED]) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        # The library's own text may repeat what it read.
        text = "The private key cannot be read: it is damaged, or of a kind nobody can use."
        raise KeyFormatInvalid(f"{text} `openssl pkey -in key.pem -noout` says more.") from error
    return PemKey(key, report_of(key.public_key(), only_pss=_is_pss(block)))


def _hint(content: bytes, kinds: list[bytes]) -> str:
    private = [kind for kind in kinds if kind in _PLAIN]
    if len(private) > 1:
        return f"The file holds {len(private)} private keys; keep the one that is meant."
    for kind, hint in HINTS.items():
        if kind in kinds:
            return hint
    if kinds:
        return "The file holds PEM, but no private key."
    if _is_der(content):
        return (
            "The key is in DER; convert it with `openssl pkey -inform DER -in FILE -out key.pem`."
        )
    return "The file is not PEM: no line begins with `-----BEGIN`."


def _block(content: bytes, kind: bytes) -> bytes:
    begin, end = b"-----BEGIN " + kind + b"-----", b"-----END " + kind + b"-----"
    start = content.index(begin)
    stop = content.find(end, start)
    if stop < 0:
        raise KeyFormatInvalid("The private key has no end: the file is cut off.")
    lines = content[start : stop + len(end)].replace(b"\r\n", b"\n")
    return lines + b"\n"


def _is_der(content: bytes) -> bool:
    # A DER sequence; whether it is a key is only asked to choose the words.
    if not content.startswith(b"\x30"):
        return False
    try:
        load_der_private_key(content, None)
    except TypeError:
        return True
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def _is_pss(block: bytes) -> bool:
    body = b"".join(line for line in block.splitlines() if b"-----" not in line)
    try:
        return _RSA_PSS in base64.b64decode(body)[:_HEAD]
    except binascii.Error:
        return False
