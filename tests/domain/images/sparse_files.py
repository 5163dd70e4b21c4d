"""Sparse images written chunk by chunk, also wrong ones (Android's `sparse_format.h`)."""

import struct

BLOCK = 4096
RAW, FILL, DONT_CARE, CRC32 = 0xCAC1, 0xCAC2, 0xCAC3, 0xCAC4


def chunk(kind: int, blocks: int, data: bytes = b"", *, total: int | None = None) -> bytes:
    """Returns a chunk; `total` is what its header says of its size, None the truth."""
    size = 12 + len(data) if total is None else total
    return struct.pack("<HHII", kind, 0, blocks, size) + data


def header(
    blocks: int, chunks: int, *, major: int = 1, sizes: tuple[int, int, int] = (28, 12, BLOCK)
) -> bytes:
    """Returns a header; `sizes` are those of header, chunk header and block."""
    return struct.pack("<IHHHHIIII", 0xED26FF3A, major, 0, *sizes, blocks, chunks, 0)


def sparse(*parts: bytes, blocks: int) -> bytes:
    """Returns a sparse image of these chunks."""
    return header(blocks, len(parts)) + b"".join(parts)


def whole_sparse() -> bytes:
    """Returns a right one with a chunk of each kind, of 8 blocks."""
    return sparse(
        chunk(RAW, 2, b"boot" * 2048),
        chunk(FILL, 2, b"\xff\x00\xff\x00"),
        chunk(DONT_CARE, 4),
        chunk(CRC32, 0, bytes(4)),
        blocks=8,
    )
