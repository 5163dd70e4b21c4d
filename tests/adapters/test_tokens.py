"""The port `Tokens` against the fake and real SoftHSM behind p11-kit; modules that misbehave."""

import asyncio
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from adapters.tokens import Pkcs11Tokens, find_module
from adapters.tokens_failures import failure
from domain.errors import ProvisionerError
from domain.keys.pin import Pin
from domain.keys.token_refusals import (
    PinRequired,
    PinWrong,
    TokenKeyAmbiguous,
    TokenKeyNotFound,
    TokenNotFound,
    TokensUnavailable,
)
from domain.keys.tokens import Token, TokenKey, Tokens
from tests.adapters.soft_hsm import SoftHsm, missing
from tests.domain.keys.samples import OPEN, PEM, PKCS8, openssl, rsa_key
from tests.fakes.tokens import FakeToken, FakeTokens, Private

PIN, OTHER_PIN = Pin("1234"), Pin("9876-ü")
DIGEST = hashlib.sha256(b"boot image").digest()
KEYS: dict[tuple[str, bytes], Private] = {
    ("boot", b"\x01"): rsa_key(0),
    ("big", b"\x02"): rsa_key(0, bits=4096),
    ("curve", b"\x03"): ec.generate_private_key(ec.SECP256R1()),
    ("twin", b"\x04"): rsa_key(1),
}
needs_softhsm = pytest.mark.skipif(missing() is not None, reason=missing() or "")
real = [pytest.mark.real, needs_softhsm]


def _pem(label: str, key_id: bytes) -> bytes:
    return KEYS[label, key_id].private_bytes(PEM, PKCS8, OPEN)


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    made = SoftHsm.make(tmp_path_factory.mktemp("hsm"))
    made.add_token("fleet", PIN.text)
    made.add_token("spare room", OTHER_PIN.text)
    for label, key_id in KEYS:
        made.import_key("fleet", label, key_id, _pem(label, key_id), pin=PIN.text)
    made.import_key("fleet", "twin", b"\x04", _pem("boot", b"\x01"), pin=PIN.text)
    return made


def _fakes() -> FakeTokens:
    fleet = FakeToken(Token(label="fleet", serial="1"), PIN.text)
    for (label, key_id), key in KEYS.items():
        fleet.add(label, key_id, key)
    fleet.add("twin", b"\x04", KEYS["boot", b"\x01"])
    blank = FakeToken(Token(label="", serial="", is_initialised=False, has_pin=False), "")
    return FakeTokens(
        [fleet, FakeToken(Token(label="spare room", serial="2"), OTHER_PIN.text), blank]
    )


@asynccontextmanager
async def asking(
    hsm: SoftHsm | None = None, module: str = "", *, limit: float = 20
) -> AsyncIterator[Pkcs11Tokens]:
    environment = hsm.environment if hsm else None
    tokens = Pkcs11Tokens(module, environment=environment, limit=limit)
    try:
        yield tokens
    finally:
        await tokens.aclose()


@pytest.fixture(params=["fake", pytest.param("real", marks=real)])
async def tokens(request: pytest.FixtureRequest) -> AsyncIterator[Tokens]:
    if request.param == "fake":
        yield _fakes()
        return
    async with asking(request.getfixturevalue("hsm")) as asked:
        yield asked


async def _token(tokens: Tokens, label: str = "fleet") -> Token:
    return next(token for token in (await tokens.look()).tokens if token.label == label)


async def _key(tokens: Tokens, label: str) -> TokenKey:
    keys = await tokens.list_keys(await _token(tokens), PIN)
    return next(key for key in keys if key.label == label)


async def test_all_tokens_are_seen_with_their_state(tokens: Tokens) -> None:
    seen = await tokens.look()
    assert sorted(token.label for token in seen.tokens if token.is_initialised) == [
        "fleet",
        "spare room",
    ]
    blank = next(token for token in seen.tokens if not token.is_initialised)
    assert not blank.has_pin
    fleet = await _token(tokens)
    assert (fleet.needs_login, fleet.has_pin, fleet.is_locked) == (True, True, False)
    assert fleet.serial
    assert seen.module
    assert seen.description


async def test_private_keys_are_seen_after_a_login_only(tokens: Tokens) -> None:
    fleet = await _token(tokens)
    assert await tokens.list_keys(fleet, None) == []
    keys = await tokens.list_keys(fleet, PIN)
    assert sorted((key.label, key.id, key.algorithm) for key in keys) == [
        ("big", b"\x02", "RSA"),
        ("boot", b"\x01", "RSA"),
        ("curve", b"\x03", "EC"),
        ("twin", b"\x04", "RSA"),
        ("twin", b"\x04", "RSA"),
    ]
    assert await tokens.list_keys(await _token(tokens, "spare room"), OTHER_PIN) == []


