"""Android sparse images: whether an artefact's files are whole (contract images 6.3).

The format is a header of 28 bytes and chunks with a header of 12 bytes each, all little-endian.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from domain.errors import Invalid
from domain.images.descriptor import Descriptor, PartitionImage
from domain.kept_files import open_real

MAGIC = 0xED26FF3A
FILE_HEADER, CHUNK_HEADER = 28, 12
RAW, FILL, DONT_CARE, CRC32 = 0xCAC1, 0xCAC2, 0xCAC3, 0xCAC4
MOST_CHUNKS = 1 << 23
"""So many chunks are looked at: an image of 32 GiB whose blocks of 4 KiB all differ in kind."""
_KINDS = {RAW: "raw", FILL: "fill", DONT_CARE: "dont_care", CRC32: "crc32"}
_FIXED = {FILL: 4, DONT_CARE: 0, CRC32: 4}
"""Bytes of data of the chunks whose data does not grow with their blocks."""


class SparseInvalid(Invalid):
    """A partition's file that is missing, cut off, or no sparse image."""

    code = "IDP_SPARSE_INVALID"
    title = "Validation Error"
    meaning = (
        "A file that the artefact's description names is missing, was cut off, or is no Android "
        "sparse image; a board would get half a system."
    )
    remedy = "Build the artefact again, or pack and upload it again; the message names the file."


class _Broken(Exception):
    """What is wrong with one file."""


@dataclass(frozen=True, slots=True)
class SparseHeader:
    """What the head of a sparse image says; sizes are bytes."""

    major: int
    file_header: int
    chunk_header: int
    block: int
    blocks: int
    chunks: int

    @property
    def expanded(self) -> int:
        """The size of what it stands for."""
        return self.block * self.blocks


def check_sparse(folder: Path, descriptor: Descriptor) -> None:
    """Raises `SparseInvalid` for the first file of an artefact that is not whole, in the order of
    partitions; blocks. `folder` is where the artefact lies; no link in it is followed.

    A description without partition images passes (contract images 6.3).
    """
    for simage in descriptor.simages:
        reason = fault_of(folder, simage)
        if reason:
            message = f"IDP sparse image validation failed: {simage}: {reason}"
            raise SparseInvalid(message, detail=simage)


def fault_of(folder: Path, simage: str) -> str:
    """Returns what is wrong with one file of an artefact, nothing when it is whole; blocks."""
    name = PartitionImage("", simage).file
    if name is None:
        return "is not the plain name of a file"
    try:
        handle = _open(folder / name)
        with os.fdopen(handle, "rb", buffering=0) as file:
            _check(file.fileno())
    except _Broken as error:
        return str(error)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return ""


def read_header(handle: int) -> SparseHeader:
    """Returns the head of the sparse image at the beginning of an open file; blocks. Raises
    ValueError, which says why, for anything else, and OSError as the system does."""
    try:
        return _header(handle, os.fstat(handle).st_size)
    except _Broken as error:
        raise ValueError(str(error)) from error


def _open(real: Path) -> int:
    try:
        return open_real(real)
    except PermissionError as error:
        raise _Broken("cannot open for reading") from error
    except OSError as error:
        # A link, a folder or anything else under this name is no file of the artefact either.
        raise _Broken("missing (referenced by IDP descriptor)") from error


def _check(handle: int) -> None:
    size = os.fstat(handle).st_size
    header = _header(handle, size)
    blocks = sum(_chunks(handle, size, header))
    if blocks != header.blocks:
        raise _Broken(f"chunk-block sum {blocks} != header total_blks {header.blocks}")


def _header(handle: int, size: int) -> SparseHeader:
    head = os.pread(handle, FILE_HEADER, 0)
    if size < FILE_HEADER or len(head) < FILE_HEADER:
        raise _Broken(f"file shorter than sparse header ({min(size, len(head))} B)")
    magic, major, _, file_header, chunk_header, block, blocks, chunks = struct.unpack_from(
        "<IHHHHIII", head
    )
    if magic != MAGIC:
        raise _Broken(f"bad magic 0x{magic:08x} (expected 0x{MAGIC:08x})")
    header = SparseHeader(major, file_header, chunk_header, block, blocks, chunks)
    _check_header(header)
    return header


def _check_header(header: SparseHeader) -> None:
    if header.major != 1:
        raise _Broken(f"unsupported major version {header.major}")
    if header.file_header < FILE_HEADER:
        raise _Broken(f"file_hdr_sz {header.file_header} < {FILE_HEADER}")
    if header.chunk_header < CHUNK_HEADER:
        raise _Broken(f"chunk_hdr_sz {header.chunk_header} < {CHUNK_HEADER}")
    if header.block == 0 or header.block % 4:
        raise _Broken(f"invalid block size {header.block}")
    if header.blocks == 0:
        raise _Broken("zero total_blks")
    if header.chunks > MOST_CHUNKS:
        raise _Broken(f"{header.chunks} chunks are more than the {MOST_CHUNKS} that are read")


def _chunks(handle: int, size: int, header: SparseHeader) -> Iterator[int]:
    """Yields the blocks of each chunk; raises `_Broken`."""
    position, count = header.file_header, header.chunks
    for number in range(1, count + 1):
        if position + header.chunk_header > size:
            where = f"chunk {number}/{count} header would start at {position}"
            raise _Broken(f"{where} but file is only {size} B (truncated)")
        head = os.pread(handle, CHUNK_HEADER, position)
        if len(head) < CHUNK_HEADER:
            raise _Broken(f"chunk {number}/{count} header cannot be read (truncated)")
        kind, _, blocks, total = struct.unpack("<HHII", head)
        data = _data_of(number, kind, blocks, total, header)
        position += header.chunk_header
        if position + data > size:
            declared = f"chunk {number}/{count} ({_KINDS[kind]}) declares {data} B of data"
            left = f"but only {size - position} B remain in file (truncated mid-chunk)"
            raise _Broken(f"{declared} {left}")
        position += data
        yield blocks


def _data_of(number: int, kind: int, blocks: int, total: int, header: SparseHeader) -> int:
    """Returns the bytes of data of one chunk; raises `_Broken`."""
    if total < header.chunk_header:
        raise _Broken(f"chunk {number}: total_sz {total} < chunk_hdr_sz {header.chunk_header}")
    data = total - header.chunk_header
    if kind == RAW and data != blocks * header.block:
        raise _Broken(f"chunk {number} (raw): data {data} B is not {blocks} * {header.block}")
    if kind in _FIXED and data != _FIXED[kind]:
        raise _Broken(f"chunk {number} ({_KINDS[kind]}): data {data} B != {_FIXED[kind]}")
    if kind not in _KINDS:
        raise _Broken(f"chunk {number}: unknown type 0x{kind:04x}")
    return data
