"""Uploads into a store on a small disk, and on one that cannot be written: real mounts."""

import json
import lzma
import os
import shutil
import subprocess
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tusclient.client import TusClient

from domain.uploads.sniffing import Content
from tests.domain.uploads.archives import FORMATS, GOOD, Member
from tests.domain.uploads.packing import PACKERS, noise
from tests.e2e.process import Program
from tests.e2e.test_upload_clients import (
    CLIENTS,
    STORE,
    curl,
    find_offset,
    names,
    node_is_there,
    patch,
    put,
)

SMALL = 24 << 20
needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="needs Debian's curl")
Mount = Callable[[str], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Mount]:
    """A tmpfs of 24 MiB where the store is; it may be mounted again with other options."""
    store = tmp_path / STORE
    store.mkdir(parents=True)

    def mount(options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(store)]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            pytest.skip("needs the right to mount a tmpfs (root)")

    mount(f"size={SMALL},mode=755")
    yield mount
    subprocess.run(["umount", "-l", str(store)], check=True)


@needs_curl
@pytest.mark.real
def test_a_full_disk_is_507_before_and_during_and_leaves_nothing(
    tmp_path: Path, disk: Mount
) -> None:
    large = noise(60 << 20)
    hollow = PACKERS[Content.XZ][1](bytes(64 << 20))
    zst = PACKERS[Content.ZSTD][1](bytes(64 << 20))
    archive = FORMATS[".tar.gz"]((*GOOD, Member("big", noise(40 << 20))))
    with Program(tmp_path) as program:
        for name, content, options in (
            ("known.img", large, ()),
            ("unknown.img", large, ("-H", "Transfer-Encoding: chunked")),
            ("bomb.img.xz", hollow, ()),
            ("bomb.img.zst", zst, ()),
            ("large.img.xz", lzma.compress(large, preset=0), ("-H", "Transfer-Encoding: chunked")),
            ("big.tar.gz", archive, ("-H", "Transfer-Encoding: chunked")),
        ):
            status, body = curl(program, put(tmp_path, name, content), *options)
            assert (name, status, body["error_code"]) == (name, 507, "INSUFFICIENT_DISK_SPACE")
            assert names(program) == []
        status, _ = curl(program, put(tmp_path, "fits.img", noise(4 << 20)))
        begun = program.graphql(
            'mutation { beginUpload(input: {filename: "x.img", sizeBytes: 40000000}) '
            "{ ... on Problem { code status } } }"
        )
    assert status == 200
    assert begun["beginUpload"] == {"code": "INSUFFICIENT_DISK_SPACE", "status": 503}


@pytest.mark.real
def test_parts_leave_the_reserve_free_and_their_room_is_promised_to_nobody_else(
    tmp_path: Path, disk: Mount
) -> None:
    store = tmp_path / STORE
    begin = (
        'mutation { beginUpload(input: {filename: "x.img", sizeBytes: 15000000}) '
        "{ ... on Problem { code } ... on UploadBegun { address } } }"
    )
    with Program(tmp_path) as program:
        begun, again = (program.graphql(begin)["beginUpload"] for _ in range(2))
        assert isinstance(begun, dict)
        address = begun["address"]
        # Others fill the disk meanwhile, but for some 2 MiB.
        (store / ".filler").write_bytes(bytes(SMALL - (2 << 20)))
        with pytest.raises(urllib.error.HTTPError) as refused:
            send_parts(program, address, bytes(15_000_000))
        refused.value.close()
        status = os.statvfs(store)
        (store / ".filler").unlink()
        kept = find_offset(program, address)
        patch(program, address, noise(15_000_000)[kept:], offset=kept or 0)
    assert again == {"code": "INSUFFICIENT_DISK_SPACE"}
    assert refused.value.code == 507
    assert status.f_bavail * status.f_frsize >= SMALL // 50
    assert kept