async def test_the_public_half_is_told_as_openssl_has_it(tokens: Tokens) -> None:
    for label, key_id in (("boot", b"\x01"), ("big", b"\x02"), ("curve", b"\x03")):
        expected = openssl("pkey", "-pubout", "-outform", "DER", given=_pem(label, key_id))
        assert (await _key(tokens, label)).public == expected


@pytest.mark.parametrize("label", ["boot", "big", "curve"])
async def test_openssl_verifies_what_is_signed(tokens: Tokens, label: str, tmp_path: Path) -> None:
    key = await _key(tokens, label)
    signature = await tokens.sign(await _token(tokens), key, digest=DIGEST, pin=PIN)
    public, signed = tmp_path / "public.der", tmp_path / "signature"
    public.write_bytes(key.public)
    signed.write_bytes(signature)
    arguments = ("-verify", public, "-keyform", "DER", "-signature", signed)
    assert b"Verified OK" in openssl("dgst", "-sha256", *arguments, given=b"boot image")


async def test_a_wrong_pin_is_told_and_seen_afterwards(tokens: Tokens) -> None:
    fleet = await _token(tokens)
    with pytest.raises(PinWrong) as caught:
        await tokens.list_keys(fleet, OTHER_PIN)
    assert "`fleet`" in caught.value.message
    assert OTHER_PIN.text not in repr(caught.value)
    assert (await _token(tokens)).is_pin_low
    # The right one sets the counter back.
    assert await tokens.list_keys(fleet, PIN)
    assert not (await _token(tokens)).is_pin_low


async def test_the_other_token_never_sees_the_pin(tokens: Tokens) -> None:
    with pytest.raises(PinWrong):
        await tokens.list_keys(await _token(tokens), OTHER_PIN)
    assert not (await _token(tokens, "spare room")).is_pin_low
    assert await tokens.list_keys(await _token(tokens), PIN)


async def test_each_lack_has_its_own_error(tokens: Tokens) -> None:
    fleet = await _token(tokens)
    absent = TokenKey(label="none", id=b"\x01", algorithm="RSA")
    with pytest.raises(TokenKeyNotFound):
        await tokens.sign(fleet, absent, digest=DIGEST, pin=PIN)
    with pytest.raises(TokenKeyAmbiguous):
        await tokens.sign(fleet, await _key(tokens, "twin"), digest=DIGEST, pin=PIN)
    with pytest.raises(TokenNotFound):
        await tokens.list_keys(Token(label="gone", serial="0"), PIN)
    boot = await _key(tokens, "boot")
    with pytest.raises((PinRequired, TokenKeyNotFound)):
        await tokens.sign(fleet, boot, digest=DIGEST, pin=None)


@pytest.mark.real
@needs_softhsm
async def test_one_child_answers_many_callers_and_a_killed_one_comes_again(hsm: SoftHsm) -> None:
    async with asking(hsm) as tokens:
        fleet, boot = await _token(tokens), await _key(tokens, "boot")
        calls = [tokens.sign(fleet, boot, digest=DIGEST, pin=PIN) for _ in range(8)]
        assert len(set(await asyncio.gather(*calls))) == 1
        first = _children()
        assert len(first) == 1
        os.kill(first[0], signal.SIGKILL)
        with pytest.raises(TokensUnavailable) as caught:
            await tokens.look()
        assert "crashed" in caught.value.message
        with pytest.raises(TokensUnavailable):
            await tokens.probe()
        assert await _token(tokens) == fleet
        await tokens.probe()
        assert _children() != first


@pytest.mark.real
@needs_softhsm
async def test_a_caller_that_goes_away_leaves_nothing_behind(hsm: SoftHsm) -> None:
    async with asking(hsm) as tokens:
        fleet = await _token(tokens)
        (child,) = _children()
        os.kill(child, signal.SIGSTOP)
        call = asyncio.create_task(tokens.list_keys(fleet, PIN))
        await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert len(await tokens.list_keys(fleet, PIN)) == 5


@pytest.mark.real
@needs_softhsm
async def test_a_stop_does_not_wait_for_a_module_that_hangs(hsm: SoftHsm) -> None:
    async with asking(hsm) as tokens:
        fleet = await _token(tokens)
        (child,) = _children()
        os.kill(child, signal.SIGSTOP)
        call = asyncio.create_task(tokens.list_keys(fleet, PIN))
        await asyncio.sleep(0)
        began = time.monotonic()
        await tokens.aclose()
        assert time.monotonic() - began < 3
        with pytest.raises(TokensUnavailable):
            await call
        assert _children() == []


@pytest.mark.real
@needs_softhsm
async def test_a_stop_at_once_after_the_first_question_waits_for_nothing(hsm: SoftHsm) -> None:
    async with asking(hsm) as tokens:
        call = asyncio.create_task(tokens.look())
        await asyncio.sleep(0)
        await tokens.aclose()
        with pytest.raises(TokensUnavailable):
            await call
        assert _children() == []


