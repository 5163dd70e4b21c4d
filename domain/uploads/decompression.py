"""Decompression of streams that arrive in pieces: several streams behind each other, whole to the
last byte."""

import bz2
import itertools
import lzma
import sys
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from domain.uploads.intake import Chunk
from domain.uploads.refusals import DecompressionFailed
from domain.uploads.sniffing import HEAD, Content, recognise

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK = 512 * 1024
"""Bytes that come out at once, so that a bomb never fills the memory."""
MOST_XZ_MEMORY = 256 << 20
Decode = Callable[[Iterator[Chunk]], Iterator[Chunk]]
"""Decompresses a stream as it comes; raises `DecompressionFailed`."""
Programs = Mapping[Content, Decode]
"""Programs of this machine that are faster than Python."""


class _Stream(Protocol):
    """The decompressors of the standard library, but for zlib's."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: Chunk, /, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib's decompressor with the manners of the others."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)
        self._is_full = False

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    @property
    def needs_input(self) -> bool:
        return not (self._stream.unconsumed_tail or self._is_full)

    def decompress(self, data: Chunk, /, max_length: int = -1) -> bytes:
        tail = self._stream.unconsumed_tail
        out = self._stream.decompress(b"".join((tail, data)) if tail else data, max_length)
        # What came in may be used up before all of it has come out.
        self._is_full = len(out) == max_length
        return out


def _xz() -> _Stream:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_XZ_MEMORY)


_STREAMS: dict[Content, Callable[[], _Stream]] = {
    Content.XZ: _xz,
    Content.ZSTD: zstd.ZstdDecompressor,
    Content.GZIP: _Gzip,
    Content.BZIP2: bz2.BZ2Decompressor,
}
_FAILURES = (lzma.LZMAError, zstd.ZstdError, zlib.error, OSError, EOFError, ValueError, MemoryError)
_MARKS: dict[Content, tuple[bytes, ...]] = {
    Content.XZ: (b"\xfd7zXZ\0",),
    # All but the first begin what is to be skipped (RFC 8878, 3.1.2).
    Content.ZSTD: (b"\x28\xb5\x2f\xfd", *(bytes((n, 0x2A, 0x4D, 0x18)) for n in range(0x50, 0x60))),
    Content.GZIP: (b"\x1f\x8b",),
    Content.BZIP2: (b"BZh",),
}
_LONGEST_MARK = 6


class _Member:
    """One of the streams behind each other; `start` is the byte at which it begins."""

    def __init__(self, content: Content, start: int) -> None:
        self.stream = _STREAMS[content]()
        self._marks, self._start, self._head = _MARKS[content], start, b""

    def decompress(self, data: Chunk) -> bytes:
        """Returns the next block; raises `DecompressionFailed`."""
        self._head += data[: _LONGEST_MARK - len(self._head)]
        try:
            return self.stream.decompress(data, max_length=BLOCK)
        except _FAILURES as error:
            raise self.failure(f"the compressed stream is corrupt ({error})") from error

    def failure(self, reason: str) -> DecompressionFailed:
        """Returns the error, which tells what is behind a whole stream and is none itself."""
        if self._start and not any(
            mark.startswith(self._head[: len(mark)]) for mark in self._marks
        ):
            reason = (
                f"the compressed stream ends at byte {self._start}, and something else follows, "
                "such as metadata of a build; send it without, as `head -c "
                f"{self._start} FILE` gives it"
            )
        return DecompressionFailed(f"Failed to decompress image: {reason}.")


def peek(source: Iterator[Chunk]) -> tuple[bytes, Iterator[Chunk]]:
    """Returns the first 512 bytes, or all if there are fewer, and the whole source again."""
    first, size = list[Chunk](), 0
    for chunk in source:
        first.append(chunk)
        size += len(chunk)
        if size >= HEAD:
            break
    head = b"".join(bytes(chunk[:HEAD]) for chunk in first)[:HEAD]
    return head, itertools.chain(first, source)


def decoder_of(content: Content, programs: Programs) -> Decode:
    """Returns what decompresses a content: a program of this machine where it is faster."""
    return programs.get(content) or (lambda source: decode(content, source))


def decode(content: Content, source: Iterator[Chunk]) -> Iterator[Chunk]:
    """Yields what a compressed stream holds; raises `DecompressionFailed`."""
    member: _Member | None = None
    came = 0
    for chunk in source:
        data: Chunk = chunk
        came += len(chunk)
        while data or (member is not None and not member.stream.needs_input):
            data = data if member else _without_padding(content, data)
            if member is None and not data:
                break
            member = member or _Member(content, came - len(data))
            out = member.decompress(data)
            if out:
                yield out
            stream = member.stream
            data, member = (stream.unused_data, None) if stream.eof else (b"", member)
    if member is not None:
        raise member.failure("the compressed stream is cut off")


def decode_sniffed(source: Iterator[Chunk], programs: Programs) -> tuple[Content, Iterator[Chunk]]:
    """Returns what a source is compressed with, and what it holds; a source that is not compressed
    as it is."""
    head, whole = peek(source)
    content = recognise(head)
    if content not in _STREAMS:
        return content, whole
    return content, decoder_of(content, programs)(whole)


@contextmanager
def closed_at_end(source: Iterator[Chunk]) -> Iterator[Iterator[Chunk]]:
    """Ends what makes a source, such as a program, with the context, and not when somebody
    happens to collect it."""
    try:
        yield source
    finally:
        if isinstance(source, Generator):
            source.close()


def _without_padding(content: Content, data: Chunk) -> Chunk:
    """Zeros behind a whole stream belong to none: gzip's tapes and xz's padding have them."""
    if content in (Content.XZ, Content.GZIP) and not data[0]:
        return bytes(data).lstrip(b"\0")
    return data
