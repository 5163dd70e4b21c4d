"""What images hold, through both surfaces (contract images 6)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.domain.images.descriptions import RIGHT, as_bytes, changed
from tests.domain.images.disk_files import MIB, bootable, needs
from tests.domain.images.sparse_files import whole_sparse
from tests.surfaces.conftest import Service
from tests.surfaces.image_store import STORE, put, running_store

ANALYSIS = (
    "query($name: String!) { image(name: $name) { name kind path analysis { error "
    "disk { contents table sizeBytes isMultipleOf512 neededBytes "
    "  partitions { number startBytes sizeBytes type fileSystem label } "
    "  boot { number rootNames } root { number } faults { kind sentence } } "
    "artefact { schemaValid schemaErrors { path description } imageName imageVersion deviceClass "
    "  deviceFamily storageType systemType encrypted cipher fileCount expandedBytes "
    "  encryptions { slot cipher keySize hash mapperName label } "
    "  partitions { name file sizeBytes expandedBytes fault } "
    "  placements { image slot isEncrypted role uuid expands } } } } }"
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Service]:
    async with running_store(tmp_path) as service:
        yield service


async def both(service: Service, name: str) -> tuple[Any, Any]:
    """Returns what REST and GraphQL say of one image."""
    answer = await service.client.get("/analyze-image", params={"name": name})
    told = await service.graphql(ANALYSIS, name=name)
    assert (answer.status_code, "errors" in told) == (200, False)
    return answer.json(), told["data"]["image"]


def put_artefact(service: Service, description: object) -> None:
    put(service.root, "new/image.json", as_bytes(description))
    for name in ("boot.sparse", "root.sparse"):
        put(service.root, f"new/{name}", whole_sparse())


async def test_an_artefact_is_the_same_on_both_surfaces(store: Service) -> None:
    put_artefact(store, RIGHT)
    rest, image = await both(store, "new")
    assert rest == {
        "name": "new",
        "path": f"{STORE}/new",
        "type": "idp",
        "schema_valid": True,
        "device_class_raw": "cm5",
        "device_class": "5",
        "storage_type_raw": "emmc",
        "storage_type": "emmc",
        "image_version": "2026-07-13",
        "image_name": "deb13",
        "encryption": True,
        "cipher": "aes-xts-plain64",
        "partition_count": 2,
        "simg_file_count": 2,
    }
    artefact = image["analysis"]["artefact"]
    assert (artefact["deviceClass"], artefact["deviceFamily"]) == ("cm5", "5")
    assert (artefact["encrypted"], artefact["cipher"]) == (True, rest["cipher"])
    assert artefact["encryptions"][0]["keySize"] == 512
    assert (artefact["schemaValid"], artefact["schemaErrors"]) == (True, [])
    assert artefact["expandedBytes"] == 2 * 8 * 4096
    assert [one["role"] for one in artefact["placements"]] == ["boot", "system"]
    assert [one["isEncrypted"] for one in artefact["placements"]] == [False, True]


async def test_an_invalid_description_is_told_with_its_faults(store: Service) -> None:
    put_artefact(store, changed("IGversion", to=...))
    rest, image = await both(store, "new")
    told = image["analysis"]["artefact"]
    assert (rest["schema_valid"], told["schemaValid"]) == (False, False)
    assert rest["schema_errors"] == told["schemaErrors"]
    assert rest["schema_errors"][0]["path"] == "<root>"


@pytest.mark.parametrize("description", [[], 7, None, {"layout": []}, {"IGmeta": "x"}])
async def test_a_description_of_the_wrong_form_is_no_failure(
    store: Service, description: object
) -> None:
    put_artefact(store, description)
    rest, image = await both(store, "new")
    assert (rest["schema_valid"], image["analysis"]["artefact"]["schemaValid"]) == (False, False)


async def test_what_is_no_json_is_an_error_in_a_good_answer(store: Service) -> None:
    put(store.root, "new/image.json", b"{oops")
    rest, image = await both(store, "new")
    assert set(rest) == {"name", "path", "type", "error"}
    assert rest["type"] == "idp"
    assert rest["error"] == image["analysis"]["error"]
    assert rest["error"].startswith("JSON parse error: ")


async def test_a_folder_that_is_no_artefact_says_so(store: Service) -> None:
    rest, image = await both(store, "folder")
    assert rest["type"] == "unknown_directory" == image["kind"].lower()
    assert rest["error"] == "Directory does not contain exactly one JSON file"


@needs("sfdisk", "mkfs.ext4", "mkfs.vfat", "mcopy")
async def test_a_disk_is_the_same_on_both_surfaces(store: Service, tmp_path: Path) -> None:
    made = bootable(tmp_path)
    made.rename(store.root / STORE[1:] / "disk.img")
    rest, image = await both(store, "disk.img")
    disk = image["analysis"]["disk"]
    assert (rest["type"], rest["size_bytes"]) == ("traditional", 64 * MIB)
    assert (rest["partition_table"], disk["table"]) == ("mbr", "MBR")
    assert (rest["boot_partition"], disk["boot"]["number"]) == (1, 1)
    assert (rest["root_partition"], disk["root"]["number"]) == (2, 2)
    assert [one["file_system"] for one in rest["partitions"]] == ["fat32", "ext4"]
    assert [one["fileSystem"] for one in disk["partitions"]] == ["FAT32", "EXT4"]
    assert rest["faults"] == disk["faults"] == []
    assert "config.txt" in disk["boot"]["rootNames"]


async def test_a_file_that_is_no_disk_says_what_is_missing(store: Service) -> None:
    rest, image = await both(store, "gold.img")
    codes = [one["code"] for one in rest["faults"]]
    assert codes == ["size_not_multiple_of_512", "no_partition_table"]
    assert [one["kind"] for one in image["analysis"]["disk"]["faults"]] == ["SIZE", "NO_TABLE"]


NO_IMAGES = ["nope.img", "../state.db", "/etc/passwd", "gold.img.sha256", "."]


@pytest.mark.parametrize("name", NO_IMAGES)
async def test_here_what_is_no_image_is_404(store: Service, name: str) -> None:
    answer = await store.client.get("/analyze-image", params={"name": name})
    assert (answer.status_code, answer.json()["error_code"]) == (404, "IMAGE_NOT_FOUND")


async def test_no_name_is_missing(store: Service) -> None:
    answer = await store.client.get("/analyze-image")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "MISSING_IMAGE_NAME")


async def test_a_list_shows_the_contents_of_each(store: Service) -> None:
    answer = await store.graphql(
        "{ images { nodes { name analysis { disk { contents } artefact { schemaValid } } } } }"
    )
    nodes = {node["name"]: node["analysis"] for node in answer["data"]["images"]["nodes"]}
    assert nodes["gold.img"]["disk"] == {"contents": "UNKNOWN"}
    assert nodes["idp"]["artefact"] == {"schemaValid": False}
