"""The certificate of the HTTPS listener: made by the service itself, kept across starts."""

import ipaddress
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from domain.atomic_files import write_whole
from domain.errors import Unavailable
from domain.host_paths import HostPaths

FOLDER = "/srv/rpi-sb-provisioner/tls"
"""Beside the station's other lasting data: `/run` is empty after each start of the machine, so that
browsers would have to trust a new certificate each time, and `/etc` is what people copy around."""
KEY, CERTIFICATE = f"{FOLDER}/key.pem", f"{FOLDER}/cert.pem"
LIFETIME = timedelta(days=365)
RENEW_BEFORE = timedelta(days=30)
# The clock of a Raspberry Pi may be behind when the certificate is made.
CLOCK_SLACK = timedelta(days=1)
NAME = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "UK"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "rpi-sb-provisioner User"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Raspberry Pi Provisioner"),
    ]
)


class CertificateUnavailable(Unavailable):
    """There is no certificate that HTTPS could use."""

    code = "CERTIFICATE_UNAVAILABLE"
    title = "HTTPS Unavailable"
    meaning = "The certificate of HTTPS cannot be made, read or used; HTTP goes on."
    remedy = f"Make {FOLDER} writable for the service, or mend the files in it, and start again."


@dataclass(frozen=True, slots=True)
class Certificates:
    """Makes, keeps and renews the certificate (contract common section 5 step 2, section 11).

    It names `localhost`, `host_name`, the loopback addresses and `address`, and lasts a year. Ours
    is made anew when fewer than 30 days remain, when it is damaged or does not fit its key, when
    others could read the key, or when a name is missing. One that somebody else issued is used as
    it is and never replaced. The calls block: RSA, and the disk.
    """

    paths: HostPaths
    address: str
    host_name: str
    clock: Callable[[], datetime]

    def context(self) -> ssl.SSLContext:
        """Returns the server's side of TLS 1.2 and newer; raises `CertificateUnavailable`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        self.refresh(context)
        return context

    def refresh(self, context: ssl.SSLContext) -> None:
        """Renews the certificate if it is time, and gives it to `context` for new connections.

        Raises `CertificateUnavailable`; the context then keeps what it had.
        """
        try:
            if self._is_due():
                self._make()
            key, certificate = self.paths.real(KEY), self.paths.real(CERTIFICATE)
            # A key with a passphrase must fail, not ask at the terminal.
            context.load_cert_chain(certificate, key, password=lambda: "")
        except ssl.SSLError as error:
            raise CertificateUnavailable(
                f"{CERTIFICATE} and {KEY} cannot be used together ({error.reason}); correct them, "
                "or remove both to have new ones made."
            ) from error
        except OSError as error:
            raise CertificateUnavailable(
                f"The certificate in {FOLDER} cannot be read or written: {error.strerror}. "
                "Make the folder writable for the service."
            ) from error

    def _is_due(self) -> bool:
        try:
            certificate = x509.load_pem_x509_certificate(self.paths.real(CERTIFICATE).read_bytes())
        except (FileNotFoundError, ValueError):
            return True
        if certificate.issuer != NAME:
            return False
        return not (self._is_current(certificate) and _fits(self.paths.real(KEY), certificate))

    def _is_current(self, certificate: x509.Certificate) -> bool:
        now = self.clock()
        in_time = (
            certificate.not_valid_before_utc <= now
            and now + RENEW_BEFORE <= certificate.not_valid_after_utc
        )
        return in_time and set(self._names()) <= set(_names_in(certificate))

    def _names(self) -> list[x509.GeneralName]:
        names = dict.fromkeys(["localhost", self.host_name, "127.0.0.1", "::1", self.address])
        return [found for name in names if (found := _general_name(name)) is not None]

    def _make(self) -> None:
        folder = self.paths.real(FOLDER)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        certificate = self._signed(key)
        write_whole(self.paths.real(KEY), _pem(key), mode=0o600)
        # Killed here, the two do not fit; the next start sees it and makes both anew.
        public = certificate.public_bytes(serialization.Encoding.PEM)
        write_whole(self.paths.real(CERTIFICATE), public, mode=0o644)

    def _signed(self, key: rsa.RSAPrivateKey) -> x509.Certificate:
        now = self.clock()
        usage = [ExtendedKeyUsageOID.SERVER_AUTH]
        return (
            x509.CertificateBuilder()
            .subject_name(NAME)
            .issuer_name(NAME)
            .public_key(key.public_key())
            # Not always 1, as it was: Firefox refuses two certificates of one issuer and number.
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_SLACK)
            .not_valid_after(now + LIFETIME)
            .add_extension(x509.SubjectAlternativeName(self._names()), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
            .sign(key, hashes.SHA256())
        )


def _general_name(name: str) -> x509.GeneralName | None:
    try:
        address = ipaddress.ip_address(name.split("%", maxsplit=1)[0])
    except ValueError:
        return x509.DNSName(name) if name and name.isascii() else None
    # "Every address" is none that a client could ask for.
    return None if address.is_unspecified else x509.IPAddress(address)


def _names_in(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return list(found.value)


def _fits(key: Path, certificate: x509.Certificate) -> bool:
    """Whether `key` is the certificate's, and was never readable for others."""
    try:
        found = serialization.load_pem_private_key(key.read_bytes(), password=None)
        private = key.stat().st_mode & 0o077 == 0
    except (FileNotFoundError, ValueError, TypeError):
        return False
    return private and found.public_key() == certificate.public_key()


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
