"""Resumable uploads by tus 1.0, begun over HTTP or GraphQL; both end as the legacy form does."""

import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.uploads.sniffing import Content
from tests.domain.uploads.archives import FORMATS, GOOD
from tests.domain.uploads.packing import PACKERS, noise
from tests.surfaces.conftest import Service, running
from tests.surfaces.image_store import STORE, running_store
from tests.surfaces.upload_forms import stored

IMAGE = noise(300_000)
DIGITS = hashlib.sha256(IMAGE).hexdigest()
TUS = {"Tus-Resumable": "1.0.0"}
PART = {**TUS, "Content-Type": "application/offset+octet-stream"}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Service]:
    async with running_store(tmp_path) as service:
        yield service


def metadata(filename: str) -> str:
    return f"filename {base64.b64encode(filename.encode()).decode()},filetype YQ=="


async def create(service: Service, filename: str, size: int) -> str:
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata(filename)}
    answer = await service.client.post("/uploads/", headers=headers)
    assert (answer.status_code, answer.headers["tus-resumable"]) == (201, "1.0.0"), answer.text
    assert answer.headers["upload-expires"].endswith("GMT")
    return str(answer.headers["location"])


async def send(service: Service, at: str, offset: int, part: bytes, **more: str) -> Any:
    headers = {**PART, "Upload-Offset": str(offset)}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    return await service.client.patch(at, content=part, headers=headers)


async def offset(service: Service, at: str) -> Any:
    answer = await service.client.head(at, headers=TUS)
    return answer.status_code, answer.headers.get("upload-offset")


async def test_what_the_server_can_is_told(store: Service) -> None:
    answer = await store.client.options("/uploads/")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-extension"] == "creation,checksum,termination,expiration"
    assert answer.headers["tus-checksum-algorithm"] == "sha256,sha1,md5"


async def test_parts_become_an_image(store: Service) -> None:
    at = await create(store, "up.img", len(IMAGE))
    first = await send(store, at, 0, IMAGE[:100_000])
    head = await store.client.head(at, headers=TUS)
    last = await send(store, at, 100_000, IMAGE[100_000:])
    image = await store.graphql('{ image(name: "up.img") { hash { status sha256 } } }')
    state = (await store.client.get(at)).json()
    assert (first.status_code, first.headers["upload-offset"]) == (204, "100000")
    assert (head.headers["upload-offset"], head.headers["upload-length"]) == ("100000", "300000")
    assert head.headers["cache-control"] == "no-store"
    assert (last.status_code, last.headers["upload-offset"]) == (204, "300000")
    assert image["data"]["image"]["hash"] == {"status": "COMPLETE", "sha256": DIGITS}
    assert (state["phase"], state["image"]) == ("complete", "up.img")
    real = store.root / STORE.lstrip("/") / "up.img"
    assert (real.read_bytes() == IMAGE, real.stat().st_mode & 0o777) == (True, 0o644)
    assert not [name for name in stored(store) if name.endswith(".part")]


async def test_every_kind_ends_in_the_same_code(store: Service) -> None:
    packed = {f"c.img{suffix}": pack(IMAGE) for suffix, pack in PACKERS.values()}
    packed |= {f"a{suffix}": pack(GOOD) for suffix, pack in FORMATS.items()}
    for filename, content in packed.items():
        at = await create(store, filename, len(content))
        assert (await send(store, at, 0, content[:100])).status_code == 204
        assert (await send(store, at, 100, content[100:])).status_code == 204
    names = stored(store)
    assert {"c.img", "c_1.img", "c_2.img", "c_3.img", "a"} <= names
    assert not [name for name in names if name.startswith(".") and name != ".hidden.img"]


