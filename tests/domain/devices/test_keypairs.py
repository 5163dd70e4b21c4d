"""Key pairs: found in every layout, told by fingerprint, the private half behind its gate."""

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from domain.caller import Caller, Role
from domain.configuration.configuration import Configuration
from domain.devices.devices import Devices, SerialMissing
from domain.devices.key_files import LARGEST_KEY, KeyForm, KeyPart
from domain.devices.keypairs import (
    KeyNotFound,
    Keypairs,
    KeyUnfit,
    LineNotConfidential,
    PrivateKeyApiDisabled,
)
from domain.devices.names import DeviceNames
from domain.events import Hub
from domain.host_paths import HostPaths
from tests.fakes.device_files import Accesses
from tests.fakes.presence import FakePresence
from tests.fakes.state_rows import FakeStateRows, Written

LONG, SHORT = "10000000a0b0c0d0", "a0b0c0d0"
LOGS = "/var/log/rpi-sb-provisioner"
REFERENCE = f"{LOGS}/{LONG}/keypair/{LONG}"
TRIAGE = f"{LOGS}/{LONG}/{LONG}/keypair/{LONG}"
CALLER = Caller(
    name="local",
    role=Role.KEY_OFFICER,
    address="192.0.2.7",
    peer_address="127.0.0.1",
    user_agent="curl/8",
    entry="/devices/x/key/private",
    surface="rest",
    correlation_id="1",
)
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo
KEY = ec.derive_private_key(12345, ec.SECP256R1())
PUBLIC = KEY.public_key().public_bytes(PEM, SPKI)
PRIVATE = KEY.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
PRIVATE_DER = KEY.private_bytes(
    DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


class Station:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.rows, hub = FakeStateRows(), Hub()
        paths = HostPaths(root)
        configuration = Configuration(paths, hub)
        names = DeviceNames(Devices(hub, self.rows), FakePresence())
        self.keypairs = Keypairs(paths, configuration, names)
        self.note = Accesses()

    def write(self, path: str, content: bytes, mode: int = 0o600) -> Path:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(mode)
        return file

    def configure(self, *lines: str) -> None:
        self.write("/etc/rpi-sb-provisioner/config", "".join(f"{x}\n" for x in lines).encode())

    async def public(self, identifier: str = LONG) -> bytes:
        return await self.keypairs.read_public(identifier, note=self.note)

    async def private(self, identifier: str = LONG, *, confidential: bool = True) -> bytes:
        return await self.keypairs.read_private(
            identifier, caller=CALLER, confidential=confidential, note=self.note
        )


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


async def test_the_public_key_is_looked_for_in_the_contracts_order(station: Station) -> None:
    station.configure("RPI_DEVICE_RETRIEVE_KEYPAIR=/srv/keys")
    for path, content in ((f"/srv/keys/{LONG}", b"3"), (TRIAGE, b"2"), (REFERENCE, b"1")):
        station.write(f"{path}.pub", content)
        assert await station.public() == content
    assert station.note.rows[-1] == ("READ_PUBLIC_KEY", f"{REFERENCE}.pub", True)


@pytest.mark.parametrize("identifier", [SHORT, "1-1.2", LONG.upper()])
async def test_the_public_key_is_found_by_the_boards_other_names(
    station: Station, identifier: str
) -> None:
    station.rows.write(Written(SHORT, "1-1.2"), Written(LONG, "1-1.2"))
    station.write(f"{TRIAGE}.pub", PUBLIC)
    assert await station.public(identifier) == PUBLIC


async def test_a_missing_key_names_the_first_path_and_is_noted(station: Station) -> None:
    with pytest.raises(KeyNotFound) as caught:
        await station.public("a/b")
    assert caught.value.detail == f"Requested key: {LOGS}/a_b/keypair/a_b.pub"
    assert station.note.rows == [("READ_PUBLIC_KEY", f"{LOGS}/a_b/keypair/a_b.pub", False)]


@pytest.mark.parametrize("content", [PRIVATE, PRIVATE_DER, b"x" * (LARGEST_KEY + 1)])
async def test_what_is_no_public_key_is_not_handed_out_as_one(
    station: Station, content: bytes
) -> None:
    station.write(f"{TRIAGE}.pub", content)
    with pytest.raises(KeyUnfit) as caught:
        await station.public()
    assert "PRIVATE" not in str(vars(caught.value))
    found = await station.keypairs.find(LONG, note=station.note)
    assert found is not None
    assert found.public is None


async def test_a_link_out_of_the_folder_is_no_key(station: Station) -> None:
    station.write("/etc/secret.pub", b"secret")
    station.write(f"{LOGS}/{LONG}/keypair/x", b"")
    (station.root / f"{REFERENCE}.pub".lstrip("/")).symlink_to("/etc/secret.pub")
    with pytest.raises(KeyNotFound):
        await station.public()


@pytest.mark.parametrize("folder", ["relative", "/nowhere", "/a\x01b", "''", "/srv/../../.."])
async def test_a_strange_configured_folder_is_none(station: Station, folder: str) -> None:
    station.configure(f"RPI_DEVICE_RETRIEVE_KEYPAIR={folder}")
    with pytest.raises(KeyNotFound):
        await station.public()


def keys() -> list[tuple[bytes, str, int]]:
    small = rsa.generate_private_key(65537, 1024).public_key()
    edward = ed25519.Ed25519PrivateKey.from_private_bytes(b"\1" * 32).public_key()
    openssh = serialization.PublicFormat.OpenSSH
    return [
        (PUBLIC, "EC secp256r1", 256),
        (KEY.public_key().public_bytes(DER, SPKI), "EC secp256r1", 256),
        (small.public_bytes(PEM, SPKI), "RSA", 1024),
        (edward.public_bytes(serialization.Encoding.OpenSSH, openssh), "Ed25519", 256),
    ]


@pytest.mark.parametrize(("content", "algorithm", "bits"), keys())
async def test_a_public_key_tells_its_kind_and_fingerprint(
    station: Station, content: bytes, algorithm: str, bits: int
) -> None:
    station.write(f"{TRIAGE}.pub", content)
    found = await station.keypairs.find(LONG, note=station.note)
    assert found is not None
    assert found.public is not None
    assert (found.public.algorithm, found.public.bits) == (algorithm, bits)
    der = serialization.load_pem_public_key(found.public.pem.encode()).public_bytes(DER, SPKI)
    assert found.public.fingerprint == hashlib.sha256(der).hexdigest()


async def test_the_files_are_told_with_what_is_wrong_with_them(station: Station) -> None:
    station.write(f"{TRIAGE}.pub", b"no key at all", 0o644)
    station.write(f"{TRIAGE}.der", PRIVATE, 0o644)
    found = await station.keypairs.find(LONG, note=station.note)
    assert found is not None
    public, private = found.files
    assert (public.part, public.form, public.warning) == (KeyPart.PUBLIC, KeyForm.OTHER, None)
    assert (private.part, private.form, private.mode) == (KeyPart.PRIVATE, KeyForm.PEM, 0o644)
    assert private.warning is not None
    assert f"chmod 600 {TRIAGE}.der" in private.warning
    assert found.public is None


async def test_a_private_key_alone_is_a_pair_that_is_never_read(station: Station) -> None:
    station.write(f"{TRIAGE}.der", PRIVATE_DER)
    found = await station.keypairs.find(LONG, note=station.note)
    assert found is not None
    assert [(file.form, file.warning) for file in found.files] == [(KeyForm.DER, None)]
    assert station.note.rows == []


async def test_a_device_without_keys_has_no_pair(station: Station) -> None:
    (station.root / f"{REFERENCE}.pub".lstrip("/")).mkdir(parents=True)
    assert await station.keypairs.find(LONG, note=station.note) is None


class TestPrivate:
    async def test_nothing_is_handed_out_while_it_is_not_enabled(self, station: Station) -> None:
        station.write(f"{REFERENCE}.der", PRIVATE)
        for value in ("", "TRUE", "true ", "1", "false"):
            station.configure(f"RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API='{value}'")
            with pytest.raises(PrivateKeyApiDisabled):
                await station.private("a/b")
        target = f"{LOGS}/a/b/keypair/a/b.der"
        assert station.note.rows[0] == ("DENIED_PRIVATE_KEY_ACCESS", target, False)
        assert "192.0.2.7" in station.note.infos[0]

    async def test_the_gate_comes_before_the_empty_identifier(self, station: Station) -> None:
        with pytest.raises(PrivateKeyApiDisabled):
            await station.private("")
        station.configure("RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API=true")
        with pytest.raises(SerialMissing):
            await station.private("")
        assert len(station.note.rows) == 1

    async def test_it_never_crosses_the_network_in_clear(self, station: Station) -> None:
        station.configure("RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API=true")
        station.write(f"{REFERENCE}.der", PRIVATE)
        with pytest.raises(LineNotConfidential):
            await station.private(confidential=False)
        assert station.note.rows[0][0] == "DENIED_PRIVATE_KEY_ACCESS"

    async def test_it_is_handed_out_as_it_is_and_noted_as_critical(self, station: Station) -> None:
        station.configure("RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API=true")
        station.write(f"{TRIAGE}.der", PRIVATE)
        assert await station.private() == PRIVATE
        assert station.note.rows == [("READ_PRIVATE_KEY", f"{TRIAGE}.der", True)]
        info = station.note.infos[0]
        assert info.startswith("CRITICAL:")
        assert all(fact in info for fact in (LONG, "192.0.2.7", "curl/8"))

    async def test_a_missing_one_is_noted_without_the_mark(self, station: Station) -> None:
        station.configure("RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API=true")
        with pytest.raises(KeyNotFound) as caught:
            await station.private()
        assert caught.value.detail == f"Requested key: {REFERENCE}.der"
        assert station.note.rows == [("READ_PRIVATE_KEY", f"{REFERENCE}.der", False)]
        assert "CRITICAL" not in station.note.infos[0]

    async def test_it_is_found_by_its_own_serial_only(self, station: Station) -> None:
        station.configure("RPI_SB_PROVISIONER_ENABLE_PRIVATE_KEY_API=true")
        station.rows.write(Written(LONG, "1-1.2"))
        station.write(f"{TRIAGE}.der", PRIVATE)
        for identifier in (SHORT, "1-1.2"):
            with pytest.raises(KeyNotFound):
                await station.private(identifier)
