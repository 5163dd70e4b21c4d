"""The stored PIN: wrapped, whole at every instant, never printed."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from domain.errors import Invalid
from domain.host_paths import HostPaths
from domain.keys.firmware_crypto import DeviceKeyMissing, FirmwareCryptoUnavailable
from domain.keys.pin import LONGEST_PIN, Pin, PinMalformed, PinTooLong
from domain.keys.stored_pin import PinNotRemoved, PinNotSaved, PinUnreadable, StoredPin
from domain.keys.wrapping import DeviceWrapping, SecretNotUnwrapped, is_wrapped
from tests.domain.keys.killing_pin import PINS
from tests.fakes.firmware_crypto import FakeFirmwareCrypto

ROOT = Path(__file__).parents[3]
PIN = Pin("123456")
VECTOR = bytes.fromhex(
    "5250495342573100202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
    "404142434445464748494a4bcaaf3f5beef3d853b8a102e558096cbd2be41792"
)
"""The PIN `1234` under the device key 00..1f (contract configuration 8)."""


class Notes(list[tuple[str, str, bool, str]]):
    """The file accesses that were written down."""

    def __call__(
        self, operation: str, target: str, *, success: bool = True, info: str = ""
    ) -> None:
        self.append((operation, target, success, info))


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "etc/rpi-sb-provisioner/keys/pkcs11.pin"


def _stored(root: Path, crypto: FakeFirmwareCrypto | None = None) -> StoredPin:
    return StoredPin(HostPaths(root), DeviceWrapping(crypto or FakeFirmwareCrypto()))


async def test_a_pin_is_stored_wrapped_and_private(
    tmp_path: Path, file: Path, notes: Notes
) -> None:
    stored = _stored(tmp_path)
    assert (await stored.is_stored(), await stored.read()) == (False, None)
    await stored.store(PIN, note=notes)
    assert is_wrapped(file.read_bytes())
    assert b"123456" not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o400
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert (await stored.is_stored(), await stored.read()) == (True, PIN)
    # The file is 0400: it is replaced, not opened for writing.
    await stored.store(Pin("other"), note=notes)
    assert await stored.read() == Pin("other")
    assert [entry.name for entry in file.parent.iterdir()] == ["pkcs11.pin"]
    written = ("WRITE_PIN", "/etc/rpi-sb-provisioner/keys/pkcs11.pin", True, "")
    assert notes == [written, written]


async def test_a_pin_is_removed_once(tmp_path: Path, file: Path, notes: Notes) -> None:
    stored = _stored(tmp_path)
    assert not await stored.remove(note=notes)
    await stored.store(PIN, note=notes)
    assert await stored.remove(note=notes)
    assert not file.exists()
    assert [note[0] for note in notes] == ["WRITE_PIN", "DELETE_PIN"]


@pytest.mark.parametrize(
    ("content", "pin"),
    [(b"1234", "1234"), (b"1234\n", "1234"), (b"12 34\r\n", "12 34"), (VECTOR, "1234")],
)
async def test_what_others_stored_is_read(
    tmp_path: Path, file: Path, content: bytes, pin: str
) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    assert await _stored(tmp_path).read() == Pin(pin)


@pytest.mark.parametrize("content", [b"\n", b"\xff\xfe", b"12\n34", b"x" * 5000])
async def test_a_file_that_holds_no_pin_is_told_without_its_content(
    tmp_path: Path, file: Path, content: bytes
) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(PinUnreadable) as caught:
        await _stored(tmp_path).read()
    assert caught.value.__context__ is None
    assert await _stored(tmp_path).is_stored()


async def test_an_empty_file_is_no_pin(tmp_path: Path, file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.touch()
    assert (await _stored(tmp_path).is_stored(), await _stored(tmp_path).read()) == (False, None)


async def test_another_boards_pin_counts_as_stored_and_is_not_read(
    tmp_path: Path, notes: Notes
) -> None:
    await _stored(tmp_path).store(PIN, note=notes)
    other = _stored(tmp_path, FakeFirmwareCrypto({3: b"x" * 32}))
    assert await other.is_stored()
    with pytest.raises(SecretNotUnwrapped):
        await other.read()


@pytest.mark.parametrize(
    ("crypto", "kind"),
    [
        (FakeFirmwareCrypto({}), DeviceKeyMissing),
        (FakeFirmwareCrypto(missing="no program"), FirmwareCryptoUnavailable),
    ],
)
async def test_nothing_is_ever_stored_plain(
    tmp_path: Path, file: Path, notes: Notes, crypto: FakeFirmwareCrypto, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        await _stored(tmp_path, crypto).store(PIN, note=notes)
    assert not file.parent.exists()
    assert [note[2] for note in notes] == [False]


async def test_a_disk_that_refuses_is_told(tmp_path: Path, file: Path, notes: Notes) -> None:
    file.parent.parent.mkdir(parents=True)
    file.parent.write_text("in the way")
    with pytest.raises(PinNotSaved):
        await _stored(tmp_path).store(PIN, note=notes)
    file.parent.unlink()
    file.mkdir(parents=True)
    with pytest.raises(PinNotRemoved):
        await _stored(tmp_path).remove(note=notes)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", PinMalformed),
        ("12\n", PinMalformed),
        ("12\r", PinMalformed),
        ("\t1", PinMalformed),
        ("a\0", PinMalformed),
        ("\ud800", PinMalformed),
        ("x" * (LONGEST_PIN + 1), PinTooLong),
        ("ü" * (LONGEST_PIN // 2 + 1), PinTooLong),
    ],
)
def test_bad_pins_are_refused_without_being_repeated(text: str, kind: type[Invalid]) -> None:
    with pytest.raises(kind) as caught:
        Pin(text)
    assert caught.value.field == "pin"
    assert len(text) < 2 or text not in repr(caught.value)


def test_no_text_shows_a_pin() -> None:
    assert "123456" not in f"{PIN} {PIN!r} {[PIN]}"
    assert Pin("x" * LONGEST_PIN).text


async def test_a_kill_leaves_the_old_or_the_new_pin(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.domain.keys.killing_pin", str(tmp_path)]
    for number in range(8):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as storing:
            assert storing.stdout is not None
            for _ in range(number + 1):
                storing.stdout.readline()
            storing.kill()
        assert await _stored(tmp_path).read() in PINS