async def test_graphql_begins_an_upload_and_cancels_it(store: Service) -> None:
    begin = (
        "mutation($input: BeginUploadInput!) { beginUpload(input: $input) { ... on UploadBegun "
        "{ address upload { id phase isResumable totalBytes } } ... on Problem { code field } } }"
    )
    cancel = (
        "mutation($input: CancelUploadInput!) { cancelUpload(input: $input) "
        "{ ... on Upload { phase } ... on Problem { code } } }"
    )
    answer = await store.graphql(begin, input={"filename": "up.img", "sizeBytes": 300_000})
    begun = answer["data"]["beginUpload"]
    id = begun["upload"]["id"]
    assert begun == {
        "address": f"/uploads/{id}",
        "upload": {"id": id, "phase": "WAITING", "isResumable": True, "totalBytes": 300_000},
    }
    assert (await send(store, begun["address"], 0, IMAGE[:1000])).status_code == 204
    gone = await store.graphql(cancel, input={"id": id})
    assert gone["data"]["cancelUpload"] == {"phase": "CANCELLED"}
    assert await offset(store, begun["address"]) == (404, None)
    assert not [name for name in stored(store) if name.endswith(".part")]
    for filename, size, code, field in (
        ("../x.img", 5, "INVALID_FILENAME", "filename"),
        (".img.xz", 5, "INVALID_FILENAME", "filename"),
        ("x.iso", 5, "UPLOAD_TYPE_UNKNOWN", "filename"),
        ("x.img", 0, "UPLOAD_SIZE_UNKNOWN", "sizeBytes"),
        ("x.img", 1 << 60, "INSUFFICIENT_DISK_SPACE", None),
    ):
        refused = await store.graphql(begin, input={"filename": filename, "sizeBytes": size})
        assert refused["data"]["beginUpload"] == {"code": code, "field": field}


async def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    async with running_store(tmp_path) as service:
        at = await create(service, "up.img.xz", 1000)
        plain = await create(service, "up.img", len(IMAGE))
        await send(service, plain, 0, IMAGE[:200_000])
        (service.root / STORE.lstrip("/") / ".stray.part").write_bytes(b"of no session")
    async with running(tmp_path) as service:
        assert await offset(service, at) == (200, "0")
        assert await offset(service, plain) == (200, "200000")
        shown = (await service.graphql("{ uploads { filename phase receivedBytes } }"))["data"]
        last = await send(service, plain, 200_000, IMAGE[200_000:])
        image = await service.graphql('{ image(name: "up.img") { hash { sha256 } } }')
        names = stored(service)
    assert shown["uploads"] == [
        {"filename": "up.img.xz", "phase": "WAITING", "receivedBytes": 0},
        {"filename": "up.img", "phase": "WAITING", "receivedBytes": 200_000},
    ]
    assert last.status_code == 204
    assert image["data"]["image"]["hash"]["sha256"] == DIGITS
    assert ".stray.part" not in names


async def test_a_finished_upload_is_known_after_a_restart(tmp_path: Path) -> None:
    async with running_store(tmp_path) as service:
        at = await create(service, "up.img", len(IMAGE))
        assert (await send(service, at, 0, IMAGE)).status_code == 204
        told = await offset(service, at)
    async with running(tmp_path) as service:
        assert await offset(service, at) == told == (200, str(len(IMAGE)))
        query = "{ uploads { filename phase image receivedBytes } }"
        shown = (await service.graphql(query))["data"]["uploads"]
        # An upload that has ended takes nothing more, and what it became stays.
        assert (await send(service, at, len(IMAGE), b"more")).status_code == 404
        assert (await service.client.delete(at, headers=TUS)).status_code == 409
        names = stored(service)
    assert shown == [
        {
            "filename": "up.img",
            "phase": "COMPLETE",
            "image": "up.img",
            "receivedBytes": len(IMAGE),
        }
    ]
    assert "up.img" in names


async def test_what_is_whole_at_a_start_becomes_an_image(tmp_path: Path) -> None:
    async with running_store(tmp_path) as service:
        at = await create(service, "up.img", len(IMAGE))
        await send(service, at, 0, IMAGE[:200_000])
        part = next((service.root / STORE.lstrip("/")).glob(".*.part"))
    # As if the service had been killed between the last byte and the image.
    with part.open("ab") as file:
        file.write(IMAGE[200_000:])
    async with running(tmp_path) as service:
        await service.station.resumable_uploads.look()
        body = (await service.client.get("/get-image-sha256", params={"name": "up.img"})).json()
    assert body["sha256"] == DIGITS


def checksum(algorithm: str, part: bytes) -> str:
    digest = hashlib.new(algorithm, part).digest()
    return f"{algorithm} {base64.b64encode(digest).decode()}"


