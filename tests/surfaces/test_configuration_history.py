"""The history of the configuration, the step back, and what a change does to the working folder."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate

from schema.build import build_schema
from server.demo.station import build_station
from tests.surfaces.conftest import Service, running
from tests.surfaces.repository import ROOT

HISTORY = """{ configurationHistory(first: 5) { totalCount nodes {
    id at caller role address surface undoes settings { name old new secret } } } }"""
BACK = """
mutation ($input: RollbackConfigurationInput!) { rollbackConfiguration(input: $input) {
    ... on ConfigurationRolledBack { left changes { name old new } }
    ... on Problem { code detail field status }
} }
"""
CONFIG = "etc/rpi-sb-provisioner/config"


KEPT = (CONFIG, "etc/rpi-sb-provisioner/keys/registry.json")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("history")
    build_station(root, now=datetime(2026, 8, 1, tzinfo=UTC))
    return root


@pytest.fixture
async def service(built: Path) -> AsyncIterator[Service]:
    before = {name: (built / name).read_bytes() for name in KEPT}
    async with running(built) as started:
        await started.station.configuration.look()
        yield started
    for name, content in before.items():
        (built / name).write_bytes(content)
    for file in (built / "srv/rpi-sb-provisioner").glob("service.db*"):
        file.unlink()


async def history(service: Service) -> list[Any]:
    answer = (await service.graphql(HISTORY))["data"]["configurationHistory"]
    assert answer["totalCount"] == len(answer["nodes"])
    nodes: list[Any] = answer["nodes"]
    return nodes


async def back(service: Service, change: str, *confirm: str) -> Any:
    revision = (await service.graphql("{ configuration { revision } }"))["data"]["configuration"]
    given = {"change": change, "confirmIrreversible": list(confirm), **revision}
    return (await service.graphql(BACK, input=given))["data"]["rollbackConfiguration"]


async def test_what_rest_changed_graphql_tells_and_takes_back(service: Service) -> None:
    before = (service.root / CONFIG).read_bytes()
    body = {"RPI_DEVICE_FAMILY": "4", "RPI_CONNECT_API_KEY": "rpoak_new"}
    await service.client.post("/options/set", json=body)
    (change,) = await history(service)
    assert (change["caller"], change["surface"], change["undoes"]) == ("local", "rest", None)
    assert change["settings"] == [
        {"name": "RPI_DEVICE_FAMILY", "old": "5", "new": "4", "secret": False},
        {"name": "RPI_CONNECT_API_KEY", "old": None, "new": None, "secret": True},
    ]
    done = await back(service, change["id"])
    assert done["left"] == ["RPI_CONNECT_API_KEY"]
    assert done["changes"] == [{"name": "RPI_DEVICE_FAMILY", "old": "4", "new": "5"}]
    newest, _ = await history(service)
    assert (newest["undoes"], newest["surface"]) == (change["id"], "graphql")
    after = (service.root / CONFIG).read_bytes()
    assert after.replace(b"rpoak_new", b"simulated-not-a-token") == before
    assert b"rpoak_new" not in (service.root / "srv/rpi-sb-provisioner/service.db").read_bytes()


@pytest.mark.parametrize("change", ["7", "", "-1", "x", "9" * 40, "1 or 1=1"])
async def test_a_change_that_never_was_is_a_problem(service: Service, change: str) -> None:
    problem = await back(service, change)
    assert (problem["code"], problem["status"]) == ("CONFIG_CHANGE_UNKNOWN", 404)


async def test_an_administrators_edit_is_heard(service: Service) -> None:
    file = service.root / CONFIG
    text = file.read_text()
    file.write_text(text.replace("RPI_DEVICE_FAMILY=5", "RPI_DEVICE_FAMILY=2W"))
    async with asyncio.timeout(10):
        while not (found := await history(service)):
            await asyncio.sleep(0.02)
    assert (found[0]["caller"], found[0]["role"], found[0]["surface"]) == (None, None, None)
    assert found[0]["settings"] == [
        {"name": "RPI_DEVICE_FAMILY", "old": "5", "new": "2W", "secret": False}
    ]


async def test_only_a_change_of_its_inputs_empties_the_working_folder(service: Service) -> None:
    kept = service.root / "srv/rpi-sb-provisioner/workdir/cache"
    await service.station.working_folder.begin()
    kept.write_bytes(b"x")
    for harmless in ({"RPI_CONNECT_DESCRIPTION": "other"}, {"RPI_DEVICE_FAMILY": "5"}, {}):
        await service.client.post("/options/set", json=harmless)
        assert kept.exists()
    await service.client.post("/options/set", json={"RPI_DEVICE_FAMILY": "4"})
    assert not kept.exists()
    rows = [row for row in await service.audit_rows() if row["operation"] == "DELETE_CONTENTS"]
    assert rows[-1]["target_path"] == "/srv/rpi-sb-provisioner/workdir"
    assert (rows[-1]["success"], rows[-1]["caller"]) == (1, "local")
    assert "RPI_DEVICE_FAMILY" in rows[-1]["additional_info"]


def test_every_query_of_the_page_is_one_of_the_schema() -> None:
    text = (ROOT / "docs/changing-the-configuration.md").read_text("utf-8")
    queries = re.findall(r"```graphql\n(.*?)```", text, re.DOTALL)
    assert len(queries) == 5
    for query in queries:
        assert validate(build_schema()._schema, parse(query)) == []


async def test_a_step_back_of_the_key_takes_the_registry_along(service: Service) -> None:
    before = (await service.client.get("/options/keys")).json()["activeKeyId"]
    assert before
    await service.client.post("/options/set", json={"CUSTOMER_KEY_FILE_PEM": ""})
    assert (await service.client.get("/options/keys")).json()["activeKeyId"] == ""
    (change,) = await history(service)
    problem = await back(service, change["id"])
    assert problem["code"] == "CONFIRMATION_NEEDED"
    done = await back(service, change["id"], "CUSTOMER_KEY_FILE_PEM")
    assert [one["name"] for one in done["changes"]] == ["CUSTOMER_KEY_FILE_PEM"]
    assert (await service.client.get("/options/keys")).json()["activeKeyId"] == before


async def test_what_ends_in_an_edit_is_kept_with_who_did_it(service: Service) -> None:
    # The last test of this file: the image is gone then.
    shown = (await service.client.get("/options/get")).json()
    name = shown["GOLD_MASTER_OS_FILE"].rpartition("/")[2]
    await service.client.post("/delete-image", params={"name": name})
    (change,) = await history(service)
    assert (change["caller"], change["surface"]) == ("local", "rest")
    assert [one["name"] for one in change["settings"]] == ["GOLD_MASTER_OS_FILE"]
