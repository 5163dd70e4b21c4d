"""The folder of the store: what is listed, as what, and what a link may lead to."""

import os
import socket
from pathlib import Path

import pytest

from domain.images.image import ImageKind
from domain.images.names import ImageName
from domain.images.store_folder import StoreUnusable
from tests.domain.images.store import OLD, Store, make_store

DIGITS = "ab" * 32


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(tmp_path)


def _listed(store: Store) -> list[str]:
    return [entry.name.text for entry in store.folder.list_all()]


def test_images_are_listed_by_name_and_all_else_is_not(store: Store) -> None:
    for name in ("b.img", "a", "c.raw", ".c.img.1a2b.uploading", "b.img.sha256"):
        store.put(name)
    store.put_artefact("idp")
    store.put_artefact(".idp.extracting")
    store.put_artefact("bootimg-output")
    store.put_artefact("none", readme_txt=b"")
    store.put_artefact("two", a_json=b"", b_json=b"")
    store.put_artefact("capital", a_JSON=b"")
    os.mkfifo(store.real / "fifo")
    assert _listed(store) == ["a", "b.img", "c.raw", "idp"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.img", ImageKind.TRADITIONAL),
        ("idp", ImageKind.IDP),
        ("none", ImageKind.UNKNOWN_DIRECTORY),
        ("two", ImageKind.UNKNOWN_DIRECTORY),
        ("fifo", ImageKind.UNKNOWN),
        ("socket", ImageKind.UNKNOWN),
    ],
)
def test_everything_that_is_asked_for_by_name_has_a_kind(
    store: Store, name: str, kind: ImageKind
) -> None:
    store.put("a.img")
    store.put_artefact("idp")
    store.put_artefact("none", notes_txt=b"")
    store.put_artefact("two", a_json=b"", b_json=b"")
    os.mkfifo(store.real / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        folder = os.open(store.real, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{folder}/socket")
        os.close(folder)
    assert store.folder.get(ImageName(name)).kind is kind


def test_a_link_inside_the_store_is_the_image_that_it_leads_to(store: Store) -> None:
    store.put("a.img", b"12345")
    (store.real / "relative.img").symlink_to("a.img")
    (store.real / "absolute.img").symlink_to("/srv/rpi-sb-provisioner/images/a.img")
    assert _listed(store) == ["a.img", "absolute.img", "relative.img"]
    assert {entry.size_bytes for entry in store.folder.list_all()} == {5}


@pytest.mark.parametrize(
    "target",
    [
        "../state.db",
        "/etc/passwd",
        "missing.img",
        ".hidden.img",
        "b.img.sha256",
        "idp/image.json",
        "bootimg-output",
        ".",
        "..",
        "loop.img",
    ],
)
def test_a_link_that_leads_anywhere_else_is_not_there(store: Store, target: str) -> None:
    (store.real.parent / "state.db").write_bytes(b"secret")
    (store.folder._paths.root / "etc").mkdir()
    (store.folder._paths.root / "etc/passwd").write_bytes(b"secret")
    store.put(".hidden.img")
    store.put("b.img.sha256")
    store.put_artefact("idp")
    store.put_artefact("bootimg-output")
    (store.real / "loop.img").symlink_to(target)
    assert store.folder.find(ImageName("loop.img")) is None
    assert _listed(store) == ["idp"]


def test_a_description_counts_through_a_link_inside_the_store_only(store: Store) -> None:
    outside = store.real.parent / "x.json"
    outside.write_bytes(b"{}")
    store.put("kept.json")
    store.put_artefact("inside", readme_txt=b"")
    store.put_artefact("outside", readme_txt=b"")
    (store.real / "inside/image.json").symlink_to("../kept.json")
    (store.real / "outside/image.json").symlink_to("../../x.json")
    assert _listed(store) == ["inside", "kept.json"]


def test_an_artefact_is_as_large_as_all_its_files(store: Store) -> None:
    path = store.put_artefact("idp", image_json=b"{}", root_simg=b"x" * 1000)
    (path / "deep/er").mkdir(parents=True)
    (path / "deep/er/file").write_bytes(b"y" * 500)
    (path / "link").symlink_to("/etc/passwd")
    assert store.folder.get(ImageName("idp")).size_bytes == 1502


@pytest.mark.parametrize(
    ("content", "known"),
    [
        (f"{DIGITS}\n", DIGITS),
        (DIGITS, DIGITS),
        (f"{DIGITS}  a.img\n", DIGITS),
        (f"{DIGITS.upper()}\r\nmore\n", DIGITS),
        (f"\n{DIGITS}\n", None),
        (f"{DIGITS}0\n", None),
        ("Calculating...\n", None),
        ("", None),
        ("\0" * 100, None),
        ("é" * 64, None),
    ],
)
def test_a_sidecar_is_its_first_word_of_64_hex_digits(
    store: Store, content: str, known: str | None
) -> None:
    store.put("a.img")
    store.put("a.img.sha256", content.encode())
    assert store.folder.get(ImageName("a.img")).sha256 == known


@pytest.mark.parametrize(("age", "known"), [(0, DIGITS), (5, DIGITS), (-1, None)])
def test_a_sidecar_older_than_its_image_is_stale(store: Store, age: int, known: str | None) -> None:
    store.put("a.img")
    store.put_sidecar("a.img", DIGITS, at=OLD + age)
    assert store.folder.get(ImageName("a.img")).sha256 == known


def test_the_sidecar_of_a_folder_is_never_stale(store: Store) -> None:
    store.put_artefact("idp")
    store.put_sidecar("idp", DIGITS)
    assert store.folder.get(ImageName("idp")).sha256 == DIGITS


def test_a_sidecar_that_is_a_link_or_a_folder_says_nothing(store: Store) -> None:
    store.put("a.img")
    store.put_sidecar("b.img", DIGITS)
    (store.real / "a.img.sha256").symlink_to("b.img.sha256")
    store.put_artefact("idp")
    (store.real / "idp.sha256").mkdir()
    assert store.folder.get(ImageName("a.img")).sha256 is None
    assert store.folder.get(ImageName("idp")).sidecar_error


def test_a_missing_store_is_empty_and_says_so(store: Store) -> None:
    store.real.rmdir()
    assert store.folder.list_all() == []
    with pytest.raises(StoreUnusable) as raised:
        store.folder.probe()
    assert str(store.real) not in raised.value.message
    with pytest.raises(StoreUnusable):
        store.folder.space()


def test_a_store_on_another_disk_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "mnt/images").mkdir(parents=True)
    (tmp_path / "srv/rpi-sb-provisioner").mkdir(parents=True)
    (tmp_path / "srv/rpi-sb-provisioner/images").symlink_to("/mnt/images")
    store = make_store(tmp_path)
    store.put("a.img")
    assert _listed(store) == ["a.img"]
    assert store.folder.path(ImageName("a.img")) == "/srv/rpi-sb-provisioner/images/a.img"


def test_the_room_is_that_of_the_file_system(store: Store) -> None:
    space, status = store.folder.space(), os.statvfs(store.real)
    assert space.total == status.f_blocks * status.f_frsize
    assert 0 < space.free <= space.total


def test_only_what_a_crash_left_is_swept(store: Store) -> None:
    keep = ["a.img", ".a.img.1a2b.uploading", "a.sidecar", ".tmp"]
    left = [".0123.sidecar", "..0123.sidecar.4567.tmp", "..0123.renaming.4567.tmp"]
    for name in (*keep, *left):
        store.put(name)
    store.folder.sweep()
    assert store.names == sorted(keep)
