"""Uploads by real clients into the real program: curl, tus-js-client, tuspy; and what they do when
the program is killed."""

import base64
import hashlib
import json
import random
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tusclient.client import TusClient

from domain.uploads.sniffing import Content
from tests.domain.uploads.packing import PACKERS, noise
from tests.e2e.process import Program

STORE = "srv/rpi-sb-provisioner/images"
CLIENTS = Path(__file__).parents[1] / "clients"
KILLS = 20
IMAGE = noise(3_000_000)
DIGITS = hashlib.sha256(IMAGE).hexdigest()
curl_is_there = pytest.mark.skipif(not shutil.which("curl"), reason="needs Debian's curl")
node_is_there = pytest.mark.skipif(
    not (shutil.which("node") and (CLIENTS / "node_modules/tus-js-client").is_dir()),
    reason="needs Debian's nodejs and npm, and the locked npm clients",
)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    with Program(tmp_path) as running:
        yield running


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def names(program: Program) -> list[str]:
    return sorted(path.name for path in (program.root / STORE).iterdir())


def curl(program: Program, file: Path, *options: str) -> tuple[int, dict[str, object]]:
    command = ["curl", "-sS", "-w", "\n%{http_code}", "-F", f"image=@{file}", *options]
    done = subprocess.run(
        [*command, program.base + "/upload-image"], capture_output=True, check=True, timeout=60
    )
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), json.loads(body)


@curl_is_there
@pytest.mark.real
def test_curl_sends_images_of_every_kind(program: Program) -> None:
    status, body = curl(program, put(program.root, "plain.img", IMAGE))
    assert (status, body["filename"], body["sha256"]) == (200, "plain.img", DIGITS)
    for suffix, pack in PACKERS.values():
        file = put(program.root, f"c.img{suffix}", pack(IMAGE))
        status, body = curl(program, file, "-H", "Transfer-Encoding: chunked")
        assert (status, body["sha256"]) == (200, DIGITS)
    for content in ("xz", "zstd", "gzip", "bzip2"):
        if shutil.which(content):
            command = [content, "-c", str(program.root / "plain.img")]
            packed = subprocess.run(command, capture_output=True, check=True).stdout
            status, body = curl(program, put(program.root, "tool.img.xz", packed))
            assert (status, body["sha256"]) == (200, DIGITS)


@curl_is_there
@pytest.mark.real
def test_curl_hears_early_that_a_file_is_not_taken(program: Program) -> None:
    status, body = curl(program, put(program.root, "x.iso", bytes(20_000_000)))
    assert (status, body["error_code"]) == (400, "UPLOAD_WRITE_ERROR")
    assert names(program) == []


@pytest.mark.skipif(not shutil.which("sfdisk"), reason="needs Debian's fdisk")
@curl_is_there
@pytest.mark.real
def test_an_image_that_lacks_a_part_of_its_last_partition_is_refused(program: Program) -> None:
    for label in ("dos", "gpt"):
        disk = put(program.root, f"{label}.img", bytes(8 << 20))
        table = f"label: {label}\nstart=2048, size=4096\nstart=8192, size=6144\n".encode()
        subprocess.run(["sfdisk", "-q", str(disk)], input=table, check=True)
        whole = disk.read_bytes()
        cut = put(program.root, f"cut-{label}.img", whole[: 5 << 20])
        status, body = curl(program, cut)
        assert (status, body["error_code"]) == (400, "UPLOAD_NOT_AN_IMAGE"), body
        assert "cut off" in str(body["error"])
        assert curl(program, disk)[0] == 200
    # All partitions of the last one are there; only the copy of its table is missing.
    status, body = curl(program, put(program.root, "cut.img", whole[: (8 << 20) - 4096]))
    assert (status, body["error_code"]) == (400, "UPLOAD_NOT_AN_IMAGE"), body
    assert "The copy of its partition table ends at byte 8388608" in str(body["error"])
    # The table itself is missing.
    status, body = curl(program, put(program.root, "lost.img", whole[:512]))
    assert (status, body["error_code"]) == (400, "UPLOAD_NOT_AN_IMAGE"), body
    assert "is corrupt" in str(body["error"])