def _children() -> list[int]:
    asked = ["pgrep", "-P", str(os.getpid()), "-f", "tokens_child.py"]
    return [int(line) for line in subprocess.run(asked, stdout=-1, check=False).stdout.split()]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PKCS#11 modules that hang, that crash, and that are none."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is missing: install the Debian package gcc")
    folder = tmp_path_factory.mktemp("modules")
    bodies = {"hangs": "for (;;) pause();", "crashes": "abort();"}
    for name, body in bodies.items():
        source = folder / f"{name}.c"
        source.write_text(
            "#include <stdlib.h>\n#include <unistd.h>\n"
            f"unsigned long C_GetFunctionList(void **list) {{ {body} return 5; }}\n"
        )
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / name, source], check=True)
    (folder / "nothing").write_text("no module")
    return folder


@pytest.mark.real
async def test_a_module_that_hangs_is_ended_at_the_limit(broken: Path) -> None:
    async with asking(module=str(broken / "hangs"), limit=1.0) as tokens:
        began = time.monotonic()
        with pytest.raises(TokensUnavailable) as caught:
            await tokens.look()
        assert "within 1 s" in caught.value.message
        with pytest.raises(TokensUnavailable) as told:
            await tokens.probe()
        assert told.value.message == caught.value.message
        assert time.monotonic() - began < 5
        assert _children() == []
        # For as long again nobody waits.
        began = time.monotonic()
        with pytest.raises(TokensUnavailable):
            await tokens.look()
        assert time.monotonic() - began < 0.5


@pytest.mark.real
async def test_a_module_that_crashes_does_not_take_the_service_along(broken: Path) -> None:
    async with asking(module=str(broken / "crashes")) as tokens:
        for _ in range(2):
            with pytest.raises(TokensUnavailable) as caught:
                await tokens.look()
            assert "crashed" in caught.value.message


@pytest.mark.real
async def test_a_module_that_is_none_is_told(broken: Path) -> None:
    async with asking(module=str(broken / "nothing")) as tokens:
        with pytest.raises(TokensUnavailable) as caught:
            await tokens.look()
    assert "cannot be loaded" in caught.value.message


async def test_nothing_is_started_before_it_is_used_or_after_the_end() -> None:
    async with asking() as tokens:
        assert _children() == []
    with pytest.raises(TokensUnavailable):
        await tokens.look()
    with pytest.raises(TokensUnavailable):
        find_module("/nonexistent/module.so")


FLEET = Token(label="fleet", serial="1")


@pytest.mark.parametrize(
    ("word", "flags", "code", "words"),
    [
        ("PinIncorrect", set(), "PIN_WRONG", "refused the PIN."),
        ("PinIncorrect", {"USER_PIN_COUNT_LOW"}, "PIN_WRONG", "will lock"),
        ("PinIncorrect", {"USER_PIN_FINAL_TRY"}, "PIN_WRONG", "one more"),
        ("PinIncorrect", {"USER_PIN_LOCKED"}, "PIN_LOCKED", "locked now"),
        ("PinLenRange", set(), "PIN_WRONG", "refused the PIN."),
        ("PinLocked", set(), "PIN_LOCKED", "locked"),
        ("UserPinNotInitialized", set(), "PIN_NOT_SET", "no user PIN"),
        ("UserNotLoggedIn", set(), "PIN_REQUIRED", "wants its PIN"),
        ("TokenNotPresent", set(), "TOKEN_NOT_FOUND", "gone"),
        ("DeviceRemoved", set(), "TOKEN_NOT_FOUND", "gone"),
        ("MultipleTokensReturned", set(), "TOKEN_AMBIGUOUS", "unplug"),
        ("NoSuchKey", set(), "TOKEN_KEY_NOT_FOUND", "`boot`"),
        ("MultipleObjectsReturned", set(), "TOKEN_KEY_AMBIGUOUS", "several"),
        ("MechanismInvalid", set(), "TOKEN_KEY_UNUSABLE", "cannot sign"),
        ("GeneralError", set(), "TOKEN_REFUSED", "GeneralError"),
        ("ModuleBroken", set(), "TOKENS_UNAVAILABLE", "ldd"),
    ],
)
def test_every_refusal_of_a_token_is_told_precisely(
    word: str, flags: set[str], code: str, words: str
) -> None:
    told: ProvisionerError = failure(word, frozenset(flags), token=FLEET, key="boot")
    assert told.code == code
    assert words in told.message


def test_the_child_runs_alone() -> None:
    """It imports nothing of ours, so that a started child is small and quick."""
    child = Path(sys.modules["adapters.tokens"].__file__ or "").with_name("tokens_child.py")
    text = child.read_text()
    assert "from adapters" not in text
    assert "from domain" not in text
