import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.keys.fingerprint import fingerprint
from domain.keys.pem import KeyFormatInvalid, parse_pem
from tests.domain.keys.samples import (
    LOCKED,
    OPEN,
    OPENSSH,
    PEM,
    PKCS1,
    PKCS8,
    ec_pem,
    ed25519_pem,
    openssl,
    public_pem,
    rsa_key,
    rsa_pem,
)


def hint(content: bytes) -> str:
    with pytest.raises(KeyFormatInvalid) as refused:
        parse_pem(content)
    return refused.value.message


def test_a_fit_key_has_the_fingerprint_of_its_numbers() -> None:
    numbers = rsa_key().public_key().public_numbers()
    report = parse_pem(rsa_pem()).report
    assert (report.algorithm, report.bits, report.is_fit, report.level) == (
        "RSA",
        2048,
        True,
        "valid",
    )
    assert report.fingerprint == fingerprint(numbers.n, numbers.e)
    assert report.is_valid


@pytest.mark.parametrize(
    "content",
    [
        rsa_key().private_bytes(PEM, PKCS1, OPEN),
        rsa_pem().replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbfsome words\n" + rsa_pem() + b"more words",
        public_pem(1) + rsa_pem(),
    ],
    ids=["PKCS#1", "CRLF", "words around it", "after a public key"],
)
def test_the_same_key_in_other_clothes(content: bytes) -> None:
    assert parse_pem(content).report == parse_pem(rsa_pem()).report


def test_the_public_half_is_what_openssl_says() -> None:
    assert parse_pem(rsa_pem()).public_pem.encode() == openssl("pkey", "-pubout", given=rsa_pem())


@pytest.mark.parametrize(
    ("content", "algorithm", "bits", "words"),
    [
        (rsa_pem(bits=3072), "RSA", 3072, "key is RSA-3072"),
        (ec_pem(), "EC", 256, "key is an EC key"),
        (ed25519_pem(), "Unknown", 256, "key is an Ed25519 key"),
    ],
    ids=["RSA-3072", "EC", "Ed25519"],
)
def test_a_key_that_boards_cannot_use_is_valid_and_not_fit(
    content: bytes, algorithm: str, bits: int, words: str
) -> None:
    report = parse_pem(content).report
    assert (report.algorithm, report.bits, report.fingerprint) == (algorithm, bits, "")
    assert (report.is_valid, report.is_fit, report.level) == (True, False, "error")
    assert words in report.status
    assert "openssl genrsa" in report.status


def test_a_key_for_pss_alone_is_not_fit() -> None:
    content = openssl("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048")
    report = parse_pem(content).report
    assert (report.algorithm, report.bits, report.fingerprint) == ("RSA", 2048, "")
    assert not report.is_fit
    assert "RSA-PSS" in report.status


def test_an_exponent_that_boards_cannot_hold_is_not_fit() -> None:
    exponent = (1 << 64) + 13
    content = openssl("genrsa", "-f4", "2048")
    assert parse_pem(content).report.is_fit
    content = openssl(
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
        "-pkeyopt",
        f"rsa_keygen_pubexp:{exponent}",
    )
    report = parse_pem(content).report
    assert (report.algorithm, report.fingerprint, report.is_fit) == ("RSA", "", False)
    assert "exponent" in report.status


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (rsa_key().private_bytes(PEM, PKCS8, LOCKED), "openssl pkey -in key.pem"),
        (rsa_key().private_bytes(PEM, PKCS1, LOCKED), "passphrase"),
        (rsa_key().private_bytes(PEM, OPENSSH, OPEN), "ssh-keygen -p -m PEM"),
        (public_pem(), "public key"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n", "request"),
        (b"-----BEGIN X509 CRL-----\nAAAA\n", "no private key"),
        (rsa_pem() + rsa_pem(1), "2 private keys"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "damaged"),
        (rsa_pem()[:600], "cut off"),
        (b"", "not PEM"),
        (bytes(range(256)) * 40, "not PEM"),
        (b"0hello", "not PEM"),
        (openssl("pkey", "-outform", "DER", given=rsa_pem()), "DER"),
    ],
    ids=range(14),
)
def test_what_is_no_usable_key_gets_its_own_hint(content: bytes, words: str) -> None:
    assert words in hint(content)


def test_no_hint_and_no_key_shows_key_material() -> None:
    body = rsa_pem().splitlines()[3].decode()
    damaged = rsa_pem().replace(b"A", b"B")
    assert body not in hint(damaged)
    assert "PRIVATE" not in repr(parse_pem(rsa_pem()))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 1700), st.integers(0, 60))
def test_whatever_a_file_holds_the_answer_is_a_report_or_a_hint(
    junk: bytes, at: int, length: int
) -> None:
    damaged = rsa_pem()[:at] + junk + rsa_pem()[at + length :]
    contents = (junk, damaged, b"-----BEGIN RSA PRIVATE KEY-----" + junk)
    assert all(_told(content).isprintable() for content in contents)


def _told(content: bytes) -> str:
    try:
        return parse_pem(content).report.status
    except KeyFormatInvalid as error:
        return error.message
