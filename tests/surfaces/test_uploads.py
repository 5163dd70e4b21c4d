"""Uploads of images by the legacy form (contract images 4), and what GraphQL shows of them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.caller import Role
from domain.uploads.sniffing import Content
from server.settings import Token
from tests.domain.uploads.packing import PACKERS, noise
from tests.surfaces.conftest import Service
from tests.surfaces.image_store import STORE, put, running_store, subscribed
from tests.surfaces.test_story import Socket
from tests.surfaces.upload_forms import BOUNDARY, TYPE, form, part, send, stored, upload

IMAGE = noise(300_000)
DIGITS = hashlib.sha256(IMAGE).hexdigest()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Service]:
    async with running_store(tmp_path) as service:
        yield service


async def test_a_plain_image_is_stored_with_its_hash(store: Service) -> None:
    status, body = await upload(store, "up.img", IMAGE)
    listed = await store.graphql('{ image(name: "up.img") { sizeBytes hash { status sha256 } } }')
    real = store.root / STORE.lstrip("/") / "up.img"
    assert (status, body) == (
        200,
        {
            "success": True,
            "is_idp": False,
            "filename": "up.img",
            "renamed": False,
            "message": "File uploaded successfully",
            "sha256": DIGITS,
        },
    )
    assert listed["data"]["image"] == {
        "sizeBytes": 300_000,
        "hash": {"status": "COMPLETE", "sha256": DIGITS},
    }
    assert (real.read_bytes() == IMAGE, real.stat().st_mode & 0o777) == (True, 0o644)
    assert real.with_name("up.img.sha256").read_text() == f"{DIGITS}\n"


async def test_a_name_that_is_taken_gets_a_number(store: Service) -> None:
    put(store.root, "up.img", b"mine")
    put(store.root, "up_1.img", b"mine too")
    _, body = await upload(store, "up.img", IMAGE)
    assert (body["filename"], body["renamed"], body["original_filename"]) == (
        "up_2.img",
        True,
        "up.img",
    )
    assert (store.root / STORE.lstrip("/") / "up.img").read_bytes() == b"mine"


@pytest.mark.parametrize("codec", list(PACKERS))
async def test_a_compressed_image_is_stored_decompressed(store: Service, codec: Content) -> None:
    suffix, pack = PACKERS[codec]
    status, body = await upload(store, f"c.IMG{suffix.upper()}", pack(IMAGE))
    assert (status, body["filename"], body["sha256"]) == (200, "c.IMG", DIGITS)
    assert (body["renamed"], body["original_filename"]) == (True, f"c.IMG{suffix.upper()}")
    assert (store.root / STORE.lstrip("/") / "c.IMG").read_bytes() == IMAGE


async def test_the_codec_is_sniffed_and_not_believed(store: Service) -> None:
    status, body = await upload(store, "c.img.xz", PACKERS[Content.ZSTD][1](IMAGE))
    assert (status, body["sha256"]) == (200, DIGITS)


XZ = PACKERS[Content.XZ][1]
REFUSED = [
    ("x.iso", IMAGE, 400, "UPLOAD_WRITE_ERROR"),
    ("../x.img", IMAGE, 400, "INVALID_FILENAME"),
    ("/etc/x.img", IMAGE, 400, "INVALID_FILENAME"),
    (".hidden.img", IMAGE, 400, "INVALID_FILENAME"),
    (".img.xz", XZ(IMAGE), 400, "INVALID_FILENAME"),
    ("x.img.sha256", IMAGE, 400, "INVALID_FILENAME"),
    ("n" * 300 + ".img", IMAGE, 400, "INVALID_FILENAME"),
    ("a\0b.img", IMAGE, 400, "INVALID_FILENAME"),
    ("empty.img", b"", 400, "UPLOAD_NOT_AN_IMAGE"),
    ("x.img", XZ(IMAGE), 400, "UPLOAD_NOT_AN_IMAGE"),
    ("page.img", b"<!DOCTYPE html><title>Login</title>", 400, "UPLOAD_NOT_AN_IMAGE"),
    ("json.img", b'{"name": "x"}', 400, "UPLOAD_NOT_AN_IMAGE"),
    ("json.img", b' [{"a": 1},\r\n' * 90_000, 400, "UPLOAD_NOT_AN_IMAGE"),
    ("text.img", "Grüße von der Brücke\n".encode() * 1000, 400, "UPLOAD_NOT_AN_IMAGE"),
    ("text.img.xz", XZ(b"not found\n"), 400, "UPLOAD_NOT_AN_IMAGE"),
    ("x.img.xz", XZ(XZ(IMAGE)), 400, "UPLOAD_NOT_AN_IMAGE"),
    ("x.img.xz", XZ(b""), 400, "UPLOAD_NOT_AN_IMAGE"),
    ("x.img.xz", XZ(IMAGE)[:-100], 400, "DECOMPRESS_ERROR"),
    ("x.img.xz", IMAGE, 400, "DECOMPRESS_ERROR"),
    ("x.img.gz", b"", 400, "DECOMPRESS_ERROR"),
]


async def test_what_is_no_image_is_refused_and_leaves_nothing(store: Service) -> None:
    before = stored(store)
    for filename, content, status, code in REFUSED:
        answered, body = await upload(store, filename, content)
        assert (filename, answered, body["error_code"]) == (filename, status, code)
        assert str(store.root) not in str(body)
    assert stored(store) == before
    rows = [row for row in await store.audit_rows() if row["operation"] == "UPLOAD"]
    assert [row["success"] for row in rows] == [0] * len(REFUSED)


async def test_what_nobody_recognises_is_stored_as_by_the_existing_service(store: Service) -> None:
    # Recorded answers of it: any bytes, one line of letters, any size (contract images 4.1).
    for content in (IMAGE[:1000], b"3" * 60, b"\xff{}\n", bytes(511)):
        status, body = await upload(store, "any.img", content)
        assert (status, body["sha256"]) == (200, hashlib.sha256(content).hexdigest())


FIELD = part(None, b"hello", name="note")
FORMS = [
    (form(FIELD), "INVALID_UPLOAD_REQUEST"),
    (form(part("a.img", IMAGE), part("b.img", IMAGE)), "INVALID_UPLOAD_REQUEST"),
    (form(), "INVALID_UPLOAD_REQUEST"),
    (form(part("cut.img", IMAGE))[:-5], "STREAM_ERROR"),
    (part("cut.img", IMAGE)[:-100], "STREAM_ERROR"),
    (b"", "STREAM_ERROR"),
    (b"garbage", "STREAM_ERROR"),
]


async def test_a_broken_form_is_refused_and_leaves_nothing(store: Service) -> None:
    before = stored(store)
    for body, code in FORMS:
        status, answer = await send(store, body)
        assert (status, answer["error_code"]) == (400, code)
    assert stored(store) == before


NO_FORMS = ["application/json", "multipart/form-data", "multipart/form-data; boundary="]


async def test_what_is_no_form_is_answered_at_once(store: Service) -> None:
    for content_type in NO_FORMS:
        status, answer = await send(store, b"{}", content_type=content_type)
        assert (status, answer["error_code"]) == (400, "INVALID_UPLOAD_REQUEST")


async def test_fields_beside_the_file_do_not_enter_it(store: Service) -> None:
    status, body = await send(store, form(FIELD, part("a.img", IMAGE), FIELD))
    assert (status, body["sha256"], body["renamed"]) == (200, DIGITS, False)


async def test_the_form_may_come_in_any_pieces(store: Service) -> None:
    body = form(FIELD, part("a.img", IMAGE))

    async def dribbling() -> AsyncIterator[bytes]:
        yield body[:1]
        for start in range(1, len(body), 997):
            yield body[start : start + 997]

    headers = {"Content-Type": f'multipart/form-data; boundary="{BOUNDARY}"'}
    answer = await store.client.post("/upload-image", content=dribbling(), headers=headers)
    assert answer.json()["sha256"] == DIGITS


async def test_a_client_that_goes_leaves_nothing(store: Service) -> None:
    before = stored(store)
    body = part("gone.img", IMAGE)
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": body[:200_000], "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send_back(message: Any) -> None:
        sent.append(message)

    headers = [
        (b"host", b"127.0.0.1:3142"),
        (b"content-type", f"multipart/form-data; boundary={BOUNDARY}".encode()),
    ]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/upload-image",
        "headers": headers,
    }
    scope |= {"raw_path": b"/upload-image", "query_string": b"", "client": ("127.0.0.1", 9)}
    await store.application.asgi(scope, receive, send_back)
    assert sent[0]["status"] == 400
    assert stored(store) == before


async def test_audit_rows_tell_what_came(store: Service) -> None:
    put(store.root, "up.img", b"mine")
    await upload(store, "up.img", IMAGE)
    await upload(store, "c.img.xz", XZ(IMAGE))
    rows = [row for row in await store.audit_rows() if row["operation"] == "UPLOAD"]
    assert [(row["target_path"], row["success"], row["additional_info"]) for row in rows] == [
        (f"{STORE}/up_1.img", 1, "Original filename: up.img, renamed to: up_1.img"),
        (f"{STORE}/c.img", 1, "Compressed image decompressed: c.img.xz -> c.img"),
    ]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_only_a_post_uploads(store: Service, method: str) -> None:
    answer = await store.client.request(method, "/upload-image")
    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")


async def test_a_wrong_csrf_token_uploads_nothing(store: Service) -> None:
    status, answer = await send(store, form(part("a.img", IMAGE)), X_CSRF_Token="wrong")
    assert (status, answer["error_code"]) == (403, "CSRF_VALIDATION_FAILED")


async def test_uploading_needs_an_engineer(tmp_path: Path) -> None:
    tokens = (Token("ann", Role.OPERATOR, hashlib.sha256(b"secret").hexdigest()),)
    async with running_store(tmp_path, tokens=tokens) as service:
        status, answer = await send(
            service, form(part("a.img", IMAGE)), Authorization="Bearer secret"
        )
    assert (status, answer["error_code"]) == (403, "ROLE_TOO_LOW")


UPLOAD = "id filename kind phase receivedBytes writtenBytes image error isResumable"


async def test_graphql_shows_how_uploads_ended(store: Service) -> None:
    await send(store, form(part("a.img.xz", XZ(IMAGE))), X_Upload_Id="mine")
    await send(store, form(part("b.img.xz", IMAGE)), X_Upload_Id="other")
    answer = await store.graphql(f"{{ uploads {{ {UPLOAD} }} }}")
    first, second = answer["data"]["uploads"]
    assert first == {
        "id": "mine",
        "filename": "a.img.xz",
        "kind": "COMPRESSED",
        "phase": "COMPLETE",
        "receivedBytes": len(XZ(IMAGE)),
        "writtenBytes": 300_000,
        "image": "a.img",
        "error": None,
        "isResumable": False,
    }
    assert (second["id"], second["phase"]) == ("other", "FAILED")
    assert "not compressed" in second["error"]


async def test_progress_is_told_live_to_who_asked_before(store: Service) -> None:
    query = 'subscription { uploadProgress(id: "mine") { snapshot uploads { phase image } } }'
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(store)
        serving = tasks.create_task(socket.run([]))
        await subscribed(socket, query)
        frames = [(await socket.frame())["payload"]["data"]["uploadProgress"]]
        await send(store, form(part("a.img.xz", XZ(IMAGE))), X_Upload_Id="mine")
        while not frames[-1]["uploads"] or frames[-1]["uploads"][0]["phase"] != "COMPLETE":
            frames.append((await socket.frame())["payload"]["data"]["uploadProgress"])
        serving.cancel()
    assert frames[0] == {"snapshot": True, "uploads": []}
    assert frames[1]["uploads"] == [{"phase": "DECOMPRESSING", "image": None}]
    assert frames[-1]["uploads"] == [{"phase": "COMPLETE", "image": "a.img"}]


async def test_a_cancelled_upload_is_told_when_nothing_of_it_is_left(store: Service) -> None:
    cancel = (
        "mutation($input: CancelUploadInput!) { cancelUpload(input: $input) "
        "{ ... on Upload { phase error } ... on Problem { code } } }"
    )
    before = stored(store)
    is_sending = asyncio.Event()

    async def hanging() -> AsyncIterator[bytes]:
        yield part("a.img", IMAGE)
        is_sending.set()
        await asyncio.Event().wait()

    headers = {"Content-Type": TYPE, "X-Upload-Id": "mine"}
    request = store.client.post("/upload-image", content=hanging(), headers=headers)
    sending = asyncio.create_task(request)
    await is_sending.wait()
    answer = await store.graphql(cancel, input={"id": "mine"})
    left = stored(store)
    sending.cancel()
    await asyncio.wait([sending])
    assert answer["data"]["cancelUpload"] == {
        "phase": "CANCELLED",
        "error": "The upload was cancelled.",
    }
    assert left == before


async def test_an_upload_that_ended_cannot_be_cancelled(store: Service) -> None:
    cancel = (
        "mutation($input: CancelUploadInput!) { cancelUpload(input: $input) "
        "{ ... on Upload { phase } ... on Problem { code } } }"
    )
    await send(store, form(part("a.img", IMAGE)), X_Upload_Id="mine")
    over = await store.graphql(cancel, input={"id": "mine"})
    unknown = await store.graphql(cancel, input={"id": "nope"})
    assert over["data"]["cancelUpload"]["code"] == "UPLOAD_OVER"
    assert unknown["data"]["cancelUpload"]["code"] == "UPLOAD_NOT_FOUND"
