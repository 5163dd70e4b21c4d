"""Texts that are no Unicode, as answers show them."""

import os

from domain.unicode_texts import as_unicode


def test_what_is_no_unicode_is_replaced_wherever_it_stands() -> None:
    name = os.fsdecode(b"caf\xe9\xff.sh")
    assert as_unicode({name: [name, ("é", 1, None)]}) == {
        "caf\ufffd\ufffd.sh": ["caf\ufffd\ufffd.sh", ["é", 1, None]]
    }
