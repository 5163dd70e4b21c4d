"""The key helper as the station's scripts run it: its output is checked with openssl."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.host_paths import HostPaths
from domain.keys.pin import Pin
from domain.keys.stored_pin import StoredPin
from domain.keys.wrapping import DeviceWrapping
from server.demo.firmware_crypto import write_stand_in
from tests.adapters.soft_hsm import SoftHsm, missing
from tests.domain.keys.samples import ec_pem, openssl, rsa_pem
from tests.fakes.firmware_crypto import DEVICE_KEY, FakeFirmwareCrypto
from tests.surfaces.repository import ROOT

PIN, OTHER_PIN = "fleet-PIN-4711", "spare-PIN-0815"
MESSAGE = b"a boot image" * 1000
hsm_needed = [
    pytest.mark.real,
    pytest.mark.skipif(missing() is not None, reason=missing() or ""),
]


@dataclass(frozen=True, slots=True)
class Bench:
    """A station with a device key; `run` runs the program on it."""

    root: Path
    programs: Path
    environment: dict[str, str]

    @property
    def image(self) -> Path:
        return self.root / "boot.img"

    def run(self, *arguments: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "server.main", "keyhelper", *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    def sign(self, *key: str) -> bytes:
        root = ("--root", str(self.root))
        status, told, problem = self.run("sign", *key, "--in", str(self.image), *root)
        assert (status, problem) == (0, "")
        assert told == told.lower().strip()
        return bytes.fromhex(told)

    def public_key(self, *key: str) -> bytes:
        status, told, problem = self.run("pubkey", *key, "--root", str(self.root))
        assert (status, problem) == (0, "")
        return told.encode()

    def failure(self, *key: str) -> str:
        root = ("--root", str(self.root))
        status, told, problem = self.run("sign", *key, "--in", str(self.image), *root)
        assert (status, told) == (1, "")
        assert problem.startswith("keyhelper: ")
        assert problem.count("\n") == 1
        assert PIN not in problem
        assert "wrong-PIN" not in problem
        return problem

    def keep_pin(self, pin: str) -> None:
        wrapping = DeviceWrapping(FakeFirmwareCrypto())
        StoredPin(HostPaths(self.root), wrapping)._store(Pin(pin))


def _verified(public: bytes, signature: bytes, folder: Path) -> bool:
    key, signed = folder / "public.pem", folder / "signature"
    key.write_bytes(public)
    signed.write_bytes(signature)
    told = openssl("dgst", "-sha256", "-verify", key, "-signature", signed, given=MESSAGE)
    return b"Verified OK" in told


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    programs = tmp_path / "programs"
    write_stand_in(programs, {0: DEVICE_KEY})
    (tmp_path / "boot.img").write_bytes(MESSAGE)
    path = f"{programs}:{os.environ['PATH']}"
    return Bench(tmp_path, programs, {**os.environ, "PATH": path})


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    made = SoftHsm.make(tmp_path_factory.mktemp("hsm"))
    made.add_token("fleet", PIN)
    made.add_token("spare", OTHER_PIN)
    keys = {"boot key": rsa_pem(0), "big": rsa_pem(0, bits=4096), "curve": ec_pem()}
    for number, (label, pem) in enumerate(keys.items()):
        made.import_key("fleet", label, bytes([number]), pem, pin=PIN)
    return made


@pytest.fixture
def plugged_in(bench: Bench, hsm: SoftHsm) -> Bench:
    bench.environment["SOFTHSM2_CONF"] = str(hsm.configuration)
    return bench


@pytest.mark.parametrize(
    "pem", [rsa_pem(0), rsa_pem(0, bits=4096), ec_pem()], ids=["rsa-2048", "rsa-4096", "ec"]
)
@pytest.mark.parametrize("form", ["wrapped", "plain"])
def test_openssl_verifies_what_a_pem_key_signed(bench: Bench, pem: bytes, form: str) -> None:
    wrapping = DeviceWrapping(FakeFirmwareCrypto())
    file = bench.root / "etc/rpi-sb-provisioner/keys/boot.pem"
    file.parent.mkdir(parents=True)
    file.write_bytes(wrapping.wrap(pem) if form == "wrapped" else pem)
    key = ("--key", "/etc/rpi-sb-provisioner/keys/boot.pem")
    public = bench.public_key(*key)
    assert public == openssl("pkey", "-pubout", given=pem)
    assert _verified(public, bench.sign(*key), bench.root)


class TestTokens:
    """Two SoftHSM tokens behind p11-kit, the PIN of one stored."""

    pytestmark = hsm_needed

    @pytest.mark.parametrize(
        ("label", "pem"),
        [("boot key", rsa_pem(0)), ("big", rsa_pem(0, bits=4096)), ("curve", ec_pem())],
        ids=["rsa-2048", "rsa-4096", "ec"],
    )
    def test_openssl_verifies_what_a_token_signed(
        self, plugged_in: Bench, label: str, pem: bytes
    ) -> None:
        plugged_in.keep_pin(PIN)
        encoded = label.replace(" ", "%20")
        key = ("--pkcs11-uri", f"pkcs11:token=fleet;object={encoded};type=private")
        public, signature = plugged_in.public_key(*key), plugged_in.sign(*key)
        assert public == openssl("pkey", "-pubout", given=pem)
        assert _verified(public, signature, plugged_in.root)
        assert label != "boot key" or len(signature.hex()) == 512

    def test_the_uri_beats_the_file_and_old_spellings_work(self, plugged_in: Bench) -> None:
        (plugged_in.root / "pin").write_text(f"{PIN}\n")
        plain = openssl("pkey", "-pubout", given=rsa_pem(0))
        named = "pkcs11:token=fleet;object=boot key;type=private"
        for query in (f"pin-value={PIN}", "pin-source=file:/pin", "pin-source=/pin"):
            key = ("--key", "/none.pem", "--pkcs11-uri", f"{named}?{query}")
            assert plugged_in.public_key(*key) == plain

    def test_every_lack_is_told_and_no_pin(self, plugged_in: Bench) -> None:
        uri = "pkcs11:token=fleet;object=big;type=private"
        assert "none was given or is stored" in plugged_in.failure("--pkcs11-uri", uri)
        assert "refused" in plugged_in.failure("--pkcs11-uri", f"{uri}?pin-value=wrong-PIN")
        plugged_in.keep_pin(PIN)
        no_key = uri.replace("big", "none")
        assert "no private key" in plugged_in.failure("--pkcs11-uri", no_key)
        no_token = uri.replace("fleet", "none")
        assert "No token fits" in plugged_in.failure("--pkcs11-uri", no_token)
        anyone = "pkcs11:object=big;type=private"
        assert "Several tokens fit" in plugged_in.failure("--pkcs11-uri", anyone)
        assert "is wrong" in plugged_in.failure("--pkcs11-uri", f"{uri};{PIN}")
        public = uri.replace("private", "public")
        assert "no private key" in plugged_in.failure("--pkcs11-uri", public)


def test_every_lack_of_a_file_is_told(bench: Bench) -> None:
    assert "is not there" in bench.failure("--key", "/none.pem")
    (bench.root / "bad.pem").write_text("no key")
    assert "not PEM" in bench.failure("--key", "/bad.pem")
    bench.image.unlink()
    assert "cannot be read" in bench.failure("--key", "/none.pem")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("sing", "--key", "/k"),
        ("sign", "--in", "/i"),
        ("sign", "--key", "/k"),
        ("pubkey",),
        ("pubkey", "--pkcs11-uri", ""),
        ("sign", "--key", "/k", "--in", "/i", "more"),
    ],
)
def test_a_wrong_command_line_is_told_apart(bench: Bench, arguments: tuple[str, ...]) -> None:
    status, told, problem = bench.run(*arguments)
    assert (status, told) == (2, "")
    assert "usage" in problem
