"""The working folder through both surfaces (contract configuration 6, 12)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.surfaces.conftest import Service, running

WORKDIR = "srv/rpi-sb-provisioner/workdir"
CLEAR = (
    "mutation { clearWorkingFolder { ... on WorkingFolderCleared "
    "{ deleted spared workingFolder { files state } } ... on Problem { code status } } }"
)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    _configure(tmp_path, f"/{WORKDIR}")
    prepare(tmp_path)
    async with running(tmp_path) as started:
        yield started


def prepare(root: Path) -> Path:
    """Puts something prepared into the folder."""
    (root / WORKDIR / "cache").mkdir(parents=True, exist_ok=True)
    (root / WORKDIR / "cache/signed.bin").write_bytes(b"12345")
    return root / WORKDIR


def _configure(root: Path, folder: str) -> None:
    config = root / "etc/rpi-sb-provisioner/config"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f"RPI_SB_WORKDIR={folder}\n")


async def test_both_surfaces_empty_it_and_write_it_down(service: Service) -> None:
    shown = await service.graphql("{ workingFolder { path state sizeBytes files newestAt } }")
    assert shown["data"]["workingFolder"]["sizeBytes"] == 5
    answer = await service.client.post("/options/clear-workdir")
    assert (answer.status_code, answer.content) == (200, b"")
    assert list((service.root / WORKDIR).iterdir()) == []
    prepare(service.root)
    told = (await service.graphql(CLEAR))["data"]["clearWorkingFolder"]
    assert told == {"deleted": 1, "spared": 0, "workingFolder": {"files": 0, "state": "PRESENT"}}
    rows = [row for row in await service.audit_rows() if row["operation"] == "DELETE_CONTENTS"]
    assert [(row["target_path"], row["success"]) for row in rows] == [(f"/{WORKDIR}", 1)] * 2


async def test_both_surfaces_refuse_a_guarded_folder(service: Service) -> None:
    _configure(service.root, "/srv/rpi-sb-provisioner")
    answer = await service.client.post("/options/clear-workdir")
    assert (answer.status_code, answer.json()["error_code"]) == (409, "WORKDIR_REFUSED")
    assert (await service.graphql(CLEAR))["data"]["clearWorkingFolder"] == {
        "code": "WORKDIR_REFUSED",
        "status": 409,
    }
    assert (service.root / WORKDIR / "cache/signed.bin").exists()


@pytest.mark.parametrize("folder", ["", "/srv/none/here"])
async def test_without_a_folder_the_old_answer_is_nothing(service: Service, folder: str) -> None:
    _configure(service.root, folder)
    answer = await service.client.post("/options/clear-workdir")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_only_a_post_with_a_good_token_empties_it(service: Service) -> None:
    assert (await service.client.get("/options/clear-workdir")).status_code == 405
    answer = await service.client.post("/options/clear-workdir", headers={"X-CSRF-Token": "bad"})
    assert answer.status_code == 403
    assert (service.root / WORKDIR / "cache/signed.bin").exists()
