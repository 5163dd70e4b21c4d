"""Contents packed in every way that uploads know."""

import bz2
import gzip
import lzma
import random
import sys
from collections.abc import Callable, Iterator

from domain.uploads.sniffing import Content

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def _zstd(content: bytes) -> bytes:
    # With a checksum, as the program `zstd` writes it.
    return zstd.compress(content, options={zstd.CompressionParameter.checksum_flag: 1})


PACKERS: dict[Content, tuple[str, Callable[[bytes], bytes]]] = {
    Content.XZ: (".xz", lzma.compress),
    Content.ZSTD: (".zst", _zstd),
    Content.GZIP: (".gz", gzip.compress),
    Content.BZIP2: (".bz2", bz2.compress),
}


def noise(size: int, seed: int = 1) -> bytes:
    """Returns bytes like those of an image: half of them hollow."""
    chance = random.Random(seed)
    full = chance.randbytes(size // 2)
    return full + bytes(size - len(full))


def pieces(content: bytes, size: int = 1000) -> Iterator[bytes]:
    """Yields a content in pieces."""
    for start in range(0, len(content), size):
        yield content[start : start + size]
