"""Analyses of what lies in the store (contract images 6): artefacts with any description at all,
folders, links, and traditional images."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.images.analyses import Analyses, Analysis
from domain.images.disks import Contents
from domain.images.image import ImageKind
from domain.images.names import ImageName, ImageNotFound
from rest_compat.errors import json_bytes
from rest_compat.images.analysis import analysis_of
from schema.images.artefact_types import artefact_of
from tests.domain.images.descriptions import RIGHT, as_bytes, changed
from tests.domain.images.sparse_files import header, whole_sparse
from tests.domain.images.store import Store, make_store

SEVERAL = "Directory does not contain exactly one JSON file"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(tmp_path)


def put(store: Store, description: object, **files: bytes) -> None:
    store.put_artefact("idp", image_json=as_bytes(description), **files)


def analysed(store: Store, name: str = "idp") -> Analysis:
    return Analyses(store.folder).get_now(ImageName(name))


async def test_an_artefact_tells_what_its_files_hold(store: Store) -> None:
    put(store, RIGHT, boot_sparse=whole_sparse(), root_sparse=b"short")
    found = await Analyses(store.folder).get(ImageName("idp"))
    assert (found.kind, found.path) == (ImageKind.IDP, "/srv/rpi-sb-provisioner/images/idp")
    assert found.artefact is not None
    boot, root = found.artefact.files
    assert (boot.size_bytes, boot.expanded_bytes, boot.fault) == (
        len(whole_sparse()),
        8 * 4096,
        "",
    )
    assert (root.size_bytes, root.expanded_bytes) == (5, None)
    assert root.fault == "file shorter than sparse header (5 B)"
    assert (found.artefact.file_count, found.artefact.expanded_bytes) == (2, 8 * 4096)


def test_two_partitions_in_one_file_are_one_file(store: Store) -> None:
    one = {"boot": {"simage": "a.sparse"}, "root": {"simage": "a.sparse"}, "x": {"simage": ""}}
    put(store, changed("layout", "partitionimages", to=one), a_sparse=whole_sparse())
    artefact = analysed(store).artefact
    assert artefact is not None
    assert (artefact.file_count, len(artefact.files)) == (1, 3)


@pytest.mark.parametrize(
    "simage", ["../outside", "/etc/passwd", ".", "..", "", "gone", "x" * 5000, "a\0b", "link"]
)
def test_no_name_of_a_file_leads_out_of_the_artefact(store: Store, simage: str) -> None:
    (store.real / "outside").write_bytes(whole_sparse())
    put(store, changed("layout", "partitionimages", "boot", "simage", to=simage))
    (store.real / "idp" / "link").symlink_to("../outside")
    artefact = analysed(store).artefact
    assert artefact is not None
    assert artefact.files[0].size_bytes is None
    assert artefact.files[0].fault


def test_a_file_that_stands_for_more_than_any_storage_is_a_fault(store: Store) -> None:
    put(store, RIGHT, boot_sparse=header(2**32 - 1, 0, sizes=(28, 12, 2**32 - 4)))
    artefact = analysed(store).artefact
    assert artefact is not None
    assert artefact.files[0].expanded_bytes is None
    assert "more than any storage has" in artefact.files[0].fault


@pytest.mark.parametrize("names", [(), ("a.json", "b.json"), ("a.JSON",), (".json",)])
def test_a_folder_without_exactly_one_description_says_so(
    store: Store, names: tuple[str, ...]
) -> None:
    (store.real / "idp").mkdir()
    for name in names:
        (store.real / "idp" / name).write_bytes(b"{}")
    found = analysed(store)
    assert (found.kind, found.error) == (ImageKind.UNKNOWN_DIRECTORY, SEVERAL)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"NaN", b"{} {}", b"[" * 10**5])
def test_what_is_no_json_is_told(store: Store, content: bytes) -> None:
    store.put_artefact("idp", image_json=content)
    found = analysed(store)
    assert found.artefact is None
    assert (found.error or "").startswith("JSON parse error: ")


def test_what_is_neither_file_nor_folder_is_unknown(store: Store) -> None:
    os.mkfifo(store.real / "idp")
    found = analysed(store)
    assert (found.kind, found.disk, found.artefact, found.error) == (
        ImageKind.UNKNOWN,
        None,
        None,
        None,
    )


def test_a_file_is_a_disk(store: Store) -> None:
    store.put("a.img", b"x" * 700)
    disk = analysed(store, "a.img").disk
    assert disk is not None
    assert (disk.contents, disk.size_bytes, disk.is_whole_sectors) == (
        Contents.UNKNOWN,
        700,
        False,
    )


def test_what_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(ImageNotFound):
        analysed(store, "gone.img")


def test_a_link_out_of_the_store_is_not_found(store: Store, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (store.real / "a.img").symlink_to("/secret")
    with pytest.raises(ImageNotFound):
        analysed(store, "a.img")


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
WORDS = st.sampled_from(
    [
        "IGversion",
        "IGmeta",
        "IGconf_device_class",
        "IGconf_device_storage_type",
        "attributes",
        "image-name",
        "layout",
        "partitionimages",
        "provisionmap",
        "encrypted",
        "luks2",
        "cipher",
        "key_size",
        "slots",
        "partitions",
        "image",
        "static",
        "simage",
        "a",
    ]
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(), inner),
    max_leaves=25,
)
PARTS = (
    (),
    ("IGmeta",),
    ("attributes",),
    ("layout",),
    ("layout", "partitionimages"),
    ("layout", "partitionimages", "boot"),
    ("layout", "provisionmap"),
    ("layout", "provisionmap", 2),
    ("layout", "provisionmap", 2, "encrypted"),
    ("layout", "provisionmap", 2, "encrypted", "luks2"),
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(value=ANY_JSON, part=st.sampled_from(PARTS))
def test_any_json_is_analysed_and_told_on_both_surfaces(
    store: Store, value: object, part: tuple[str | int, ...]
) -> None:
    description = changed(*part, to=value) if part else value
    folder = store.real / "idp"
    folder.mkdir(exist_ok=True)
    (folder / "image.json").write_text(json.dumps(description))
    found = analysed(store)
    told: Any = json.loads(json_bytes(analysis_of(found)))
    assert told["type"] == "idp"
    assert ("error" in told) is (found.artefact is None)
    if found.artefact is not None:
        assert artefact_of(found.artefact).schema_valid is told["schema_valid"]
