"""The certificate: what it says, how long it is kept, when a new one is made."""

import ipaddress
import os
import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from domain.host_paths import HostPaths
from server.tls import Certificates, CertificateUnavailable

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def certificates(root: Path, *, address: str = "127.0.0.1", now: datetime = NOW) -> Certificates:
    return Certificates(HostPaths(root), address, "station", lambda: now)


def folder(root: Path) -> Path:
    return root / "srv/rpi-sb-provisioner/tls"


def made(root: Path, *, address: str = "127.0.0.1", now: datetime = NOW) -> x509.Certificate:
    certificates(root, address=address, now=now).context()
    return x509.load_pem_x509_certificate((folder(root) / "cert.pem").read_bytes())


def names(certificate: x509.Certificate) -> set[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in found}


def test_the_certificate_says_what_the_contract_says(tmp_path: Path) -> None:
    certificate = made(tmp_path)
    key = certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    assert key.key_size == 2048
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
    assert certificate.subject == certificate.issuer
    assert certificate.subject.rfc4514_string() == (
        "CN=Raspberry Pi Provisioner,O=rpi-sb-provisioner User,C=UK"
    )
    assert certificate.not_valid_after_utc == NOW + timedelta(days=365)


def test_the_certificate_names_every_way_to_this_machine(tmp_path: Path) -> None:
    certificate = made(tmp_path, address="192.0.2.7")
    assert names(certificate) == {"localhost", "station", "127.0.0.1", "::1", "192.0.2.7"}


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_every_address_is_no_name(tmp_path: Path, address: str) -> None:
    assert names(made(tmp_path, address=address)) == {"localhost", "station", "127.0.0.1", "::1"}


def test_key_and_folder_are_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        made(tmp_path)
    finally:
        os.umask(before)
    modes = [
        stat.S_IMODE(x.stat().st_mode) for x in (folder(tmp_path), folder(tmp_path) / "key.pem")
    ]
    assert modes == [0o700, 0o600]


def test_the_certificate_is_kept_across_starts(tmp_path: Path) -> None:
    assert made(tmp_path, now=NOW + timedelta(days=300)) == made(
        tmp_path, now=NOW + timedelta(days=301)
    )


def test_it_is_kept_while_thirty_days_remain(tmp_path: Path) -> None:
    first = made(tmp_path)
    assert made(tmp_path, now=NOW + timedelta(days=335)) == first


def test_it_is_renewed_when_fewer_than_thirty_days_remain(tmp_path: Path) -> None:
    first = made(tmp_path)
    later = NOW + timedelta(days=335, seconds=1)
    renewed = made(tmp_path, now=later)
    assert renewed.not_valid_after_utc == later + timedelta(days=365)
    assert renewed.serial_number != first.serial_number


def test_it_is_renewed_when_it_lacks_the_listening_address(tmp_path: Path) -> None:
    made(tmp_path)
    assert "192.0.2.7" in names(made(tmp_path, address="192.0.2.7"))


def test_it_is_renewed_when_it_is_not_valid_yet(tmp_path: Path) -> None:
    made(tmp_path, now=NOW + timedelta(days=30))
    assert made(tmp_path).not_valid_after_utc == NOW + timedelta(days=365)


@pytest.mark.parametrize("name", ["cert.pem", "key.pem"])
@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n", None])
def test_it_is_made_anew_when_damaged(tmp_path: Path, name: str, content: bytes | None) -> None:
    first = made(tmp_path)
    damaged = folder(tmp_path) / name
    damaged.unlink() if content is None else damaged.write_bytes(content)
    assert made(tmp_path) != first


def test_it_is_made_anew_when_key_and_certificate_do_not_fit(tmp_path: Path) -> None:
    first, other = made(tmp_path / "a"), made(tmp_path / "b")
    (folder(tmp_path / "a") / "key.pem").write_bytes(
        (folder(tmp_path / "b") / "key.pem").read_bytes()
    )
    assert made(tmp_path / "a") not in (first, other)


def test_it_is_made_anew_when_others_could_read_the_key(tmp_path: Path) -> None:
    first = made(tmp_path)
    (folder(tmp_path) / "key.pem").chmod(0o644)
    assert made(tmp_path).public_key() != first.public_key()
    assert stat.S_IMODE((folder(tmp_path) / "key.pem").stat().st_mode) == 0o600


def test_a_certificate_from_somebody_else_is_used_and_never_replaced(tmp_path: Path) -> None:
    theirs = foreign(tmp_path)
    assert made(tmp_path, address="192.0.2.7") == theirs


def test_a_foreign_certificate_without_its_key_is_told(tmp_path: Path) -> None:
    foreign(tmp_path)
    made(tmp_path / "other")
    ours = (folder(tmp_path / "other") / "key.pem").read_bytes()
    (folder(tmp_path) / "key.pem").write_bytes(ours)
    with pytest.raises(CertificateUnavailable, match="cannot be used together"):
        certificates(tmp_path).context()


def test_a_key_with_a_passphrase_is_told_and_nobody_is_asked(tmp_path: Path) -> None:
    foreign(tmp_path, passphrase=b"secret")
    with pytest.raises(CertificateUnavailable):
        certificates(tmp_path).context()


def test_a_folder_that_cannot_be_made_is_told_by_its_logical_path(tmp_path: Path) -> None:
    (tmp_path / "srv").write_text("in the way")
    with pytest.raises(CertificateUnavailable) as refused:
        certificates(tmp_path).context()
    assert "/srv/rpi-sb-provisioner/tls" in refused.value.message
    assert str(tmp_path) not in refused.value.message


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1"])
def test_a_client_that_trusts_the_certificate_is_content(tmp_path: Path, address: str) -> None:
    server = certificates(tmp_path, now=datetime.now(UTC)).context()
    trusted = ssl.create_default_context(cafile=folder(tmp_path) / "cert.pem")
    assert handshake(server, trusted, address) == "TLSv1.3"


def test_tls_1_2_is_spoken_and_nothing_older(tmp_path: Path) -> None:
    context = certificates(tmp_path, now=datetime.now(UTC)).context()
    client = ssl.create_default_context(cafile=folder(tmp_path) / "cert.pem")
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    assert handshake(context, client, "localhost") == "TLSv1.2"
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_refreshed_context_shows_the_new_certificate(tmp_path: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=340)
    context = certificates(tmp_path, now=long_ago).context()
    certificates(tmp_path, now=datetime.now(UTC)).refresh(context)
    trusted = ssl.create_default_context(cafile=folder(tmp_path) / "cert.pem")
    assert handshake(context, trusted, "localhost") == "TLSv1.3"


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> str | None:
    """Lets the two meet; returns the version of TLS that they speak."""
    near, far = socket.socketpair()
    far.settimeout(20)
    near.settimeout(20)

    def answer() -> None:
        with server.wrap_socket(far, server_side=True) as wrapped:
            wrapped.recv(1)

    answering = threading.Thread(target=answer)
    answering.start()
    with client.wrap_socket(near, server_hostname=name) as wrapped:
        version = wrapped.version()
        wrapped.send(b"x")
    answering.join(20)
    return version


def foreign(root: Path, *, passphrase: bytes | None = None) -> x509.Certificate:
    """Puts a certificate of another issuer, without our names, in the folder."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=Factory")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=3))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    locked = serialization.BestAvailableEncryption(passphrase) if passphrase else None
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        locked or serialization.NoEncryption(),
    )
    folder(root).mkdir(parents=True)
    (folder(root) / "key.pem").write_bytes(private)
    (folder(root) / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return certificate