async def test_a_part_with_a_wrong_checksum_is_not_kept(store: Service) -> None:
    at = await create(store, "up.img", len(IMAGE))
    for number, algorithm in enumerate(("sha1", "md5", "sha256")):
        start = number * 1000
        part = IMAGE[start : start + 1000]
        wrong = await send(store, at, start, part, Upload_Checksum=checksum(algorithm, part + b"x"))
        assert (wrong.status_code, wrong.json()["error_code"]) == (460, "UPLOAD_CHECKSUM_MISMATCH")
        assert await offset(store, at) == (200, str(start))
        right = await send(store, at, start, part, Upload_Checksum=checksum(algorithm, part))
        assert right.status_code == 204
    unknown = await send(store, at, 3000, b"x", Upload_Checksum="crc32 AAAA")
    assert (unknown.status_code, unknown.json()["error_code"]) == (400, "UPLOAD_CHECKSUM_UNKNOWN")
    last = await send(store, at, 3000, IMAGE[3000:])
    image = await store.graphql('{ image(name: "up.img") { hash { sha256 } } }')
    assert last.status_code == 204
    assert image["data"]["image"]["hash"]["sha256"] == DIGITS


async def test_wrong_parts_change_nothing(store: Service) -> None:
    at = await create(store, "up.img", 1000)
    await send(store, at, 0, IMAGE[:500])
    for answer, status, code in (
        (await send(store, at, 0, b"x"), 409, "UPLOAD_OFFSET_WRONG"),
        (await send(store, at, 501, b"x"), 409, "UPLOAD_OFFSET_WRONG"),
        (await send(store, at, 500, bytes(501)), 400, "UPLOAD_PART_WRONG"),
        (await send(store, at, 500, b"x", Content_Type="text/plain"), 415, "PART_TYPE_WRONG"),
        (await send(store, at, 500, b"x", Upload_Offset="five"), 400, "UPLOAD_PART_WRONG"),
        (await send(store, "/uploads/nope", 0, b"x"), 404, "UPLOAD_NOT_FOUND"),
        (
            await send(store, at, 500, b"x", Tus_Resumable="0.2.2"),
            412,
            "TUS_VERSION_UNKNOWN",
        ),
        (await store.client.delete(at), 412, "TUS_VERSION_UNKNOWN"),
    ):
        assert (answer.status_code, answer.json()["error_code"]) == (status, code)
        assert answer.headers["tus-resumable"] == "1.0.0"
        assert await offset(store, at) == (200, "500")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Upload-Metadata": metadata("a.img")}, "UPLOAD_SIZE_UNKNOWN"),
        ({"Upload-Length": "-1", "Upload-Metadata": metadata("a.img")}, "UPLOAD_SIZE_UNKNOWN"),
        ({"Upload-Length": "0", "Upload-Metadata": metadata("a.img")}, "UPLOAD_SIZE_UNKNOWN"),
        ({"Upload-Length": "5"}, "INVALID_UPLOAD_REQUEST"),
        ({"Upload-Length": "5", "Upload-Metadata": "filename %%%"}, "INVALID_UPLOAD_REQUEST"),
        ({"Upload-Length": "5", "Upload-Metadata": metadata("/etc/a.img")}, "INVALID_FILENAME"),
        ({"Upload-Length": "5", "Upload-Metadata": metadata("a.iso")}, "UPLOAD_TYPE_UNKNOWN"),
    ],
)
async def test_an_impossible_creation_is_refused(
    store: Service, headers: dict[str, str], code: str
) -> None:
    answer = await store.client.post("/uploads", headers={**TUS, **headers})
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)


async def test_what_turns_out_to_be_no_image_is_refused_with_the_reason(store: Service) -> None:
    before = stored(store)
    broken = PACKERS[Content.XZ][1](IMAGE)[:-50]
    at = await create(store, "up.img.xz", len(broken))
    answer = await send(store, at, 0, broken)
    shown = (await store.graphql("{ uploads { phase error } }"))["data"]["uploads"]
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DECOMPRESS_ERROR")
    assert (shown[0]["phase"], shown[0]["error"]) == ("FAILED", answer.json()["error"])
    assert await offset(store, at) == (404, None)
    assert stored(store) == before


async def test_a_method_may_be_overridden(store: Service) -> None:
    at = await create(store, "up.img", 1000)
    headers = {**PART, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    sent = await store.client.post(at, content=IMAGE[:500], headers=headers)
    gone = await store.client.post(at, headers={**TUS, "X-HTTP-Method-Override": "DELETE"})
    assert (sent.status_code, sent.headers["upload-offset"], gone.status_code) == (204, "500", 204)


async def test_the_audit_log_tells_who_sent_what(store: Service) -> None:
    at = await create(store, "up.img", len(IMAGE))
    await send(store, at, 0, IMAGE)
    rows = await store.audit_rows()
    files = [(row["operation"], row["target_path"]) for row in rows if row["operation"]]
    assert ("UPLOAD_BEGIN", f"{STORE}/up.img") in files
    assert ("UPLOAD", f"{STORE}/up.img") in files
