"""Keys on tokens: the right one, the right PIN, and never a PIN where it is not meant."""

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from domain.configuration.configuration import Configuration
from domain.errors import ProvisionerError
from domain.events import Hub
from domain.file_accesses import unnoted
from domain.host_paths import HostPaths
from domain.keys.pin import Pin
from domain.keys.pkcs11_uri import parse_uri
from domain.keys.registry import URI_VARIABLE
from domain.keys.signing_tokens import SigningTokens
from domain.keys.stored_pin import StoredPin
from domain.keys.tokens import Token, TokenKey
from domain.keys.unlocking import Unlocking
from domain.keys.wrapping import DeviceWrapping
from tests.domain.keys.samples import public_pem, rsa_key
from tests.fakes.firmware_crypto import FakeFirmwareCrypto
from tests.fakes.tokens import FakeToken, FakeTokens

FLEET, SPARE = Pin("1234"), Pin("9876")
BOOT = "pkcs11:token=fleet;object=boot;type=private"


class Bench:
    """A station with two tokens in this process."""

    def __init__(self, root: Path) -> None:
        self.fleet = FakeToken(Token(label="fleet", serial="f1"), FLEET.text)
        self.spare = FakeToken(Token(label="spare", serial="s1"), SPARE.text)
        self.fleet.add("boot", b"\x01", rsa_key(0))
        self.fleet.add("twin", b"\x02", rsa_key(0))
        self.fleet.add("twin", b"\x03", rsa_key(1))
        self.fleet.add("curve", b"\x04", ec.generate_private_key(ec.SECP256R1()))
        self.tokens = FakeTokens([self.fleet, self.spare])
        paths = HostPaths(root)
        self.config = root / "etc/rpi-sb-provisioner/config"
        self.config.parent.mkdir(parents=True)
        self.stored = StoredPin(paths, DeviceWrapping(FakeFirmwareCrypto()))
        unlocking = Unlocking(self.stored, Configuration(paths, Hub()))
        self.keys = SigningTokens(self.tokens, unlocking)

    async def store(self, pin: Pin) -> None:
        await self.stored.store(pin, note=unnoted)

    def configure(self, uri: str) -> None:
        self.config.write_text(f"{URI_VARIABLE}='{uri}'\n")

    async def refused(self, uri: str = BOOT, pin: Pin | None = None) -> ProvisionerError:
        with pytest.raises(ProvisionerError) as caught:
            await self.keys.report(uri, pin=pin)
        return caught.value


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_a_key_is_reported_with_a_given_or_the_stored_pin(bench: Bench) -> None:
    given = await bench.keys.report(BOOT, pin=FLEET)
    await bench.store(FLEET)
    assert await bench.keys.report(BOOT) == given
    assert (given.algorithm, given.bits, given.is_fit) == ("RSA", 2048, True)
    numbers = rsa_key(0).public_key().public_numbers()
    hashed = numbers.n.to_bytes(256, "little") + numbers.e.to_bytes(8, "little")
    assert given.fingerprint == hashlib.sha256(hashed).hexdigest()
    curve = await bench.keys.report("pkcs11:token=fleet;object=curve;type=private")
    assert (curve.algorithm, curve.bits, curve.is_fit) == ("EC", 256, False)


async def test_a_signature_holds(bench: Bench) -> None:
    signature = await bench.keys.sign(BOOT, b"message", pin=FLEET)
    rsa_key(0).public_key().verify(signature, b"message", padding.PKCS1v15(), hashes.SHA256())


async def test_a_token_that_signs_wrongly_is_found_out(bench: Bench) -> None:
    known, _ = bench.fleet.keys[0]
    bench.fleet.keys[0] = (known, rsa_key(1))
    with pytest.raises(ProvisionerError) as caught:
        await bench.keys.sign(BOOT, b"message", pin=FLEET)
    assert caught.value.code == "SIGNATURE_WRONG"


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("pkcs11:token=none;object=boot;type=private", "TOKEN_NOT_FOUND"),
        ("pkcs11:object=boot;type=private", "TOKEN_AMBIGUOUS"),
        ("pkcs11:serial=s2;object=boot;type=private", "TOKEN_NOT_FOUND"),
        ("pkcs11:token=fleet;object=none;type=private", "TOKEN_KEY_NOT_FOUND"),
        ("pkcs11:token=fleet;object=Boot;type=private", "TOKEN_KEY_NOT_FOUND"),
        ("pkcs11:token=fleet;object=boot;id=%09;type=private", "TOKEN_KEY_NOT_FOUND"),
        ("pkcs11:token=fleet;object=twin;type=private", "TOKEN_KEY_AMBIGUOUS"),
        ("pkcs11:token=fleet;object=boot", "INVALID_PKCS11_URI"),
        ("pkcs11:token=fleet;object=boot;type=private?pin-value=1234", "INVALID_PKCS11_URI"),
        ("nope", "INVALID_PKCS11_URI"),
    ],
)
async def test_each_lack_has_its_own_code(bench: Bench, uri: str, code: str) -> None:
    assert (await bench.refused(uri, FLEET)).code == code
    assert bench.spare.logins == []


