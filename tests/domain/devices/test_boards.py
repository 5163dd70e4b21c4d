"""Which USB devices are boards, and of which generation."""

import pytest

from domain.devices.boards import Traits, board_name, generation_of, is_target


@pytest.mark.parametrize(
    ("vendor", "product", "manufacturer", "wanted"),
    [
        ("0a5c", "2764", "Broadcom", True),
        ("0a5c", "2711", "", True),
        ("0A5C", "2712", "", True),
        ("0a5c", "2710", "", True),
        ("0a5c", "2045", "Broadcom", False),
        ("18d1", "4e40", "Raspberry Pi", True),
        ("18d1", "4e40", "", True),
        ("18d1", "4e40", "Google", False),
        ("18d1", "4ee0", "Raspberry Pi", False),
        ("046d", "c31c", "Logitech", False),
        ("", "", "", False),
    ],
)
def test_a_board_is_known_by_its_usb_id(
    vendor: str, product: str, manufacturer: str, *, wanted: bool
) -> None:
    assert is_target(vendor, product, manufacturer) is wanted


NOTHING = Traits("", "", "", "", "", "", "")


@pytest.mark.parametrize(
    ("traits", "wanted"),
    [
        ({}, None),
        ({"board_type": "17"}, 5),
        ({"board_type": "1A"}, 5),
        ({"board_type": "13"}, 4),
        # The surest fact decides: the image's name never overrules the board's type.
        ({"board_type": "14", "image": "raspios-pi5.img"}, 4),
        ({"board_type": "12", "image": "raspios-pi5.img"}, None),
        ({"processor": "BCM2837", "model": "5"}, None),
        ({"processor": "BCM2711", "product_name": "BCM2712 Boot"}, 4),
        *(({"model": name}, 5) for name in ("5", "500", "CM5", "CM5 Lite", "Raspberry Pi 5")),
        *(({"model": name}, 4) for name in ("4B", "400", "CM4", "CM4S", "Raspberry Pi 400")),
        *(({"model": n, "image": "pi5.img"}, None) for n in ("Zero 2 W", "3B+", "CM3", "CM1")),
        ({"vendor": "0a5c", "product": "2712"}, 5),
        ({"vendor": "0a5c", "product": "2711", "image": "rpi5.img"}, 4),
        ({"vendor": "0a5c", "product": "2764", "image": "rpi5.img"}, None),
        # 2711 is a product of many vendors.
        ({"vendor": "1234", "product": "2711"}, None),
        ({"product_name": "BCM2712 Boot"}, 5),
        ({"image": "raspios-rpi4.img"}, 4),
        ({"image": "other.img"}, None),
    ],
)
def test_the_surest_fact_tells_the_generation(traits: dict[str, str], wanted: int | None) -> None:
    known = {name: getattr(NOTHING, name) for name in Traits.__slots__}
    assert generation_of(Traits(**(known | traits))) == wanted


def test_a_board_type_has_a_name() -> None:
    assert (board_name("18"), board_name("ff"), board_name("")) == ("Compute Module 5", "", "")
