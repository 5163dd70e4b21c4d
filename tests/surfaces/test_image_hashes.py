"""The hashes of images through all surfaces (contract images 3, 7, 9.1)."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.caller import Role
from server.settings import Token
from tests.domain.images.store import sha256
from tests.surfaces.conftest import Service, running
from tests.surfaces.image_store import DIGITS, GOLD, STORE, put, running_store, subscribed
from tests.surfaces.test_live_sockets import opened
from tests.surfaces.test_story import Socket

ABC = sha256(b"abc")
BIG = 1 << 40


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Service]:
    async with running_store(tmp_path) as service:
        yield service


def put_endless(root: Path) -> None:
    """Puts an image into the store whose calculation does not end in any test."""
    path = put(root, "endless.img", b"")
    os.truncate(path, BIG)


async def ask(service: Service, name: str) -> Any:
    """Returns the legacy answer of one hash."""
    return (await service.client.get("/get-image-sha256", params={"name": name})).json()


@pytest.mark.parametrize(
    ("name", "digits"), [(GOLD, DIGITS), ("idp", DIGITS), ("bare", "IDP Artefact")]
)
async def test_what_is_known_is_complete(store: Service, name: str, digits: str) -> None:
    body = await ask(store, name)
    assert (body["name"], body["sha256"], body["status"]) == (name, digits, "complete")
    assert ("message" in body) is (name == "bare")


async def test_a_folder_that_is_no_image_is_an_artefact_without_a_sum(store: Service) -> None:
    body = await ask(store, "folder")
    assert (body["sha256"], body["status"]) == ("IDP Artefact", "complete")


async def test_what_is_neither_file_nor_folder_has_no_hash(store: Service) -> None:
    os.mkfifo(store.root / STORE[1:] / "pipe.img")
    put(store.root, "pipe.img.sha256", f"{DIGITS}\n".encode())
    reason = "It is neither a file nor a folder: it has no hash."
    assert await ask(store, "pipe.img") == {
        "name": "pipe.img",
        "sha256": reason,
        "status": "error",
    }
    async with opened(store, "/ws/sha256") as socket:
        await socket.send({"action": "get_sha256", "image_name": "pipe.img"})
        frame = await socket.frame()
    assert frame == {"image_name": "pipe.img", "status": "error", "error": reason}


async def test_a_sidecar_that_cannot_be_read_is_an_error(store: Service) -> None:
    (store.root / STORE[1:] / "bare.sha256").mkdir()
    assert await ask(store, "bare") == {
        "name": "bare",
        "sha256": "IDP Artefact",
        "status": "error",
    }


async def test_a_calculation_under_way_says_so_everywhere(store: Service) -> None:
    put_endless(store.root)
    first = await ask(store, "endless.img")
    listed = (await store.client.get("/images/list")).json()["images"]
    assert (first["sha256"], first["status"]) == ("Calculating...", "pending")
    assert first["message"] in (
        "SHA256 calculation started.",
        "SHA256 calculation is in progress.",
    )
    assert next(i["sha256"] for i in listed if i["name"] == "endless.img") == "Calculating..."


async def test_a_calculation_is_begun_and_noted_with_its_request(tmp_path: Path) -> None:
    async with running_store(tmp_path) as service:
        # No look comes first: the file is asked for as soon as it is there.
        put(tmp_path, "a.img", b"abc")
        async with opened(service, "/ws/sha256") as socket:
            await socket.send({"action": "get_sha256", "image_name": "a.img"})
            frames = [await socket.frame()]
            while frames[-1]["status"] == "pending":
                frames.append(await socket.frame())
        rows = [row for row in await service.audit_rows() if row["target_path"]]
    assert frames[-1] == {"image_name": "a.img", "status": "complete", "sha256": ABC}
    words = [row["operation"] for row in rows if "a.img" in row["target_path"]]
    assert words == ["SHA256_START", "WRITE", "SHA256_COMPLETE"]


async def test_the_socket_answers_what_is_known_and_refuses_the_rest(store: Service) -> None:
    questions: list[tuple[object, dict[str, object]]] = [
        (GOLD, {"image_name": GOLD, "status": "complete", "sha256": DIGITS}),
        ("idp", {"image_name": "idp", "status": "complete", "sha256": DIGITS}),
        ("nope", {"image_name": "nope", "status": "error", "error": "file-not-found"}),
        ("/etc/x", {"image_name": "/etc/x", "status": "error", "error": "file-not-found"}),
        (
            "a.sha256",
            {
                "image_name": "a.sha256",
                "status": "error",
                "error": "Refused: .sha256 sidecar files are not hashable",
            },
        ),
        (7, {"image_name": "", "status": "error", "error": "Image name is required."}),
    ]
    async with opened(store, "/ws/sha256") as socket:
        for asked, answer in questions:
            await socket.send({"action": "get_sha256", "image_name": asked})
            assert await socket.frame() == answer


@pytest.mark.parametrize("text", ["not json", "[1]", "7", "null", '"x"', "{", "\ud800"])
async def test_what_is_no_object_is_told_and_the_talk_goes_on(store: Service, text: str) -> None:
    async with opened(store, "/ws/sha256") as socket:
        await socket.sent.put({"type": "websocket.receive", "text": text})
        assert await socket.frame() == {"error": "Invalid JSON"}
        await socket.send({"action": "bogus"})
        await socket.sent.put({"type": "websocket.receive", "bytes": b"\0"})
        await socket.send({"action": "get_sha256", "image_name": GOLD})
        assert (await socket.frame())["status"] == "complete"


async def test_who_asks_twice_hears_each_change_once(store: Service) -> None:
    async with opened(store, "/ws/sha256") as socket:
        for _ in range(3):
            await socket.send({"action": "get_sha256", "image_name": GOLD})
            assert (await socket.frame())["sha256"] == DIGITS
        await store.graphql(
            f'mutation {{ rehashImage(input: {{name: "{GOLD}"}}) {{ __typename }} }}'
        )
        frames = [await socket.frame()]
        while frames[-1]["status"] == "pending":
            frames.append(await socket.frame())
        await socket.send({"action": "get_sha256", "image_name": GOLD})
        last = await socket.frame()
    assert len({str(frame) for frame in frames}) == len(frames)
    assert frames[-2]["progress_percent"] == 100
    assert frames[-1]["sha256"] == last["sha256"] == sha256(b"gold")


async def test_a_listener_who_leaves_stops_nothing_that_the_station_wants(store: Service) -> None:
    put_endless(store.root)
    await ask(store, "endless.img")
    async with opened(store, "/ws/sha256") as socket:
        await socket.send({"action": "get_sha256", "image_name": "endless.img"})
        assert (await socket.frame())["status"] == "pending"
    assert (await ask(store, "endless.img"))["message"] == "SHA256 calculation is in progress."


async def test_a_deleted_image_is_an_error_to_its_listeners(store: Service) -> None:
    put_endless(store.root)
    async with opened(store, "/ws/sha256") as socket:
        await socket.send({"action": "get_sha256", "image_name": "endless.img"})
        await socket.frame()
        await store.client.post("/delete-image", params={"name": "endless.img"})
        frame = await socket.frame()
        while frame["status"] == "pending":
            frame = await socket.frame()
    assert frame == {"image_name": "endless.img", "status": "error", "error": "file-not-found"}


async def test_a_socket_needs_a_role(tmp_path: Path) -> None:
    token = Token("mes", Role.VIEWER, "00" * 32)
    async with running(tmp_path, tokens=(token,)) as service:
        socket = Socket(service)
        await asyncio.wait_for(socket.run([], path="/ws/sha256"), 5)
        answer = await socket.next()
    assert (answer["type"], answer["status"]) == ("websocket.http.response.start", 401)


async def test_progress_is_told_over_graphql_and_can_be_stopped(store: Service) -> None:
    put_endless(store.root)
    query = (
        'subscription { hashProgress(name: "endless.img") '
        "{ sequence snapshot name hash { status sha256 progress error } } }"
    )
    cancel = (
        'mutation { cancelHash(input: {name: "endless.img"}) '
        "{ ... on Image { hash { status } } ... on Problem { code } } }"
    )
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(store)
        serving = tasks.create_task(socket.run([]))
        await subscribed(socket, query)
        first = await _progress(socket)
        stopped = (await store.graphql(cancel))["data"]["cancelHash"]
        again = (await store.graphql(cancel))["data"]["cancelHash"]
        last = await _progress(socket)
        while last["hash"]["status"] == "PENDING":
            last = await _progress(socket)
        serving.cancel()
    assert (first["snapshot"], first["hash"]["status"]) == (True, "PENDING")
    assert (stopped, again) == ({"hash": {"status": "CANCELLED"}}, {"code": "HASH_NOT_RUNNING"})
    assert (last["hash"]["status"], bool(last["hash"]["error"])) == ("CANCELLED", True)


async def test_an_artefact_cannot_be_hashed_again(store: Service) -> None:
    rehash = 'mutation { rehashImage(input: {name: "idp"}) { ... on Problem { code } } }'
    assert (await store.graphql(rehash))["data"]["rehashImage"] == {"code": "IMAGE_NOT_HASHABLE"}


async def _progress(socket: Socket) -> Any:
    return (await socket.frame())["payload"]["data"]["hashProgress"]