async def test_the_id_tells_twins_apart(bench: Bench) -> None:
    uri = "pkcs11:token=fleet;object=twin;id=%03;type=private"
    found = await bench.keys.public_pem(uri)
    assert found == public_pem(1).decode()
    other = parse_uri(uri.replace("%03", "%02"))
    assert found != await bench.keys.unlocked_public_pem(other, pin=FLEET)


async def test_without_tokens_the_reason_is_told(bench: Bench) -> None:
    bench.tokens.tokens = []
    assert (await bench.refused(pin=FLEET)).code == "TOKEN_NOT_FOUND"
    bench.tokens.missing = "p11-kit is not installed."
    assert (await bench.refused(pin=FLEET)).code == "TOKENS_UNAVAILABLE"


async def test_a_pin_is_asked_for(bench: Bench) -> None:
    assert (await bench.refused()).code == "PIN_REQUIRED"
    assert bench.fleet.logins == []


async def test_wrong_pins_are_told_until_the_token_locks(bench: Bench) -> None:
    wrong = Pin("0000")
    codes = [(await bench.refused(pin=wrong)).code for _ in range(4)]
    assert codes == ["PIN_WRONG", "PIN_WRONG", "PIN_WRONG", "PIN_LOCKED"]
    # Of the locked token nothing is asked any more, not even with the right one.
    assert (await bench.refused(pin=FLEET)).code == "PIN_LOCKED"
    assert bench.fleet.logins == ["0000"] * 3


async def test_the_last_try_is_a_persons_alone(bench: Bench) -> None:
    await bench.store(FLEET)
    bench.fleet.tries = 1
    assert (await bench.refused()).code == "PIN_FINAL_TRY"
    assert bench.fleet.logins == []
    assert (await bench.keys.report(BOOT, pin=FLEET)).is_fit
    assert (await bench.keys.report(BOOT)).is_fit


async def test_a_token_without_a_pin_is_told(bench: Bench) -> None:
    bench.fleet.pin = ""
    assert (await bench.refused(pin=FLEET)).code == "PIN_NOT_SET"


async def test_a_stored_pin_that_was_refused_is_not_tried_again(bench: Bench) -> None:
    await bench.store(SPARE)
    assert [(await bench.refused()).code for _ in range(3)] == ["PIN_WRONG"] * 3
    assert bench.fleet.logins == [SPARE.text]
    # The token got that PIN meanwhile, which somebody proves by typing it in.
    bench.fleet.pin = SPARE.text
    assert (await bench.keys.report(BOOT, pin=SPARE)).is_fit
    assert (await bench.keys.report(BOOT)).is_fit
    bench.fleet.pin = FLEET.text
    await bench.store(FLEET)
    assert (await bench.keys.report(BOOT)).is_fit


async def test_the_stored_pin_is_tried_on_one_token_only(bench: Bench) -> None:
    await bench.store(FLEET)
    assert (await bench.keys.report(BOOT)).is_fit
    other = BOOT.replace("fleet", "spare")
    assert (await bench.refused(other)).code == "PIN_REQUIRED"
    assert bench.spare.logins == []


async def test_a_stored_pin_that_another_token_refused_is_the_configured_ones(
    bench: Bench,
) -> None:
    await bench.store(FLEET)
    other = BOOT.replace("fleet", "spare")
    assert (await bench.refused(other)).code == "PIN_WRONG"
    assert (await bench.refused()).code == "PIN_REQUIRED"
    bench.configure(BOOT)
    assert (await bench.keys.report(BOOT)).is_fit


async def test_a_pin_stored_just_now_may_be_for_a_key_to_come(bench: Bench) -> None:
    await bench.store(FLEET)
    bench.configure("pkcs11:token=spare;object=x;type=private")
    assert (await bench.keys.report(BOOT)).is_fit


async def test_the_stored_pin_is_the_configured_keys_tokens(bench: Bench) -> None:
    await bench.store(FLEET)
    bench.stored.is_fresh = False
    bench.configure("pkcs11:token=spare;object=x;type=private?pin-value=9")
    assert (await bench.refused()).code == "PIN_REQUIRED"
    bench.configure(BOOT)
    assert (await bench.keys.report(BOOT)).is_fit
    bench.configure("pkcs11:no uri")
    assert (await bench.keys.report(BOOT)).is_fit