@pytest.mark.skipif(not shutil.which("mkfs.ext4"), reason="needs Debian's e2fsprogs")
@pytest.mark.skipif(not shutil.which("mkfs.vfat"), reason="needs Debian's dosfstools")
@curl_is_there
@pytest.mark.real
def test_a_file_system_that_lacks_its_end_is_refused(program: Program) -> None:
    for maker in ("mkfs.ext4", "mkfs.vfat"):
        disk = put(program.root, f"{maker}.img", bytes(8 << 20))
        subprocess.run([maker, str(disk)], capture_output=True, check=True)
        whole = disk.read_bytes()
        cut = put(program.root, f"cut-{maker}.img", whole[: 5 << 20])
        packed = put(program.root, f"cut-{maker}.img.xz", PACKERS[Content.XZ][1](whole[: 5 << 20]))
        for file in (cut, packed):
            status, body = curl(program, file)
            assert (status, body["error_code"]) == (400, "UPLOAD_NOT_AN_IMAGE"), body
            assert "file system has 8388608 bytes, the image only 5242880" in str(body["error"])
        assert curl(program, disk)[0] == 200


@curl_is_there
@pytest.mark.real
def test_a_client_that_is_killed_leaves_nothing(program: Program) -> None:
    file = put(program.root, "up.img", IMAGE)
    command = ["curl", "-sS", "--limit-rate", "500k", "-F", f"image=@{file}"]
    sending = subprocess.Popen([*command, program.base + "/upload-image"])
    _wait_until(lambda: any(name.endswith(".uploading") for name in names(program)))
    sending.kill()
    sending.wait()
    _wait_until(lambda: names(program) == [])


