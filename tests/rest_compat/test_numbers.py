"""Numbers as C++'s std::stoi reads them."""

import pytest

from rest_compat.numbers import stoi


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("2", 2),
        ("2x", 2),
        (" \t\n+7", 7),
        ("-3", -3),
        ("0005", 5),
        ("00000000000000000000005", 5),
        ("1.9", 1),
        ("1e5", 1),
        ("0", 0),
        ("000", 0),
        ("2147483647", 2147483647),
        ("-2147483648", -2147483648),
        ("2147483648", None),
        ("-2147483649", None),
        ("9" * 5000, None),
        ("", None),
        (" ", None),
        ("+", None),
        ("- 1", None),
        ("x2", None),
        ("٣", None),
        ("\xa02", None),
    ],
)
def test_a_number_is_read_as_stoi_reads_it(text: str, number: int | None) -> None:
    assert stoi(text) == number
