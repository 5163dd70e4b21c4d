"""The room on the store's disk: what stays free whatever comes, in whatever pieces."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.uploads.limits import MEBIBYTE, DiskRoom, Room, UploadLimits
from domain.uploads.refusals import SpaceShort

RESERVE = 64 * MEBIBYTE
PIECE = 64 * 1024


@dataclass
class Disk:
    """A disk of 100 GiB on which `free` bytes are free."""

    free: int

    def look(self, folder: Path) -> DiskRoom:
        return DiskRoom(total=100 << 30, free=self.free)

    def room(self) -> Room:
        return Room(Path("/store"), UploadLimits(reserve=RESERVE), look=self.look)

    def write(self, room: Room, size: int) -> None:
        room.take(size)
        self.free -= size

    def fill(self, piece: int) -> None:
        """Writes pieces through one room until it refuses."""
        room = self.room()
        while True:
            self.write(room, piece)

    def fill_apart(self, piece: int) -> None:
        """Writes pieces, each through a room of its own, until one refuses."""
        while True:
            self.write(self.room(), piece)


@pytest.mark.parametrize("piece", [1000, PIECE, 3 * MEBIBYTE])
def test_the_reserve_stays_free_to_the_last_byte(piece: int) -> None:
    disk = Disk(free=RESERVE + 20 * MEBIBYTE)
    with pytest.raises(SpaceShort):
        disk.fill(piece)
    assert RESERVE <= disk.free < RESERVE + piece


def test_the_reserve_stays_free_when_each_piece_has_a_room_of_its_own() -> None:
    disk = Disk(free=RESERVE + MEBIBYTE)
    with pytest.raises(SpaceShort):
        disk.fill_apart(PIECE)
    assert disk.free == RESERVE


def test_others_who_fill_the_disk_are_noticed_within_a_mebibyte() -> None:
    disk = Disk(free=RESERVE + 100 * MEBIBYTE)
    room = disk.room()
    disk.write(room, PIECE)
    disk.free = RESERVE
    for _ in range(MEBIBYTE // PIECE - 1):
        disk.write(room, PIECE)
    with pytest.raises(SpaceShort):
        disk.write(room, PIECE)


@pytest.mark.parametrize("free", [0, 1000, RESERVE])
def test_a_full_disk_refuses_the_first_byte(free: int) -> None:
    room = Disk(free).room()
    room.check(0)
    for refused in (room.check, room.take):
        with pytest.raises(SpaceShort, match="0 are free"):
            refused(1)


def test_what_is_promised_to_others_is_not_free() -> None:
    room = Disk(free=RESERVE + 100).room()
    room.check(40, promised=60)
    with pytest.raises(SpaceShort, match="60 more are promised"):
        room.check(41, promised=60)


def test_on_a_small_disk_the_reserve_is_small() -> None:
    room = Room(Path("/"), UploadLimits(), look=lambda _: DiskRoom(total=50_000, free=5_000))
    room.check(4_000)
    with pytest.raises(SpaceShort):
        room.check(4_001)