@node_is_there
@pytest.mark.real
@pytest.mark.parametrize("stop", [[], ["1000000"]])
def test_tus_js_client_sends_an_image(program: Program, stop: list[str]) -> None:
    file = put(program.root, "js.img.xz", PACKERS[Content.XZ][1](IMAGE))
    command = ["node", "tus.mjs", program.base + "/uploads/", str(file), *stop]
    done = subprocess.run(command, cwd=CLIENTS, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert names(program) == ["js.img", "js.img.sha256"]
    assert (program.root / STORE / "js.img").read_bytes() == IMAGE


@pytest.mark.real
def test_tuspy_goes_on_after_the_program_was_killed(tmp_path: Path) -> None:
    with put(tmp_path, "py.img", IMAGE).open("rb") as file:
        with Program(tmp_path) as program:
            first = TusClient(program.base + "/uploads/").uploader(
                file_stream=file,
                chunk_size=500_000,
                metadata={"filename": "py.img"},
                upload_checksum=True,
            )
            first.upload(stop_at=1_400_000)
            address = str(first.url).removeprefix(program.base)
            program.process.kill()
            program.process.wait()
        with Program(tmp_path) as program:
            again = TusClient(program.base + "/uploads/").uploader(
                file_stream=file, chunk_size=500_000, url=program.base + address
            )
            offset = again.offset
            again.upload()
            hashed = json.loads(program.get("/get-image-sha256?name=py.img"))
    assert offset == 1_400_000
    assert (hashed["status"], hashed["sha256"]) == ("complete", DIGITS)


@pytest.mark.real
@pytest.mark.parametrize(
    ("checksum", "kept"), [("sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=", 500_000), ("", 1_500_000)]
)
def test_kill_9_in_a_part_keeps_only_what_needs_no_check(
    tmp_path: Path, checksum: str, kept: int
) -> None:
    part = tmp_path / STORE
    with Program(tmp_path) as program:
        at = _create(program, len(IMAGE), "k.img")
        patch(program, at, IMAGE[:500_000], offset=0)
        host, _, port = program.base.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            head = f"PATCH {at} HTTP/1.1\r\nHost: {host}:{port}\r\nTus-Resumable: 1.0.0\r\n"
            head += "Content-Type: application/offset+octet-stream\r\nUpload-Offset: 500000\r\n"
            head += f"Upload-Checksum: {checksum}\r\n" if checksum else ""
            connection.sendall(f"{head}Content-Length: 2000000\r\n\r\n".encode())
            connection.sendall(IMAGE[500_000:1_500_000])
            _wait_until(lambda: any(one.stat().st_size == 1_500_000 for one in part.glob(".*")))
            program.process.kill()
            program.process.wait()
    with Program(tmp_path) as program:
        assert find_offset(program, at) == kept
        patch(program, at, IMAGE[kept:], offset=kept)
        hashed = json.loads(program.get("/get-image-sha256?name=k.img"))
    assert hashed["sha256"] == DIGITS


@pytest.mark.real
@pytest.mark.timeout(300)
def test_kill_9_at_random_moments_leaves_no_debris_and_no_lie(tmp_path: Path) -> None:
    """The same multipart and resumable upload again and again, each time killed at another
    moment: what is in the store afterwards is whole, or a part that goes on."""
    chance = random.Random(KILLS)
    store = tmp_path / STORE
    file = put(tmp_path, "k.img.xz", PACKERS[Content.XZ][1](IMAGE))
    packed, at = file.read_bytes(), ""
    for _ in range(KILLS):
        with Program(tmp_path) as program:
            visible = {path.name for path in store.iterdir() if not path.name.startswith(".")}
            images = {name for name in visible if not name.endswith(".sha256")}
            hidden = [path.name for path in store.iterdir() if path.name.startswith(".")]
            assert all(name.endswith(".part") for name in hidden), hidden
            for name in images:
                assert (store / name).read_bytes() == IMAGE
                listed = json.loads(program.get("/images/list"))["images"]
                assert {one["sha256"] for one in listed} <= {DIGITS, "Calculating..."}
                (store / name).unlink()
                (store / f"{name}.sha256").unlink(missing_ok=True)
            offset = find_offset(program, at) if at else None
            assert offset != len(packed) or "k.img" in images or (store / "k.img").exists()
            if offset in (None, len(packed)):
                at = _create(program, len(packed))
            sending = [
                threading.Thread(target=_quietly, args=(_send_form, program, packed)),
                threading.Thread(target=_quietly, args=(_go_on, program, at, packed)),
            ]
            for thread in sending:
                thread.start()
            time.sleep(chance.uniform(0.0, 0.25))
            program.process.kill()
            program.process.wait()
            for thread in sending:
                thread.join()
    with Program(tmp_path) as program:
        _go_on(program, at, packed)
        _wait_until(lambda: not list(store.glob(".*")))


def _create(program: Program, size: int, filename: str = "k.img.xz") -> str:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(size)}
    headers["Upload-Metadata"] = f"filename {base64.b64encode(filename.encode()).decode()}"
    request = urllib.request.Request(program.base + "/uploads", headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(answer.headers["Location"])


def _go_on(program: Program, at: str, content: bytes) -> None:
    """Sends what is missing in parts, until all is there or the upload has become an image."""
    while (offset := find_offset(program, at)) is not None and offset < len(content):
        patch(program, at, content[offset : offset + 40_000], offset=offset)


def patch(program: Program, at: str, part: bytes, *, offset: int) -> None:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": str(offset)}
    headers["Content-Type"] = "application/offset+octet-stream"
    request = urllib.request.Request(program.base + at, part, headers=headers, method="PATCH")
    urllib.request.urlopen(request, timeout=20).close()


def find_offset(program: Program, at: str) -> int | None:
    """Returns where a resumable upload goes on, None where there is none any more."""
    request = urllib.request.Request(
        program.base + at, headers={"Tus-Resumable": "1.0.0"}, method="HEAD"
    )
    while True:
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return int(answer.headers["Upload-Offset"])
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            if error.code != 423:
                raise


def _send_form(program: Program, content: bytes) -> None:
    body = (
        b'--xx\r\nContent-Disposition: form-data; name="f"; filename="m.img.xz"\r\n\r\n'
        + content
        + b"\r\n--xx--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=xx"}
    request = urllib.request.Request(program.base + "/upload-image", body, headers)
    urllib.request.urlopen(request, timeout=20).close()


def _quietly(send: object, *arguments: object) -> None:
    assert callable(send)
    try:
        send(*arguments)
    except (OSError, ValueError):
        # The program was killed meanwhile.
        return


def _wait_until(is_true: object, seconds: float = 20.0) -> None:
    assert callable(is_true)
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)
