"""Uploads of artefacts' archives by the legacy form (contract images 4), seen by both surfaces."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.domain.uploads.archives import DESCRIPTION, FORMATS, GOOD, SIMAGE, Member
from tests.surfaces.conftest import Service
from tests.surfaces.image_store import STORE, put, running_store
from tests.surfaces.upload_forms import stored, upload


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Service]:
    async with running_store(tmp_path) as service:
        yield service


ARTEFACT = (
    '{ image(name: "new") { kind sizeBytes isGoldMaster hash { status sha256 } } '
    "uploads { filename kind phase image writtenBytes } }"
)


async def test_an_archive_becomes_an_artefact_with_its_hash(store: Service) -> None:
    for suffix, pack in FORMATS.items():
        archive = pack(GOOD)
        status, body = await upload(store, f"new{suffix}", archive)
        digits = hashlib.sha256(archive).hexdigest()
        analysis = (await store.client.get("/analyze-image", params={"name": "new"})).json()
        assert status == 200
        assert body == {
            "success": True,
            "is_idp": True,
            "filename": "new",
            "renamed": False,
            "message": "IDP artefact uploaded and extracted successfully",
            "sha256": digits,
            "analysis": {k: v for k, v in analysis.items() if k not in ("name", "path")},
        }
        told = (await store.graphql(ARTEFACT))["data"]
        assert told["image"] == {
            "kind": "IDP",
            "sizeBytes": len(SIMAGE) + len(DESCRIPTION),
            "isGoldMaster": False,
            "hash": {"status": "COMPLETE", "sha256": digits},
        }
        assert told["uploads"][-1] == {
            "filename": f"new{suffix}",
            "kind": "ARCHIVE",
            "phase": "COMPLETE",
            "image": "new",
            "writtenBytes": len(SIMAGE) + len(DESCRIPTION),
        }
    assert not [name for name in stored(store) if name.startswith(".") and name != ".hidden.img"]


async def test_an_artefact_takes_the_place_of_what_has_its_name(store: Service) -> None:
    put(store.root, "idp/old-file", b"old")
    put(store.root, "file", b"a regular file")
    config = store.root / "etc/rpi-sb-provisioner/config"
    config.write_text(f"GOLD_MASTER_OS_FILE={STORE}/idp\n")
    for name in ("idp", "file"):
        status, body = await upload(store, f"{name}.tar.zst", FORMATS[".tar.zst"](GOOD))
        assert (status, body["filename"]) == (200, name)
        folder = store.root / STORE.lstrip("/") / name
        assert sorted(path.name for path in folder.iterdir()) == ["boot.simg", "image.json"]
    gold = await store.graphql('{ image(name: "idp") { isGoldMaster } }')
    assert gold["data"]["image"]["isGoldMaster"] is True
    assert not [name for name in stored(store) if name.startswith(".") and name != ".hidden.img"]


REFUSED = [
    ("e.tar.xz", (*GOOD, Member("../x", b"x")), 400, "ARCHIVE_PATH_TRAVERSAL"),
    ("e.zip", (*GOOD, Member("a/b/" * 20 + "c", b"x")), 413, "ARCHIVE_TOO_LARGE"),
    ("e.tgz", (Member("a.txt", b"x"),), 400, "IDP_DESCRIPTOR_INVALID"),
    ("idp.tar.gz", (GOOD[0],), 400, "IDP_SPARSE_INVALID"),
]


async def test_a_refused_archive_leaves_what_was_there(store: Service) -> None:
    put(store.root, "idp/old-file", b"old")
    before = stored(store)
    for filename, members, status, code in REFUSED:
        suffix = filename[filename.index(".") :]
        answered, body = await upload(store, filename, FORMATS[suffix](members))
        assert (answered, body["error_code"]) == (status, code)
    answered, body = await upload(store, ".tar.xz", FORMATS[".tar.xz"](GOOD))
    assert (answered, body["error_code"]) == (400, "INVALID_FILENAME")
    assert stored(store) == before
    assert (store.root / STORE.lstrip("/") / "idp/old-file").read_bytes() == b"old"


async def test_audit_rows_tell_of_archives(store: Service) -> None:
    await upload(store, "new.tar.gz", FORMATS[".tar.gz"](GOOD))
    await upload(store, "bad.tar.gz", b"x")
    await upload(store, "half.tar.gz", FORMATS[".tar.gz"]((GOOD[0],)))
    rows = [row for row in await store.audit_rows() if row["operation"] == "UPLOAD_ARCHIVE"]
    assert [(row["target_path"], row["success"]) for row in rows] == [
        (f"{STORE}/new", 1),
        (f"{STORE}/bad", 0),
        (f"{STORE}/half", 0),
    ]
    starts = ("IDP artefact archive", "Archive extraction failed: ", "IDP sparse image validation")
    for row, start in zip(rows, starts, strict=True):
        assert row["additional_info"].startswith(start)
