"""Sparse images: each row of the contract's table, and what the real tools think of it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.images.descriptor import understand
from domain.images.sparse import SparseInvalid, check_sparse, fault_of, read_header
from tests.domain.images.sparse_files import (
    BLOCK,
    CRC32,
    DONT_CARE,
    FILL,
    RAW,
    chunk,
    header,
    sparse,
    whole_sparse,
)

WHOLE = whole_sparse()
BROKEN = [
    (b"", "file shorter than sparse header (0 B)"),
    (WHOLE[:27], "file shorter than sparse header (27 B)"),
    (b"\0" * 28, "bad magic 0x00000000 (expected 0xed26ff3a)"),
    (header(1, 0, major=2), "unsupported major version 2"),
    (header(1, 0, sizes=(27, 12, BLOCK)), "file_hdr_sz 27 < 28"),
    (header(1, 0, sizes=(28, 11, BLOCK)), "chunk_hdr_sz 11 < 12"),
    (header(1, 0, sizes=(28, 12, 0)), "invalid block size 0"),
    (header(1, 0, sizes=(28, 12, 4098)), "invalid block size 4098"),
    (header(0, 0), "zero total_blks"),
    (header(1, 2**32 - 1), "4294967295 chunks are more than the 8388608 that are read"),
    (header(1, 1), "chunk 1/1 header would start at 28 but file is only 28 B (truncated)"),
    (sparse(chunk(RAW, 1, total=11), blocks=1), "chunk 1: total_sz 11 < chunk_hdr_sz 12"),
    (sparse(chunk(RAW, 2, b"abcd"), blocks=2), "chunk 1 (raw): data 4 B is not 2 * 4096"),
    (sparse(chunk(FILL, 1), blocks=1), "chunk 1 (fill): data 0 B != 4"),
    (sparse(chunk(DONT_CARE, 1, b"x"), blocks=1), "chunk 1 (dont_care): data 1 B != 0"),
    (sparse(chunk(CRC32, 1), blocks=1), "chunk 1 (crc32): data 0 B != 4"),
    (sparse(chunk(0xCAC5, 1), blocks=1), "chunk 1: unknown type 0xcac5"),
    (
        sparse(chunk(DONT_CARE, 1), chunk(RAW, 1, b"x" * BLOCK), blocks=2)[:-1],
        (
            "chunk 2/2 (raw) declares 4096 B of data but only 4095 B remain in file "
            "(truncated mid-chunk)"
        ),
    ),
    (sparse(chunk(DONT_CARE, 1), blocks=2), "chunk-block sum 1 != header total_blks 2"),
]


@pytest.mark.parametrize(("content", "reason"), BROKEN)
def test_each_fault_is_told_in_the_words_of_the_table(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    (tmp_path / "a.sparse").write_bytes(content)
    assert fault_of(tmp_path, "a.sparse") == reason


def test_a_whole_one_passes_and_so_do_longer_headers_and_bytes_behind_it(tmp_path: Path) -> None:
    longer = header(1, 1, sizes=(32, 16, BLOCK)) + bytes(4)
    longer += chunk(DONT_CARE, 1, total=16) + bytes(4)
    for content in (WHOLE, WHOLE + b"behind", longer):
        (tmp_path / "a.sparse").write_bytes(content)
        assert fault_of(tmp_path, "a.sparse") == ""


def test_the_head_tells_the_size_of_what_it_stands_for(tmp_path: Path) -> None:
    path = tmp_path / "a.sparse"
    path.write_bytes(WHOLE)
    with path.open("rb") as file:
        assert read_header(file.fileno()).expanded == 8 * BLOCK


@pytest.mark.parametrize("name", ["none.sparse", "folder", "link.sparse", "pipe"])
def test_what_is_no_file_of_the_artefact_is_missing(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link.sparse").symlink_to(tmp_path / "whole.sparse")
    (tmp_path / "whole.sparse").write_bytes(WHOLE)
    assert fault_of(tmp_path, name) == "missing (referenced by IDP descriptor)"


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", ".", "..", "a/b", "a\0b"])
def test_no_name_leads_out_of_the_artefact(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").write_bytes(WHOLE)
    folder = tmp_path / "artefact"
    folder.mkdir()
    assert fault_of(folder, name) == "is not the plain name of a file"


def test_the_first_broken_file_by_name_of_its_partition_is_told(tmp_path: Path) -> None:
    images = {"z": {"simage": "a"}, "b": {"simage": "late"}, "a": {"simage": "whole"}}
    (tmp_path / "whole").write_bytes(WHOLE)
    (tmp_path / "late").write_bytes(b"")
    with pytest.raises(SparseInvalid) as caught:
        check_sparse(tmp_path, understand({"layout": {"partitionimages": images}}))
    assert caught.value.message == (
        "IDP sparse image validation failed: late: file shorter than sparse header (0 B)"
    )


@pytest.mark.parametrize("value", [[], {}, {"layout": 1}, {"layout": {"partitionimages": []}}])
def test_a_description_without_partition_images_passes(tmp_path: Path, value: object) -> None:
    check_sparse(tmp_path, understand(value))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(position=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255))
def test_no_flipped_byte_makes_it_fail_otherwise(tmp_path: Path, position: int, byte: int) -> None:
    path = tmp_path / "a.sparse"
    path.write_bytes(WHOLE[:position] + bytes([byte]) + WHOLE[position + 1 :])
    assert isinstance(fault_of(tmp_path, "a.sparse"), str)


@pytest.mark.real
def test_the_real_tools_read_what_we_take_for_whole_and_we_take_what_they_write(
    tmp_path: Path,
) -> None:
    if not shutil.which("simg2img"):
        pytest.skip("install the Debian package android-sdk-libsparse-utils")
    ours, raw, theirs = tmp_path / "ours.sparse", tmp_path / "raw", tmp_path / "theirs.sparse"
    ours.write_bytes(
        sparse(
            chunk(RAW, 2, b"boot" * 2048), chunk(FILL, 1, b"abcd"), chunk(DONT_CARE, 5), blocks=8
        )
    )
    subprocess.run(["simg2img", ours, raw], check=True, capture_output=True)
    assert raw.read_bytes()[: 3 * BLOCK] == b"boot" * 2048 + b"abcd" * 1024
    subprocess.run(["img2simg", raw, theirs], check=True, capture_output=True)
    assert fault_of(tmp_path, "theirs.sparse") == ""
    cut = tmp_path / "cut.sparse"
    cut.write_bytes(theirs.read_bytes()[:-1])
    assert subprocess.run(["simg2img", cut, raw], capture_output=True, check=False).returncode
    assert fault_of(tmp_path, "cut.sparse") != ""
