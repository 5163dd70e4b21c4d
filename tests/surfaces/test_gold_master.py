"""The gold master over GraphQL, with the legacy list beside it."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.caller import Role
from server.settings import Token
from tests.domain.images.descriptions import RIGHT, as_bytes
from tests.domain.images.sparse_files import whole_sparse
from tests.surfaces.conftest import Service
from tests.surfaces.image_store import GOLD, STORE, put, running_store

PREFLIGHT = (
    "fits family { wanted configured agrees } storage { agrees } cipher { agrees } "
    "neededBytes freeBytes findings { topic blocks because remedy variable }"
)
SELECT = (
    "mutation($input: SelectGoldMasterInput!) { selectGoldMaster(input: $input) { "
    f"... on GoldMasterSelected {{ image {{ name isGoldMaster }} previousPath "
    f"preflight {{ {PREFLIGHT} }} }} ... on Problem {{ code detail status }} }} }}"
)
CLEAR = (
    "mutation { clearGoldMaster { ... on GoldMasterCleared { previousPath } "
    "... on Problem { code } } }"
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Service]:
    async with running_store(tmp_path) as service:
        put(tmp_path, "new/image.json", as_bytes(RIGHT))
        for name in ("boot.sparse", "root.sparse"):
            put(tmp_path, f"new/{name}", whole_sparse())
        yield service


async def select(service: Service, **given: object) -> Any:
    return (await service.graphql(SELECT, input=given))["data"]["selectGoldMaster"]


async def gold(service: Service) -> list[str]:
    listed = (await service.client.get("/images/list")).json()["images"]
    return [image["name"] for image in listed if image["is_gold_master"]]


async def test_an_image_that_contradicts_is_refused_and_says_why(store: Service) -> None:
    answer = await select(store, name="new")
    assert (answer["code"], answer["status"]) == ("GOLD_MASTER_CONTRADICTED", 409)
    assert "The family of boards is not set." in answer["detail"]
    assert await gold(store) == [GOLD]


async def test_adopting_makes_it_fit_and_both_surfaces_show_it(store: Service) -> None:
    answer = await select(store, name="new", adopt=True)
    assert answer["image"] == {"name": "new", "isGoldMaster": True}
    assert answer["previousPath"] == f"{STORE}/{GOLD}"
    assert answer["preflight"]["fits"] is True
    assert answer["preflight"]["family"] == {"wanted": ["5"], "configured": "5", "agrees": True}
    assert await gold(store) == ["new"]
    config = (store.root / "etc/rpi-sb-provisioner/config").read_text()
    assert f"GOLD_MASTER_OS_FILE={STORE}/new\n" in config
    assert "RPI_DEVICE_FAMILY=5\n" in config
    rows = [row for row in await store.audit_rows() if row["event_type"] == "FILE_ACCESS"]
    assert [(row["operation"], row["target_path"]) for row in rows] == [
        ("WRITE", "/etc/rpi-sb-provisioner/config")
    ]


async def test_the_preflight_can_be_asked_without_selecting(store: Service) -> None:
    query = (
        "query($name: String!, $adopt: Boolean!) { image(name: $name) "
        f"{{ goldMasterPreflight(adopt: $adopt) {{ {PREFLIGHT} }} }} }}"
    )
    plain = (await store.graphql(query, name="new", adopt=False))["data"]["image"]
    adopted = (await store.graphql(query, name="new", adopt=True))["data"]["image"]
    found = plain["goldMasterPreflight"]
    assert [(one["topic"], one["variable"]) for one in found["findings"]] == [
        ("FAMILY", "RPI_DEVICE_FAMILY"),
        ("STORAGE", "RPI_DEVICE_STORAGE_TYPE"),
    ]
    assert (found["fits"], adopted["goldMasterPreflight"]["fits"]) == (False, True)
    assert await gold(store) == [GOLD]


async def test_force_selects_what_does_not_fit(store: Service) -> None:
    answer = await select(store, name="bare", force=True)
    assert answer["image"]["name"] == "bare"
    assert answer["preflight"]["fits"] is False
    assert await gold(store) == ["bare"]


@pytest.mark.parametrize("name", ["nope.img", "../state.db", "folder", ".hidden.img"])
async def test_what_is_no_image_is_never_selected(store: Service, name: str) -> None:
    assert (await select(store, name=name, force=True))["code"] == "IMAGE_NOT_FOUND"
    assert await gold(store) == [GOLD]


async def test_clearing_leaves_none(store: Service) -> None:
    first = (await store.graphql(CLEAR))["data"]["clearGoldMaster"]
    again = (await store.graphql(CLEAR))["data"]["clearGoldMaster"]
    assert (first, again) == (
        {"previousPath": f"{STORE}/{GOLD}"},
        {"previousPath": None},
    )
    assert await gold(store) == []


async def test_an_operator_may_not_choose(tmp_path: Path) -> None:
    token = Token("jig", Role.OPERATOR, hashlib.sha256(b"operate").hexdigest())
    headers = {"Authorization": "Bearer operate"}
    async with running_store(tmp_path, tokens=(token,)) as service:
        body = {"query": SELECT, "variables": {"input": {"name": "idp", "force": True}}}
        answer = await service.client.post("/graphql", json=body, headers=headers)
        cleared = await service.client.post("/graphql", json={"query": CLEAR}, headers=headers)
    assert answer.json()["data"]["selectGoldMaster"]["code"] == "ROLE_TOO_LOW"
    assert cleared.json()["data"]["clearGoldMaster"]["code"] == "ROLE_TOO_LOW"