async def test_discovery_lists_rsa_keys_with_uris_that_work(bench: Bench) -> None:
    found = await bench.keys.list_keys(token="fleet", pin=FLEET)
    assert [key.uri for key in found] == [
        "pkcs11:token=fleet;object=boot;type=private;id=%01",
        "pkcs11:token=fleet;object=twin;type=private;id=%02",
        "pkcs11:token=fleet;object=twin;type=private;id=%03",
    ]
    for key in found:
        assert await bench.keys.report(key.uri, pin=FLEET) == key.report
    assert await bench.keys.list_keys(token="s1", pin=SPARE) == []


async def test_discovery_of_several_tokens_logs_in_to_none(bench: Bench) -> None:
    found = await bench.keys.discover(pin=FLEET)
    assert (found.is_available, found.keys) == (True, ())
    assert "Several tokens" in found.problem
    assert bench.fleet.logins == bench.spare.logins == []


async def test_discovery_of_the_only_token_needs_no_name(bench: Bench) -> None:
    bench.tokens.tokens = [bench.fleet]
    assert len((await bench.keys.discover(pin=FLEET)).keys) == 3
    await bench.store(FLEET)
    assert len((await bench.keys.discover()).keys) == 3
    bench.tokens.missing = "p11-kit is not installed."
    found = await bench.keys.discover()
    assert (found.is_available, found.problem) == (False, "p11-kit is not installed.")


async def test_two_tokens_of_one_label_are_told_apart_by_their_serial(bench: Bench) -> None:
    bench.tokens.tokens = [bench.fleet, FakeToken(Token(label="fleet", serial="f2"), "5")]
    assert (await bench.refused(pin=FLEET)).code == "TOKEN_AMBIGUOUS"
    (first, *_) = await bench.keys.list_keys(token="f1", pin=FLEET)
    assert parse_uri(first.uri).text("serial") == "f1"
    assert (await bench.keys.report(first.uri, pin=FLEET)).is_fit


async def test_a_label_that_no_screen_can_show_is_left_out(bench: Bench) -> None:
    bench.fleet.add("bad\nlabel", b"\x09", rsa_key(0))
    found = await bench.keys.list_keys(token="fleet", pin=FLEET)
    assert "pkcs11:token=fleet;type=private;id=%09" in [key.uri for key in found]


async def test_a_key_without_its_public_half_is_told(bench: Bench) -> None:
    bench.fleet.keys = [(TokenKey(label="boot", id=b"", algorithm="RSA"), rsa_key(0))]
    report = await bench.keys.report(BOOT, pin=FLEET)
    assert (report.is_valid, report.is_fit) == (False, False)
    with pytest.raises(ProvisionerError) as caught:
        await bench.keys.public_pem(BOOT)
    assert caught.value.code == "TOKEN_KEY_UNUSABLE"
    assert await bench.keys.sign(BOOT, b"m", pin=FLEET)


async def test_the_public_half_is_told_without_a_login(bench: Bench) -> None:
    assert await bench.keys.public_pem(BOOT) == public_pem(0).decode()
    with pytest.raises(ProvisionerError) as caught:
        await bench.keys.public_pem(BOOT.replace("boot", "none"))
    assert caught.value.code == "TOKEN_KEY_NOT_FOUND"
    assert bench.fleet.logins == []


async def test_a_check_tells_what_is_in_the_way(bench: Bench) -> None:
    assert (await bench.keys.check(BOOT, pin=FLEET)).is_fit
    found = await bench.keys.check(f"{BOOT}?pin-value=1234")
    assert (found.is_valid, found.level, "1234" in found.problem) == (False, "error", False)
    with pytest.raises(ProvisionerError):
        await bench.keys.check("pkcs11:object")


async def test_what_stops_signing_is_foreseen_without_a_login(bench: Bench) -> None:
    async def foreseen(uri: str = BOOT) -> str:
        with pytest.raises(ProvisionerError) as caught:
            await bench.keys.foresee(uri)
        return caught.value.code

    assert await foreseen() == "PIN_REQUIRED"
    await bench.store(FLEET)
    report = await bench.keys.foresee(BOOT)
    assert report is not None
    assert report.is_fit
    assert await bench.keys.foresee(BOOT.replace("boot", "hidden")) is None
    assert await foreseen(BOOT.replace("boot", "twin")) == "TOKEN_KEY_AMBIGUOUS"
    assert await foreseen(BOOT.replace("fleet", "none")) == "TOKEN_NOT_FOUND"
    bench.fleet.tries = 1
    assert await foreseen() == "PIN_FINAL_TRY"
    bench.fleet.tries = 0
    assert await foreseen() == "PIN_LOCKED"
    assert bench.fleet.logins == []
