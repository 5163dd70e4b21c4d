import re
import struct

import pytest

from domain.keys.fingerprint import fingerprint, fits_fingerprint, otp_words
from tests.domain.keys.samples import openssl, rsa_key, rsa_pem

VECTOR = "13e79241ca3e2e040439620378dad48be67d94aebeff3a717386992b1a318feb"
N = (1 << 2047) + 1


def test_the_vector_of_the_contract() -> None:
    assert fingerprint(N, 65537) == VECTOR


def test_openssl_reads_the_same_numbers_from_the_file() -> None:
    said = openssl("rsa", "-noout", "-modulus", given=rsa_pem()).decode()
    modulus = int(said.strip().partition("=")[2], 16)
    numbers = rsa_key().public_key().public_numbers()
    assert fingerprint(modulus, 65537) == fingerprint(numbers.n, numbers.e)


def test_numbers_that_a_board_cannot_hold_do_not_fit() -> None:
    assert fits_fingerprint(N, (1 << 64) - 1)
    assert not fits_fingerprint(N, 1 << 64)
    assert not fits_fingerprint(1 << 2048, 3)
    with pytest.raises(OverflowError):
        fingerprint(N, 1 << 64)


def test_the_words_are_the_digest_in_words_of_the_boards_byte_order() -> None:
    words = otp_words(VECTOR)
    assert words[0] == "4192e713"
    assert all(re.fullmatch("[0-9a-f]{8}", word) for word in words)
    back = struct.pack("<8I", *(int(word, 16) for word in words))
    assert back.hex() == VECTOR
