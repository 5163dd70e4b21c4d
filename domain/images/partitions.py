"""Partitions of a disk image, and the tables that name them."""

from dataclasses import dataclass
from enum import StrEnum

from domain.images.disk_faults import DiskFault


class TableKind(StrEnum):
    """How a disk names its partitions; the values are those of the REST answer."""

    MBR = "mbr"
    GPT = "gpt"


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition. `start` and `size` are bytes.

    `number` is Linux's: logical partitions of an MBR begin at 5. `type` is `0x0c` in an MBR, a
    GUID in a GPT; `uuid` is Linux's PARTUUID; `label` is the name in a GPT.
    """

    number: int
    start: int
    size: int
    type: str
    uuid: str
    label: str | None = None
    is_bootable: bool = False

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.start + self.size


@dataclass(frozen=True, slots=True)
class PartitionTable:
    """A table as it was read; `faults` are those of the table itself.

    `sector_size` is in bytes; `identifier` is the disk's signature or GUID. `end` is the first byte
    behind the copy at the disk's end, 0 for a table without one.
    """

    kind: TableKind
    sector_size: int
    identifier: str
    partitions: tuple[Partition, ...]
    faults: tuple[DiskFault, ...] = ()
    end: int = 0
