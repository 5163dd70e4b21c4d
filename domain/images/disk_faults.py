"""Faults of a disk image: what speaks against writing it to a board."""

from dataclasses import dataclass
from enum import StrEnum


class DiskFaultKind(StrEnum):
    """What is wrong with a disk; the values are those of the REST answer."""

    SIZE = "size_not_multiple_of_512"
    NO_TABLE = "no_partition_table"
    TABLE_DAMAGED = "partition_table_damaged"
    COPY_DAMAGED = "partition_table_copy_damaged"
    NOT_ANNOUNCED = "partition_table_not_announced"
    CUT_OFF = "image_cut_off"
    OUTSIDE = "partition_outside_image"
    UNFILLED = "partition_not_filled"
    OVERLAP = "partitions_overlap"
    FILE_SYSTEM_TOO_LARGE = "file_system_larger_than_partition"
    NO_BOOT = "no_boot_partition"
    NO_ROOT = "no_root_partition"


@dataclass(frozen=True, slots=True)
class DiskFault:
    """One thing that is wrong, and a sentence that says which."""

    kind: DiskFaultKind
    sentence: str
