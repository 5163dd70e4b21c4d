"""What speaks against boards being signed with the configured key."""

from pathlib import Path

import pytest

from domain.file_accesses import unnoted
from domain.keys.pin import Pin
from domain.keys.registry import PEM_VARIABLE, URI_VARIABLE
from domain.keys.signing_tokens import SigningTokens
from domain.keys.stored_pin import StoredPin
from domain.keys.tokens import Token
from domain.keys.unlocking import Unlocking
from domain.preflight.findings import Outcome
from domain.preflight.keys import KeyLook
from tests.domain.keys.samples import ec_pem, rsa_key, rsa_pem
from tests.domain.keys.station import KEYS, KeyStation
from tests.fakes.tokens import FakeToken, FakeTokens

URI = "pkcs11:token=fleet;object=boot;type=private"
PIN = Pin("1234")


class Bench:
    """A station with keys and one token in this process."""

    def __init__(self, root: Path) -> None:
        self.station = KeyStation(root)
        self.token = FakeToken(Token(label="fleet", serial="f1"), PIN.text)
        self.token.add("boot", b"\x01", rsa_key(0))
        self.tokens = FakeTokens([self.token])
        self.pin = StoredPin(self.station.paths, self.station.wrapping)
        unlocking = Unlocking(self.pin, self.station.configuration)
        self.signing = SigningTokens(self.tokens, unlocking)
        self.look = KeyLook(self.station.registry, self.station.uses, self.signing)

    async def upload(self, content: bytes) -> str:
        notes = self.station.notes
        done = await self.station.keys.upload("boot.pem", content, activate=True, note=notes)
        return done.key.path

    async def register(self) -> None:
        report = await self.signing.report(URI, pin=PIN)
        await self.station.keys.register_token(
            URI, label="HSM", report=report, activate=True, note=self.station.notes
        )
        self.token.logins.clear()

    async def told(self, *, style: str = "secure-boot", path: str = "", uri: str = "") -> list[str]:
        values = {"PROVISIONING_STYLE": style, PEM_VARIABLE: path, URI_VARIABLE: uri}
        found = await self.look.findings(values)
        wanted = Outcome.FAILED if style == "secure-boot" else Outcome.WARNING
        assert {one.outcome for one in found} <= {wanted}
        assert all(one.remedy for one in found)
        return [one.because for one in found]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_only_secure_boot_needs_a_key(bench: Bench) -> None:
    assert await bench.told() == ["Secure boot needs a signing key, and none is active."]
    assert await bench.told(style="naked") == []


async def test_an_active_fit_key_passes(bench: Bench) -> None:
    path = await bench.upload(rsa_pem())
    assert await bench.told(path=path) == []


async def test_a_key_of_another_kind_is_not_fit(bench: Bench) -> None:
    path = await bench.upload(ec_pem())
    bench.station.select(path=path)
    [because, *_] = await bench.told(path=path)
    assert "not fit" in because


async def test_a_missing_file_is_told(bench: Bench) -> None:
    path = await bench.upload(rsa_pem())
    bench.station.paths.real(path).unlink()
    [because] = await bench.told(path=path)
    assert because.startswith("The signing key cannot be used: ")
    assert await bench.told(path=path, style="fde-only") == [because]


async def test_a_key_of_another_board_cannot_be_opened(bench: Bench) -> None:
    path = await bench.upload(rsa_pem())
    bench.station.firmware.keys[0] = b"another board's key, 32 bytes...."[:32]
    [because] = await bench.told(path=path)
    assert "another board" in because


async def test_a_file_with_another_key_than_the_registry_says_is_told(bench: Bench) -> None:
    path = await bench.upload(rsa_pem(0))
    real = bench.station.paths.real(path)
    real.chmod(0o600)
    real.write_bytes(rsa_pem(1))
    [because] = await bench.told(path=path)
    assert "another key than the registry says" in because


async def test_a_configured_key_that_nobody_registered_is_told(bench: Bench) -> None:
    await bench.upload(rsa_pem(0))
    bench.station.put(f"{KEYS}/stray.pem", rsa_pem(1))
    [because] = await bench.told(path=f"{KEYS}/stray.pem")
    assert "not registered" in because


async def test_a_token_with_its_pin_stored_passes_without_a_login(bench: Bench) -> None:
    await bench.register()
    await bench.pin.store(PIN, note=unnoted)
    assert await bench.told(uri=URI) == []
    assert bench.token.logins == []


async def test_a_token_without_pin_or_locked_or_gone_is_told(bench: Bench) -> None:
    await bench.register()
    [because] = await bench.told(uri=URI)
    assert "wants its PIN" in because
    await bench.pin.store(PIN, note=unnoted)
    bench.token.tries = 0
    [because] = await bench.told(uri=URI)
    assert "locked" in because
    bench.tokens.tokens.clear()
    [because] = await bench.told(uri=URI)
    assert "No token is plugged in" in because
    assert bench.token.logins == []


async def test_two_keys_are_told_elsewhere(bench: Bench) -> None:
    assert await bench.told(path="/a", uri=URI) == []


async def test_another_key_on_the_token_is_found_out_without_a_login(bench: Bench) -> None:
    await bench.register()
    await bench.pin.store(PIN, note=unnoted)
    bench.token.keys.clear()
    bench.token.add("boot", b"\x01", rsa_key(1))
    [because] = await bench.told(uri=URI)
    assert because.startswith("HSM is another key than the registry says")
    assert bench.token.logins == []


async def test_a_token_that_hides_its_public_keys_is_believed(bench: Bench) -> None:
    await bench.register()
    await bench.pin.store(PIN, note=unnoted)
    bench.token.keys.clear()
    assert await bench.told(uri=URI) == []


async def test_a_pin_in_an_old_uri_stands_for_the_stored_one(bench: Bench) -> None:
    await bench.register()
    assert await bench.told(uri=f"{URI}?pin-value=1234") == []
