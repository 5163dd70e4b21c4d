"""Decompression of streams: every codec, several streams, and everything that can be broken."""

from collections.abc import Iterator

import pytest

from adapters.xz import find_programs
from domain.uploads.decompression import decode, decode_sniffed
from domain.uploads.refusals import DecompressionFailed, UploadBroken
from domain.uploads.sniffing import Content, recognise
from tests.domain.uploads.packing import PACKERS, noise, pieces

CONTENT = noise(300_000)
CODECS = list(PACKERS)


def unpacked(codec: Content, packed: bytes, size: int = 1000) -> bytes:
    return b"".join(decode(codec, pieces(packed, size)))


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
def test_a_stream_in_pieces_of_any_size_is_whole(codec: Content, size: int) -> None:
    packed = PACKERS[codec][1](CONTENT[140_000:170_000])
    assert unpacked(codec, packed, size) == CONTENT[140_000:170_000]
    assert recognise(packed[:512]) is codec


@pytest.mark.parametrize("codec", CODECS)
def test_streams_behind_each_other_are_one_content(codec: Content) -> None:
    pack = PACKERS[codec][1]
    packed = pack(CONTENT[:1000]) + pack(b"") + pack(CONTENT[1000:])
    assert unpacked(codec, packed, 512) == CONTENT


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_hollow_comes_out_in_blocks(codec: Content) -> None:
    packed = PACKERS[codec][1](bytes(5_000_000))
    blocks = list(decode(codec, pieces(packed, 1 << 20)))
    assert sum(map(len, blocks)) == 5_000_000
    assert max(map(len, blocks)) <= 512 * 1024


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("cut", [1, 9, 1000])
def test_a_stream_that_is_cut_off_is_refused(codec: Content, cut: int) -> None:
    packed = PACKERS[codec][1](CONTENT)
    with pytest.raises(DecompressionFailed):
        unpacked(codec, packed[:-cut])


@pytest.mark.parametrize("codec", CODECS)
def test_a_changed_byte_is_noticed(codec: Content) -> None:
    packed = bytearray(PACKERS[codec][1](CONTENT))
    packed[len(packed) // 2] ^= 0x55
    with pytest.raises(DecompressionFailed):
        unpacked(codec, bytes(packed))


@pytest.mark.parametrize("codec", [Content.XZ, Content.GZIP])
def test_zeros_behind_a_stream_are_padding(codec: Content) -> None:
    assert unpacked(codec, PACKERS[codec][1](CONTENT) + bytes(64), 100) == CONTENT


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("trailer", [b"\n", b'{"metadata_version": "1.1"}FWx0\x1c\x8e'])
def test_what_follows_a_stream_is_told_with_its_place(
    codec: Content, size: int, trailer: bytes
) -> None:
    packed = PACKERS[codec][1](CONTENT)
    with pytest.raises(DecompressionFailed) as refused:
        unpacked(codec, packed + trailer, size)
    assert refused.value.message == (
        f"Failed to decompress image: the compressed stream ends at byte {len(packed)}, and "
        "something else follows, such as metadata of a build; send it without, as `head -c "
        f"{len(packed)} FILE` gives it."
    )
    assert unpacked(codec, (packed + trailer)[: len(packed)], size) == CONTENT


@pytest.mark.parametrize("codec", CODECS)
def test_a_second_stream_that_is_broken_is_told_as_such(codec: Content) -> None:
    first, second = PACKERS[codec][1](CONTENT[:1000]), PACKERS[codec][1](CONTENT)
    with pytest.raises(DecompressionFailed, match="cut off"):
        unpacked(codec, first + second[:10])
    with pytest.raises(DecompressionFailed, match="corrupt"):
        unpacked(codec, first + second[:50] + bytes([second[50] ^ 0x55]) + second[51:])


def test_what_the_content_is_counts_and_not_its_name() -> None:
    packed = PACKERS[Content.ZSTD][1](CONTENT)
    content, decoded = decode_sniffed(pieces(packed), {})
    assert (content, b"".join(decoded)) == (Content.ZSTD, CONTENT)


@pytest.mark.parametrize("cut", [1, 100])
def test_the_program_xz_refuses_what_is_cut_off(cut: int) -> None:
    program = find_programs()[Content.XZ]
    packed = PACKERS[Content.XZ][1](CONTENT)
    assert b"".join(program(pieces(packed))) == CONTENT
    with pytest.raises(DecompressionFailed) as raised:
        list(program(pieces(packed[:-cut])))
    assert "end of input" in raised.value.message.lower()


def test_the_program_xz_ends_with_its_source() -> None:
    def broken() -> Iterator[bytes]:
        yield PACKERS[Content.XZ][1](CONTENT)[:5000]
        raise UploadBroken("gone")

    with pytest.raises(UploadBroken):
        list(find_programs()[Content.XZ](broken()))
