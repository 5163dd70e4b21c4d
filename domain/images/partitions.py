"""Partitions of a disk image, and the tables that name them."""

from dataclasses import dataclass, field
from enum import StrEnum


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
    """A table as it was read; `faults` are sentences about what is damaged in it.

    `sector_size` is in bytes; `identifier` is the disk's signature or GUID. `end` is the first byte
    behind the copy at the disk's end, 0 for a table without one; `is_lost` tells that neither
    can be read.
    """

    kind: TableKind
    sector_size: int
    identifier: str
    partitions: tuple[Partition, ...]
    faults: tuple[str, ...] = field(default=())
    end: int = 0
    is_lost: bool = False
