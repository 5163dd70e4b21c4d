"""Boards as they come out of the box: what is printed on them and what they tell over USB."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

ODD = 0x9E3779B1
"""Odd: its multiples modulo 2^32 never repeat, so no two boards share their last 8 digits."""


@dataclass(frozen=True, slots=True)
class Model:
    """A kind of board.

    `board_type` is two hex digits and `usb_product` the boot ROM's USB id (contract devices
    section 9); sizes are bytes, 0 where the part is absent.
    """

    name: str
    board_type: str
    processor: str
    usb_product: str
    usb_name: str
    fastboot_name: str
    memory: str
    mmc_size: int
    eeprom_size: int
    eeprom_jedec: str

    @property
    def revision_code(self) -> str:
        """The new-style revision code, which rpiboot reads as USER_BOARDREV: type in bits 4-11,
        processor in 12-15, memory in 20-22 (Raspberry Pi's list of revision codes)."""
        memory = _MEMORIES.index(self.memory) << 20
        processor = _PROCESSORS.index(self.processor) << 12
        return f"{1 << 23 | memory | processor | int(self.board_type, 16) << 4:x}"

    @property
    def bootstrap_name(self) -> str:
        """What bootstrap calls the board type."""
        return _BOOTSTRAP_NAMES.get(self.board_type, f"Board type 0x{self.board_type}")


_MEMORIES = ("256MB", "512MB", "1GB", "2GB", "4GB", "8GB", "16GB")
_PROCESSORS = ("BCM2835", "BCM2836", "BCM2837", "BCM2711", "BCM2712")
_BOOTSTRAP_NAMES = {
    "11": "Raspberry Pi 4",
    "14": "Compute Module 4",
    "17": "Raspberry Pi 5",
    "18": "Compute Module 5",
}

CM5 = Model(
    "CM5", "18", "BCM2712", "2712", "BCM2712 Boot", "Raspberry Pi Compute Module 5",
    "4GB", 31268536320, 2097152, "ef4015",
)  # fmt: skip
PI_5 = Model(
    "5", "17", "BCM2712", "2712", "BCM2712 Boot", "Raspberry Pi 5",
    "8GB", 0, 2097152, "ef4015",
)  # fmt: skip
CM4 = Model(
    "CM4", "14", "BCM2711", "2711", "BCM2711 Boot", "Raspberry Pi Compute Module 4",
    "2GB", 15634268160, 524288, "ef4013",
)  # fmt: skip
PI_4B = Model(
    "4B", "11", "BCM2711", "2711", "BCM2711 Boot", "Raspberry Pi 4 Model B",
    "4GB", 0, 524288, "ef4013",
)  # fmt: skip
ZERO_2_W = Model(
    "Zero 2 W", "12", "BCM2837", "2764", "BCM2710 Boot", "Raspberry Pi Zero 2 W",
    "512MB", 0, 0, "",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Board:
    """One board; `serial` is its 16 lower-case hex digits, `duid` the code printed on it."""

    serial: str
    duid: str
    model: Model
    eth_mac: str
    wifi_mac: str
    bt_mac: str
    mmc_cid: str
    eeprom_unique_id: str

    @property
    def rom_serial(self) -> str:
        """The 8 digits that the boot ROM tells (contract devices section 3)."""
        return self.serial[-8:]

    @property
    def address(self) -> str:
        """The IPv4 address that the fastboot gadget gets (link-local, RFC 3927)."""
        low = int(self.serial[-4:], 16)
        return f"169.254.{low // 256 % 254 + 1}.{low % 254 + 1}"


class BoardBox:
    """A box of boards, the same for the same seed; `first` is the number of the first board."""

    def __init__(self, seed: int, *, first: int = 0) -> None:
        self._seed = seed
        self._next = first

    @property
    def taken(self) -> int:
        """The number of the next board."""
        return self._next

    def take(self, models: Sequence[Model]) -> Board:
        """Returns the next board, of one of `models`."""
        number, self._next = self._next, self._next + 1
        chance = random.Random(f"{self._seed}/board/{number}")
        model = chance.choice(models)
        low = (self._seed * 0x85EBCA6B + (number + 1) * ODD) & 0xFFFFFFFF
        macs = [_mac(number * 3 + part) for part in range(3)]
        return Board(
            serial=f"{chance.getrandbits(32):08x}{low:08x}",
            duid=f"{911043955000 + number:016d}",
            model=model,
            eth_mac="" if model is ZERO_2_W else macs[0],
            wifi_mac=macs[1],
            bt_mac=macs[2],
            mmc_cid=f"{chance.getrandbits(128):032x}" if model.mmc_size else "",
            eeprom_unique_id=f"{chance.getrandbits(64):016x}" if model.eeprom_size else "",
        )


def _mac(number: int) -> str:
    return "2c:cf:67:" + ":".join(f"{number >> shift & 255:02x}" for shift in (16, 8, 0))
