"""What is found out about a signing key, and whether boards can be signed with it."""

from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from domain.keys.fingerprint import fingerprint, fits_fingerprint

FIT_BITS = 2048
FIT = "Valid for secure boot"
CURE = "make one with `openssl genrsa -out key.pem 2048`"


@dataclass(frozen=True, slots=True)
class KeyReport:
    """The facts of a key, or why there are none (contract configuration 7.1).

    `algorithm` is `RSA`, `EC`, `DSA` or `Unknown`, empty on a failure; `bits` is 0 then.
    `fingerprint` is 64 hex digits, empty unless boards can hold it. `status` is a phrase for
    people; `problem` says why the key could not be read, and is empty when it could.
    """

    algorithm: str
    bits: int
    fingerprint: str
    is_fit: bool
    status: str
    problem: str = ""

    @property
    def is_valid(self) -> bool:
        """Whether the key could be read; one that is not fit can be."""
        return not self.problem

    @property
    def level(self) -> str:
        """`valid` for a key that is fit, else `error` (contract configuration 7.1)."""
        return "valid" if self.is_fit else "error"


def failed_report(problem: str) -> KeyReport:
    """Returns the report of a key that cannot be read, with the reason."""
    return KeyReport("", 0, "", is_fit=False, status=problem, problem=problem)


def rsa_report(modulus: int, exponent: int) -> KeyReport:
    """Returns the report of a plain RSA key, wherever it lies (contract configuration 7.3, 7.4)."""
    bits = modulus.bit_length()
    if bits != FIT_BITS:
        text = f"Pi secure boot requires RSA-{FIT_BITS} (key is RSA-{bits})"
        return _unfit("RSA", bits, f"{text}; {CURE}")
    if not fits_fingerprint(modulus, exponent):
        # A board has 8 bytes for it (contract configuration 7.3 [F]).
        return _unfit("RSA", bits, f"The key's public exponent is longer than 64 bits; {CURE}")
    return KeyReport("RSA", bits, fingerprint(modulus, exponent), is_fit=True, status=FIT)


def report_of(key: PublicKeyTypes, *, only_pss: bool = False) -> KeyReport:
    """Returns the report of a key by its public half; `only_pss` is an RSA key whose file allows
    no other signatures than RSA-PSS."""
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        report = rsa_report(numbers.n, numbers.e)
        # Boards check PKCS#1 v1.5 signatures, which such a key cannot make (7.3 [F]).
        text = f"The key is for RSA-PSS signatures only, boards need a plain RSA key; {CURE}"
        return replace(report, fingerprint="", is_fit=False, status=text) if only_pss else report
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _other("EC", key.key_size, "an EC key")
    if isinstance(key, dsa.DSAPublicKey):
        return _other("DSA", key.key_size, "a DSA key")
    if isinstance(key, ed25519.Ed25519PublicKey):
        return _other("Unknown", 256, "an Ed25519 key")
    if isinstance(key, ed448.Ed448PublicKey):
        return _other("Unknown", 456, "an Ed448 key")
    return _other("Unknown", 0, "of another kind")


def _other(algorithm: str, bits: int, words: str) -> KeyReport:
    text = f"Pi secure boot requires RSA-{FIT_BITS} (key is {words})"
    return _unfit(algorithm, bits, f"{text}; {CURE}")


def _unfit(algorithm: str, bits: int, status: str) -> KeyReport:
    return KeyReport(algorithm, bits, "", is_fit=False, status=status)
