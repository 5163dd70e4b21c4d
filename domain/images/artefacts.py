"""IDP artefacts: a description and the files that it names."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from domain.images.descriptor import Descriptor, PartitionImage, read_descriptor
from domain.images.sparse import read_header
from domain.kept_files import open_real

MOST_EXPANDED = 1 << 45
"""Bytes: no storage of a board is larger than these 32 TiB."""


@dataclass(frozen=True, slots=True)
class PartitionFile:
    """The file behind a partition image of the description.

    `size_bytes` is the file's, None where the folder has no such file; `expanded_bytes` is what a
    board gets of it, None where the file is missing or no Android sparse image, and `fault` then
    says why. Whether all of it is there, only an upload checks (contract images 6.3).
    """

    partition: PartitionImage
    size_bytes: int | None
    expanded_bytes: int | None
    fault: str


@dataclass(frozen=True, slots=True)
class Artefact:
    """An artefact: what its description says, and its files in the order of partitions."""

    descriptor: Descriptor
    files: tuple[PartitionFile, ...]

    @property
    def file_count(self) -> int:
        """How many distinct files are named and there (contract images 6.1)."""
        return len({one.partition.simage for one in self.files if one.size_bytes is not None})

    @property
    def expanded_bytes(self) -> int:
        """The bytes of all partitions together, as far as their files tell."""
        return sum(one.expanded_bytes or 0 for one in self.files)


def analyse_artefact(folder: Path, description: Path) -> Artefact:
    """Returns what an artefact in this folder says and has; blocks. Raises `DescriptorInvalid`
    where its description is no JSON, never for what the JSON holds."""
    descriptor = read_descriptor(description)
    files = tuple(_file(folder, one) for one in descriptor.partitions or ())
    return Artefact(descriptor, files)


def _file(folder: Path, partition: PartitionImage) -> PartitionFile:
    if partition.simage is None:
        return PartitionFile(partition, None, None, "the description names no file")
    name = partition.file
    if name is None:
        return PartitionFile(partition, None, None, "is not the plain name of a file")
    size = _size(folder / name)
    if size is None:
        return PartitionFile(partition, None, None, "missing (referenced by IDP descriptor)")
    try:
        return PartitionFile(partition, size, _expanded(folder / name), "")
    except OSError as error:
        reason = f"cannot be read: {error.strerror or 'the disk failed'}"
        return PartitionFile(partition, size, None, reason)
    except ValueError as error:
        return PartitionFile(partition, size, None, str(error))


def _size(real: Path) -> int | None:
    """Returns a regular file's size, None for anything else; no link is followed."""
    try:
        status = real.lstat()
    except (OSError, ValueError):
        # A name that no file can have is that of no file.
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _expanded(real: Path) -> int:
    handle = open_real(real)
    try:
        expanded = read_header(handle).expanded
    finally:
        os.close(handle)
    if expanded > MOST_EXPANDED:
        raise ValueError(f"stands for {expanded} bytes, more than any storage has")
    return expanded
