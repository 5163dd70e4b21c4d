"""Boards: which USB devices are boards that the station works on, and what their types mean
(contract devices section 9)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

BOOT_ROM = "0a5c"
BOOT_ROM_PRODUCTS = ("2710", "2711", "2712", "2764")
"""2764 is the BCM2710 family; udev starts nothing for 2710, which bootstrap takes all the same."""
FASTBOOT = ("18d1", "4e40")
MAKER = "Raspberry Pi"
"""The manufacturer that udev wants of a fastboot gadget, since any phone may have its USB id."""


@dataclass(frozen=True, slots=True)
class BoardType:
    """What a board type tells: the board's name, and its generation, 4 or 5; None is any other."""

    name: str
    generation: int | None


BOARD_TYPES = {
    "08": BoardType("Raspberry Pi 3 Model B", None),
    "09": BoardType("Raspberry Pi Zero", None),
    "0a": BoardType("Compute Module 3", None),
    "0c": BoardType("Raspberry Pi Zero W", None),
    "0d": BoardType("Raspberry Pi 3 Model B+", None),
    "0e": BoardType("Raspberry Pi 3 Model A+", None),
    "10": BoardType("Compute Module 3+", None),
    "11": BoardType("Raspberry Pi 4 Model B", 4),
    "12": BoardType("Raspberry Pi Zero 2 W", None),
    "13": BoardType("Raspberry Pi 400", 4),
    "14": BoardType("Compute Module 4", 4),
    "15": BoardType("Compute Module 4S", 4),
    "17": BoardType("Raspberry Pi 5", 5),
    "18": BoardType("Compute Module 5", 5),
    "19": BoardType("Raspberry Pi 500", 5),
    "1a": BoardType("Compute Module 5 Lite", 5),
}
"""By bits 4-11 of the OTP's USER_BOARDREV, two hex digits; the types below 11 are from Raspberry
Pi's list of revision codes."""

OTHER = 0
"""A generation that is known and is neither 4 nor 5."""
_PROCESSORS = (("2712", 5), ("2711", 4), ("2710", OTHER), ("283", OTHER))
# The boardnames of manufacturing records that the texts below would miss.
_BOARDNAMES = {"5": 5, "500": 5, "4b": 4, "400": 4, "3b": OTHER, "3b+": OTHER, "3a+": OTHER}
_NAMES = (
    *((text, 5) for text in ("2712", "rpi5", "pi5", "pi 5", "cm5", "compute module 5")),
    *((text, 4) for text in ("2711", "rpi4", "pi4", "pi 4", "cm4", "compute module 4")),
    *((text, OTHER) for text in ("zero", "pi 3", "cm3", "cm1", "compute module 3")),
)
_PRODUCTS = (("2712", 5), ("2711", 4))
_IMAGES = (
    *((text, 5) for text in ("2712", "rpi5", "pi5")),
    *((text, 4) for text in ("2711", "rpi4", "pi4")),
)


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a board; any text may be empty. `vendor` and `product` are USB ids."""

    board_type: str
    processor: str
    model: str
    vendor: str
    product: str
    product_name: str
    image: str


def is_target(vendor: str, product: str, manufacturer: str) -> bool:
    """Whether the station works on what has these USB ids, four hex digits each."""
    if vendor.lower() == BOOT_ROM:
        return product.lower() in BOOT_ROM_PRODUCTS
    # Where the tree tells no manufacturer, the USB id alone decides.
    return (vendor.lower(), product.lower()) == FASTBOOT and manufacturer in ("", MAKER)


def board_name(board_type: str) -> str:
    """Returns the name of a board type, two hex digits; the empty text where it is not known."""
    known = BOARD_TYPES.get(board_type.lower())
    return known.name if known else ""


def generation_of(traits: Traits) -> int | None:
    """Returns 4 or 5, None where nothing tells it or it is another one.

    The surest fact decides (contract devices Q16): a later one, such as the name of the image that
    is meant for the board, never overrules it.
    """
    return next((told or None for told in _tellings(traits) if told is not None), None)


def _tellings(traits: Traits) -> Iterator[int | None]:
    known = BOARD_TYPES.get(traits.board_type.lower())
    yield (known.generation or OTHER) if known else None
    yield _told(traits.processor, _PROCESSORS)
    yield _BOARDNAMES.get(traits.model.strip().lower())
    yield _told(traits.model, _NAMES)
    is_rom = traits.vendor.lower() == BOOT_ROM
    yield _told(traits.product, _PROCESSORS[:3]) if is_rom else None
    yield OTHER if is_rom and traits.product == "2764" else None
    yield _told(traits.product_name, _PRODUCTS)
    yield _told(traits.image, _IMAGES)


def _told(text: str, table: Iterable[tuple[str, int]]) -> int | None:
    lowered = text.lower()
    return next((generation for part, generation in table if part in lowered), None)