@pytest.mark.real
def test_an_upload_that_came_waits_for_room_for_its_image(tmp_path: Path, disk: Mount) -> None:
    store, image = tmp_path / STORE, noise(12 << 20)
    packed = PACKERS[Content.ZSTD][1](image)
    begin = (
        f'mutation {{ beginUpload(input: {{filename: "x.img.zst", sizeBytes: {len(packed)}}}) '
        "{ ... on UploadBegun { address } } }"
    )
    with Program(tmp_path) as program:
        begun = program.graphql(begin)["beginUpload"]
        assert isinstance(begun, dict)
        # Others leave room for what comes, and not for what it unpacks to.
        (store / ".filler").write_bytes(bytes(8 << 20))
        with pytest.raises(urllib.error.HTTPError) as refused:
            patch(program, begun["address"], packed, offset=0)
        refused.value.close()
        waits = program.graphql("{ uploads { phase error } }")["uploads"]
        kept = find_offset(program, begun["address"])
        (store / ".filler").unlink()
        patch(program, begun["address"], packed[-1:], offset=len(packed) - 1)
        after = find_offset(program, begun["address"])
        stored = (store / "x.img").read_bytes()
    assert (refused.value.code, kept, after) == (507, len(packed) - 1, len(packed))
    assert isinstance(waits, list)
    assert (waits[0]["phase"], waits[0]["error"][:27]) == ("WAITING", "Insufficient disk space for")
    assert stored == image


@node_is_there
@pytest.mark.real
def test_no_client_takes_an_upload_that_waits_for_room_for_done(
    tmp_path: Path, disk: Mount
) -> None:
    store, image = tmp_path / STORE, noise(12 << 20)
    file = put(tmp_path, "x.img.zst", PACKERS[Content.ZSTD][1](image))
    with Program(tmp_path) as program:
        (store / ".filler").write_bytes(bytes(8 << 20))
        command = ["node", "tus.mjs", program.base + "/uploads/", str(file)]
        first = subprocess.run(command, cwd=CLIENTS, capture_output=True, check=False, timeout=60)
        (store / ".filler").unlink()
        [part] = store.glob(".*.part")
        address = f"/uploads/{part.stem.removeprefix('.')}"
        kept = find_offset(program, address)
        with file.open("rb") as stream:
            again = TusClient(program.base + "/uploads/").uploader(
                file_stream=stream, url=program.base + address
            )
            again.upload()
        stored = (store / "x.img").read_bytes()
    assert (first.returncode, kept) == (1, file.stat().st_size - 1)
    assert b"507" in first.stderr
    assert stored == image


def send_parts(program: Program, address: str, content: bytes, size: int = 100_000) -> None:
    for offset in range(0, len(content), size):
        patch(program, address, content[offset : offset + size], offset=offset)


@needs_curl
@pytest.mark.real
def test_a_disk_that_cannot_be_written_is_told(tmp_path: Path, disk: Mount) -> None:
    with Program(tmp_path) as program:
        disk(f"remount,ro,size={SMALL}")
        status, body = curl(program, put(tmp_path, "x.img", noise(1 << 20)))
        packed = FORMATS[".tar.xz"](GOOD)
        again, archive = curl(program, put(tmp_path, "x.tar.xz", packed))
        disk(f"remount,rw,size={SMALL}")
        healed, _ = curl(program, put(tmp_path, "x.img", noise(1 << 20)))
    assert (status, body["error_code"]) == (500, "UPLOAD_WRITE_ERROR")
    assert (again, archive["error_code"]) == (500, "UPLOAD_WRITE_ERROR")
    assert "Read-only" in str(body["error"])
    assert healed == 200
    assert json.dumps(body).find(str(tmp_path)) == -1


@pytest.mark.real
def test_xz_and_zip_bombs_stop_at_their_ratio(tmp_path: Path) -> None:
    with Program(tmp_path) as program:
        tar = FORMATS[".zip"]((*GOOD, Member("zeros", bytes(300 << 20))))
        status, body = curl(program, put(tmp_path, "bomb.zip", tar))
        assert (status, body["error_code"]) == (413, "ARCHIVE_TOO_LARGE")
        assert program.memory() < 200
        assert names(program) == []
