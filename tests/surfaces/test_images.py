"""The image store through both surfaces (contract images 1, 2, 5)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from domain.caller import Role
from server.settings import Token
from tests.surfaces.conftest import Service
from tests.surfaces.image_store import DIGITS, GOLD, OLD, STORE, put, running_store, subscribed
from tests.surfaces.test_story import Socket

IMAGE = "name path kind sizeBytes isGoldMaster hash { status sha256 }"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Service]:
    async with running_store(tmp_path) as service:
        yield service


async def test_both_surfaces_list_the_same_images(store: Service) -> None:
    rest = (await store.client.get("/images/list", headers={"Accept": "text/html"})).json()
    bare = (await store.client.get("/get-images")).json()
    answer = await store.graphql(f"{{ images {{ totalCount nodes {{ {IMAGE} }} }} }}")
    nodes = answer["data"]["images"]["nodes"]
    assert rest["images"] == bare
    assert [item["name"] for item in bare] == ["bare", GOLD, "idp"]
    for item, node in zip(bare, nodes, strict=True):
        assert (item["name"], item["path"]) == (node["name"], node["path"])
        assert item["size_mb"] == node["sizeBytes"] / 1048576
        assert isinstance(item["size_mb"], float)
        assert item["is_gold_master"] is node["isGoldMaster"] is (item["name"] == GOLD)
        assert item["type"] == node["kind"].lower() == ("idp" if item["is_idp"] else "traditional")
        assert item["sha256"] == (node["hash"]["sha256"] or "IDP Artefact")


async def test_a_browser_gets_the_page_of_the_old_path(store: Service) -> None:
    answer = await store.client.get("/get-images", headers={"Accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/html")


async def test_the_metadata_have_the_old_form(store: Service) -> None:
    put(store.root, "big.img", b"x" * 1536)
    body = (await store.client.get("/get-image-metadata", params={"name": "big.img"})).json()
    local = datetime.fromtimestamp(OLD).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    assert body == {
        "name": "big.img",
        "size_bytes": 1536,
        "size_mb": 1536 / 1048576,
        "size_formatted": "1.50 KB",
        "last_modified": local,
        "estimated_process_minutes": 1,
    }


async def test_an_artefact_has_metadata_too(store: Service) -> None:
    body = (await store.client.get("/get-image-metadata", params={"name": "idp"})).json()
    assert (body["size_bytes"], body["size_formatted"]) == (2, "2 B")


BAD_NAMES = ["nope.img", "../state.db", "/etc/passwd", ".", "..", ".hidden.img", "a\0b", "x" * 300]
BAD_NAMES += [f"{GOLD}.sha256", "bootimg-output", "gold.img/", "<b>"]


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/get-image-metadata"), ("GET", "/get-image-sha256"), ("POST", "/delete-image")],
)
async def test_what_is_no_image_is_400_everywhere(
    store: Service, method: str, path: str, name: str
) -> None:
    answer = await store.client.request(method, path, params={"name": name})
    body = answer.json()
    assert (answer.status_code, body["error_code"]) == (400, "IMAGE_NOT_FOUND")
    assert body["details"].startswith("Requested image: ")
    assert str(store.root) not in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/get-image-metadata"), ("GET", "/get-image-sha256"), ("POST", "/delete-image")],
)
async def test_no_name_is_missing(store: Service, method: str, path: str) -> None:
    for asked in (path, f"{path}?name=", f"{path}?name=a&name="):
        answer = await store.client.request(method, asked)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "MISSING_IMAGE_NAME")


async def test_an_error_page_escapes_the_name(store: Service) -> None:
    answer = await store.client.get(
        "/get-image-metadata", params={"name": "<script>"}, headers={"Accept": "text/html"}
    )
    assert "IMAGE_NOT_FOUND" in answer.text
    assert "<script>" not in answer.text


async def test_deleting_says_nothing_and_clears_the_gold_master(store: Service) -> None:
    answer = await store.client.post("/delete-image", params={"name": GOLD})
    assert (answer.status_code, answer.content) == (200, b"")
    names = {path.name for path in (store.root / STORE[1:]).iterdir()}
    assert not names & {GOLD, f"{GOLD}.sha256"}
    assert await store.station.configuration.value("GOLD_MASTER_OS_FILE") == ""
    rows = [(row["operation"], row["target_path"]) for row in await _file_rows(store)]
    assert rows == [("DELETE", f"{STORE}/{GOLD}"), ("WRITE", "/etc/rpi-sb-provisioner/config")]


async def test_deleting_tells_who_asks_for_json(store: Service) -> None:
    answer = await store.client.post(
        "/delete-image", data={"name": "idp"}, headers={"Accept": "application/json"}
    )
    assert answer.json() == {"success": True, "name": "idp", "gold_master_cleared": False}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_only_a_post_deletes(store: Service, method: str) -> None:
    answer = await store.client.request(method, "/delete-image", params={"name": GOLD})
    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")
    assert (store.root / STORE[1:] / GOLD).exists()


async def test_a_wrong_csrf_token_deletes_nothing(store: Service) -> None:
    answer = await store.client.post(
        "/delete-image", params={"name": GOLD}, headers={"X-CSRF-Token": "wrong"}
    )
    assert (answer.status_code, answer.json()["error_code"]) == (403, "CSRF_VALIDATION_FAILED")
    assert (store.root / STORE[1:] / GOLD).exists()


async def test_graphql_deletes_with_the_same_effect(store: Service) -> None:
    delete = (
        "mutation($input: DeleteImageInput!) { deleteImage(input: $input) "
        "{ ... on ImageDeleted { name goldMasterCleared } ... on Problem { code status } } }"
    )
    kept = await store.graphql(delete, input={"name": GOLD, "keepGoldMaster": True})
    gone = await store.graphql(delete, input={"name": GOLD})
    again = await store.graphql(delete, input={"name": GOLD})
    assert kept["data"]["deleteImage"] == {"code": "IMAGE_IN_USE", "status": 409}
    assert gone["data"]["deleteImage"] == {"name": GOLD, "goldMasterCleared": True}
    assert again["data"]["deleteImage"] == {"code": "IMAGE_NOT_FOUND", "status": 404}


RENAME = (
    "mutation($input: RenameImageInput!) { renameImage(input: $input) "
    f"{{ ... on Image {{ {IMAGE} }} ... on Problem {{ code field }} }} }}"
)


async def test_a_renamed_image_keeps_its_hash_and_stays_gold_master(store: Service) -> None:
    answer = await store.graphql(RENAME, input={"name": GOLD, "newName": "better.img"})
    assert answer["data"]["renameImage"] == {
        "name": "better.img",
        "path": f"{STORE}/better.img",
        "kind": "TRADITIONAL",
        "sizeBytes": 4,
        "isGoldMaster": True,
        "hash": {"status": "COMPLETE", "sha256": DIGITS},
    }
    config = (store.root / "etc/rpi-sb-provisioner/config").read_text()
    assert config == f"# ours\nGOLD_MASTER_OS_FILE={STORE}/better.img\n"


@pytest.mark.parametrize(
    ("new_name", "code"),
    [("idp", "IMAGE_EXISTS"), ("../x", "INVALID_FILENAME"), ("", "INVALID_FILENAME")],
)
async def test_an_impossible_new_name_is_a_problem(
    store: Service, new_name: str, code: str
) -> None:
    answer = await store.graphql(RENAME, input={"name": GOLD, "newName": new_name})
    assert answer["data"]["renameImage"] == {"code": code, "field": "newName"}


async def test_one_image_is_found_by_name_also_a_folder_that_is_none(store: Service) -> None:
    query = "query($name: String!) { image(name: $name) { name kind hash { status } } }"
    folder = (await store.graphql(query, name="folder"))["data"]["image"]
    missing = await store.graphql(query, name="nope")
    assert folder == {"name": "folder", "kind": "UNKNOWN_DIRECTORY", "hash": {"status": "NONE"}}
    assert missing["errors"][0]["extensions"]["code"] == "IMAGE_NOT_FOUND"


async def test_a_filter_and_a_page_choose(store: Service) -> None:
    query = (
        "query($filter: ImageFilter, $first: Int) { images(filter: $filter, first: $first) "
        "{ totalCount pageInfo { hasNextPage } nodes { name } } }"
    )
    idp = (await store.graphql(query, filter={"kind": "IDP"}, first=1))["data"]["images"]
    gold = (await store.graphql(query, filter={"goldMaster": True}))["data"]["images"]
    assert idp == {
        "totalCount": 2,
        "pageInfo": {"hasNextPage": True},
        "nodes": [{"name": "bare"}],
    }
    assert gold["nodes"] == [{"name": GOLD}]


async def test_the_room_is_told(store: Service) -> None:
    answer = await store.graphql("{ imageStore { path totalBytes freeBytes } }")
    space = answer["data"]["imageStore"]
    assert space["path"] == STORE
    assert 0 < space["freeBytes"] <= space["totalBytes"]


async def test_changes_arrive_live(store: Service) -> None:
    query = "subscription { imageChanges { sequence snapshot images { name } removed } }"
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(store)
        serving = tasks.create_task(socket.run([]))
        await subscribed(socket, query)
        first = await _change(socket)
        put(store.root, "new.img", b"new")
        added = await _change(socket, lambda change: "new.img" in _names(change))
        await store.client.post("/delete-image", params={"name": "new.img"})
        gone = await _change(socket, lambda change: bool(change["removed"]))
        serving.cancel()
    assert (first["snapshot"], _names(first)) == (True, ["bare", GOLD, "idp"])
    assert (added["snapshot"], added["sequence"] > first["sequence"]) == (False, True)
    assert gone["removed"] == ["new.img"]


async def test_a_viewer_may_look_and_not_change(tmp_path: Path) -> None:
    headers = {"Authorization": "Bearer look"}
    token = Token("mes", Role.VIEWER, hashlib.sha256(b"look").hexdigest())
    async with running_store(tmp_path, tokens=(token,)) as service:
        refused = await service.client.post("/delete-image", params={"name": GOLD}, headers=headers)
    assert (refused.status_code, refused.json()["error_code"]) == (403, "ROLE_TOO_LOW")
    assert (tmp_path / STORE[1:] / GOLD).exists()


async def test_nothing_there_is_an_empty_list(empty_service: Service) -> None:
    answer = await empty_service.client.get("/images/list")
    assert (answer.status_code, answer.json()) == (200, {"images": []})


def _names(change: Any) -> list[str]:
    return [image["name"] for image in change["images"]]


async def _change(socket: Socket, wanted: Any = lambda change: True) -> Any:
    while True:
        change = (await socket.frame())["payload"]["data"]["imageChanges"]
        if wanted(change):
            return change


async def _file_rows(service: Service) -> list[Any]:
    return [row for row in await service.audit_rows() if row["event_type"] == "FILE_ACCESS"]
