import pytest

from domain.keys.firmware_crypto import DeviceKeyMissing, FirmwareCryptoUnavailable
from domain.keys.wrapping import (
    HEADER_BYTES,
    DeviceWrapping,
    SecretNotUnwrapped,
    is_wrapped,
    wrap_with,
)
from tests.fakes.firmware_crypto import DEVICE_KEY, FakeFirmwareCrypto

BLOB = bytes.fromhex(
    "5250495342573100202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
    "404142434445464748494a4bcaaf3f5beef3d853b8a102e558096cbd2be41792"
)
AES = bytes.fromhex("62215de7bddcea7e2c4047ff6bb94f8d18262fc8b3f3648134bb7d44158ff84d")
SALT, NONCE = bytes(range(0x20, 0x40)), bytes(range(0x40, 0x4C))
OTHER = b"\x07" * 32


def wrapping(**keys: bytes) -> DeviceWrapping:
    slots = {int(name[4:]): key for name, key in keys.items()}
    return DeviceWrapping(FakeFirmwareCrypto(slots))


def test_the_vector_of_the_contract() -> None:
    key = FakeFirmwareCrypto({0: DEVICE_KEY}).hmac(SALT, slot=0)
    assert key == AES
    assert wrap_with(key, b"1234", salt=SALT, nonce=NONCE) == BLOB
    assert wrapping(slot0=DEVICE_KEY).unwrap(BLOB) == b"1234"


def test_what_is_wrapped_opens_again_and_never_looks_the_same() -> None:
    board = wrapping(slot3=DEVICE_KEY)
    first, second = board.wrap(b"secret"), board.wrap(b"secret")
    assert first != second
    assert (len(first), is_wrapped(first)) == (HEADER_BYTES + 6, True)
    assert {board.unwrap(first), board.unwrap(second)} == {b"secret"}


def test_a_slot_that_was_filled_later_hides_nothing() -> None:
    blob = wrapping(slot5=DEVICE_KEY).wrap(b"secret")
    assert wrapping(slot1=OTHER, slot5=DEVICE_KEY, slot9=OTHER).unwrap(blob) == b"secret"


def test_the_lowest_slot_wraps() -> None:
    blob = wrapping(slot2=OTHER, slot5=DEVICE_KEY).wrap(b"x")
    assert wrapping(slot2=OTHER).unwrap(blob) == b"x"


def test_another_board_says_so() -> None:
    with pytest.raises(SecretNotUnwrapped) as refused:
        wrapping(slot0=OTHER, slot1=OTHER).unwrap(BLOB)
    assert "2 key(s)" in refused.value.message


@pytest.mark.parametrize("at", [8, 39, 40, 52, 67, 68, 71])
def test_a_changed_byte_is_noticed(at: int) -> None:
    damaged = bytes(byte ^ (index == at) for index, byte in enumerate(BLOB))
    with pytest.raises(SecretNotUnwrapped):
        wrapping(slot0=DEVICE_KEY).unwrap(damaged)


def test_a_blob_that_is_cut_off_is_refused_and_an_empty_secret_is_not() -> None:
    with pytest.raises(SecretNotUnwrapped):
        wrapping(slot0=DEVICE_KEY).unwrap(BLOB[: HEADER_BYTES - 1])
    board = wrapping(slot0=DEVICE_KEY)
    assert board.unwrap(board.wrap(b"")) == b""


def test_no_key_is_told_apart_from_no_firmware() -> None:
    with pytest.raises(DeviceKeyMissing) as missing:
        wrapping().wrap(b"x")
    assert "genkey" in missing.value.message
    with pytest.raises(DeviceKeyMissing):
        wrapping().unwrap(BLOB)
    elsewhere = DeviceWrapping(FakeFirmwareCrypto(missing="not a Raspberry Pi"))
    with pytest.raises(FirmwareCryptoUnavailable):
        elsewhere.wrap(b"x")
    with pytest.raises(FirmwareCryptoUnavailable):
        elsewhere.unwrap(BLOB)


def test_a_key_that_is_made_later_is_found() -> None:
    firmware = FakeFirmwareCrypto({})
    board = DeviceWrapping(firmware)
    with pytest.raises(DeviceKeyMissing):
        board.wrap(b"x")
    firmware.keys[0] = DEVICE_KEY
    assert board.unwrap(board.wrap(b"x")) == b"x"


@pytest.mark.parametrize("content", [b"", b"RPISBW1", b"RPISBW2\0", b"-----BEGIN", b"1234"])
def test_everything_else_is_plain(content: bytes) -> None:
    assert not is_wrapped(content)
