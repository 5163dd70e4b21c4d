"""The port of firmware crypto, told by the fake and by the program alike."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.firmware_crypto import FirmwareCryptoProgram
from domain.keys.firmware_crypto import FirmwareCrypto, FirmwareCryptoUnavailable
from domain.keys.wrapping import DeviceWrapping
from server.demo.firmware_crypto import write_stand_in
from tests.fakes.firmware_crypto import DEVICE_KEY, FakeFirmwareCrypto

KEYS = {3: DEVICE_KEY, 5: b"\x05" * 32}
SALT = bytes(range(0x20, 0x40))
AES = "62215de7bddcea7e2c4047ff6bb94f8d18262fc8b3f3648134bb7d44158ff84d"


def _program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FirmwareCrypto:
    write_stand_in(tmp_path, KEYS)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return FirmwareCryptoProgram()


def _fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FirmwareCrypto:
    return FakeFirmwareCrypto(dict(KEYS))


def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> FirmwareCryptoProgram:
    """Puts another program of this name first on PATH."""
    program = tmp_path / "rpi-fw-crypto"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return FirmwareCryptoProgram(seconds=0.5)


@pytest.mark.parametrize("make", [_program, _fake])
def test_it_finds_keys_and_uses_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[..., FirmwareCrypto]
) -> None:
    firmware = make(tmp_path, monkeypatch)
    assert [slot for slot in range(7) if firmware.has_key(slot)] == [3, 5]
    assert firmware.hmac(SALT, slot=3).hex() == AES
    with pytest.raises(FirmwareCryptoUnavailable):
        firmware.hmac(SALT, slot=0)
    board = DeviceWrapping(firmware)
    assert board.unwrap(board.wrap(b"secret")) == b"secret"


def test_without_the_program_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FirmwareCryptoUnavailable) as refused:
        FirmwareCryptoProgram().has_key(0)
    assert "rpifwcrypto" in refused.value.message


def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeper = shutil.which("sleep")
    firmware = script(tmp_path, monkeypatch, f"exec {sleeper} 60")
    with pytest.raises(FirmwareCryptoUnavailable) as refused:
        firmware.has_key(0)
    assert "0.5 s" in refused.value.message


@pytest.mark.parametrize("answer", ["echo nonsense", "printf 1234", "true", "printf '\\377\\376'"])
def test_an_answer_that_is_no_hmac_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    firmware = script(tmp_path, monkeypatch, answer)
    with pytest.raises(FirmwareCryptoUnavailable) as refused:
        firmware.hmac(SALT, slot=0)
    assert "no HMAC" in refused.value.message


def test_raw_bytes_are_an_hmac_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    firmware = script(tmp_path, monkeypatch, "printf 0123456789abcdef0123456789abcdef")
    assert firmware.hmac(SALT, slot=0) == b"0123456789abcdef" * 2


def test_the_command_lines_are_the_contracts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    firmware = script(tmp_path, monkeypatch, f'echo "$@" >> {tmp_path}/log; printf %064d 0')
    firmware.has_key(2)
    firmware.hmac(SALT, slot=2)
    first, second = (tmp_path / "log").read_text().splitlines()
    assert first == "pubkey --key-id 2"
    assert second.split()[:2] == ["hmac", "--in"]
    assert second.split()[3:] == ["--key-id", "2", "--outform", "hex"]


def test_an_error_of_the_firmware_is_told_with_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    firmware = script(tmp_path, monkeypatch, "exit 251")
    with pytest.raises(FirmwareCryptoUnavailable) as refused:
        firmware.hmac(SALT, slot=4)
    assert "slot 4 (error 5)" in refused.value.message
