"""The store as people change it: what a deletion and a renaming take along, and what they leave."""

import os
from pathlib import Path

import pytest

from domain.configuration.file import ConfigNotWritten
from domain.images.deletions import ImageInUse, ImageNotDeleted
from domain.images.hash_states import HashState
from domain.images.image import ImageKind
from domain.images.images import ANY_IMAGE, ORDER, ImageFilter
from domain.images.names import ImageName, ImageNotFound
from domain.images.renaming import ImageExists, ImageNotRenamed
from domain.paging import page_request
from tests.domain.images.immutable import immutable
from tests.domain.images.store import Store, make_store

NAME = ImageName("a.img")
NEW = ImageName("new.img")
STORE = "/srv/rpi-sb-provisioner/images"
DIGITS = "ab" * 32


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(tmp_path)


def _fill(store: Store) -> None:
    store.put("a.img", b"abc")
    store.put_sidecar("a.img", DIGITS)
    store.put("b.img", b"b")
    store.put_artefact("idp")
    store.put_sidecar("idp", DIGITS)


async def test_an_image_tells_what_it_is(store: Store) -> None:
    store.put("a.img", b"x" * 3000)
    store.select(f"{STORE}/a.img")
    image = await store.images.get(NAME)
    assert (image.kind, image.path, image.size_bytes) == (
        ImageKind.TRADITIONAL,
        f"{STORE}/a.img",
        3000,
    )
    assert (image.modified_at.isoformat(), image.is_gold_master) == (
        "2023-11-14T22:13:20+00:00",
        True,
    )
    assert image.estimated_minutes == 1


@pytest.mark.parametrize(
    ("which", "names"),
    [
        (ANY_IMAGE, ["a.img", "b.img", "idp"]),
        (ImageFilter(kind=ImageKind.IDP), ["idp"]),
        (ImageFilter(text="IMG"), ["a.img", "b.img"]),
        (ImageFilter(gold_master=True), ["a.img"]),
        (ImageFilter(gold_master=False, kind=ImageKind.TRADITIONAL), ["b.img"]),
        (ImageFilter(text="nothing"), []),
    ],
)
async def test_a_filter_leaves_what_it_names(
    store: Store, which: ImageFilter, names: list[str]
) -> None:
    _fill(store)
    store.select(f"{STORE}/a.img")
    assert [image.name.text for image in await store.images.list_all(which)] == names


async def test_pages_follow_each_other_by_name(store: Store) -> None:
    _fill(store)
    first = await store.images.list_page(page_request(ORDER, first=2))
    rest = await store.images.list_page(page_request(ORDER, first=2, after=first.cursors[-1]))
    assert [image.name.text for image in (*first.items, *rest.items)] == ["a.img", "b.img", "idp"]
    assert (first.has_next, rest.has_next, rest.total) == (True, False, 3)


@pytest.mark.parametrize(
    "selected", ["other.img", "/elsewhere/a.img", f"{STORE}/a.img/", "", f"{STORE}/a.imgs"]
)
async def test_only_the_whole_path_makes_the_gold_master(store: Store, selected: str) -> None:
    _fill(store)
    store.select(selected)
    assert not (await store.images.get(NAME)).is_gold_master
    deleted = await store.images.delete(NAME, note=store.notes)
    assert (deleted.gold_master_cleared, store.gold_master) == (False, selected)


@pytest.mark.parametrize("name", ["a.img", "idp"])
async def test_a_deletion_takes_image_sidecar_and_gold_master_along(
    store: Store, name: str
) -> None:
    _fill(store)
    store.select(f"{STORE}/{name}")
    left = set(store.names) - {name, f"{name}.sha256"}
    deleted = await store.images.delete(ImageName(name), note=store.notes)
    assert (set(store.names), store.gold_master) == (left, "")
    assert deleted.gold_master_cleared
    what = "Image file" if name == "a.img" else "IDP artefact directory"
    assert store.notes.infos == [f"{what} deleted: {name}", "Config updated"]
    assert store.notes.rows == [
        ("DELETE", f"{STORE}/{name}", True),
        ("WRITE", "/etc/rpi-sb-provisioner/config", True),
    ]


async def test_what_is_deleted_is_not_found_again(store: Store) -> None:
    _fill(store)
    await store.images.delete(NAME, note=store.notes)
    with pytest.raises(ImageNotFound):
        await store.images.delete(NAME, note=store.notes)


async def test_a_deletion_may_be_told_to_keep_the_gold_master(store: Store) -> None:
    _fill(store)
    store.select(f"{STORE}/a.img")
    with pytest.raises(ImageInUse):
        await store.images.delete(NAME, note=store.notes, keep_gold_master=True)
    assert store.gold_master == f"{STORE}/a.img"
    assert "a.img" in store.names
    await store.images.delete(ImageName("b.img"), note=store.notes, keep_gold_master=True)


async def test_deleting_a_link_leaves_what_it_leads_to(store: Store) -> None:
    _fill(store)
    (store.real / "link.img").symlink_to("a.img")
    await store.images.delete(ImageName("link.img"), note=store.notes)
    assert store.names == ["a.img", "a.img.sha256", "b.img", "idp", "idp.sha256"]


async def test_deleting_an_artefact_never_follows_its_links(store: Store) -> None:
    outside = store.real.parent / "outside"
    outside.mkdir()
    (outside / "kept").write_bytes(b"")
    (store.put_artefact("idp") / "link").symlink_to(outside)
    await store.images.delete(ImageName("idp"), note=store.notes)
    assert (outside / "kept").exists()


@pytest.mark.real
async def test_an_image_that_the_disk_keeps_is_still_whole(store: Store) -> None:
    _fill(store)
    store.select(f"{STORE}/a.img")
    with immutable(store.real):
        with pytest.raises(ImageNotDeleted) as raised:
            await store.images.delete(NAME, note=store.notes)
        with pytest.raises(ImageNotRenamed):
            await store.images.rename(NAME, NEW, note=store.notes)
    assert str(store.real) not in raised.value.message
    assert store.notes.rows[0] == ("DELETE", f"{STORE}/a.img", False)
    assert store.notes.infos[0].startswith("Failed to delete image: ")
    assert store.gold_master == f"{STORE}/a.img"
    assert (await store.images.get(NAME)).hash == HashState.complete(DIGITS)


async def test_a_renaming_takes_sidecar_and_gold_master_along(store: Store) -> None:
    _fill(store)
    store.select(f"{STORE}/a.img")
    image = await store.images.rename(NAME, NEW, note=store.notes)
    assert (image.name, image.is_gold_master, image.hash) == (NEW, True, HashState.complete(DIGITS))
    assert store.gold_master == f"{STORE}/new.img"
    assert store.names == ["b.img", "idp", "idp.sha256", "new.img", "new.img.sha256"]
    assert ("RENAME", f"{STORE}/a.img", True) in store.notes.rows


async def test_an_artefact_keeps_all_its_files_under_its_new_name(store: Store) -> None:
    _fill(store)
    store.select(f"{STORE}/idp")
    image = await store.images.rename(ImageName("idp"), ImageName("idp2"), note=store.notes)
    assert (image.kind, image.hash.sha256) == (ImageKind.IDP, DIGITS)
    assert (store.real / "idp2").is_dir()
    assert not (store.real / "idp2").is_symlink()
    assert store.gold_master == f"{STORE}/idp2"
    assert store.names == ["a.img", "a.img.sha256", "b.img", "idp2", "idp2.sha256"]


@pytest.mark.parametrize("taken", ["b.img", "idp", "dangling", "fifo"])
async def test_a_name_that_is_taken_is_refused(store: Store, taken: str) -> None:
    _fill(store)
    (store.real / "dangling").symlink_to("nowhere")
    os.mkfifo(store.real / "fifo")
    before = store.names
    with pytest.raises(ImageExists):
        await store.images.rename(NAME, ImageName(taken), note=store.notes)
    assert store.names == before


async def test_a_sidecar_without_an_image_says_nothing_of_the_renamed_one(store: Store) -> None:
    store.put("b.img", b"b")
    store.put_sidecar("new.img", DIGITS, at=None)
    image = await store.images.rename(ImageName("b.img"), NEW, note=store.notes)
    assert image.hash.sha256 is None
    assert store.names == ["new.img"]


async def test_the_same_name_changes_nothing(store: Store) -> None:
    _fill(store)
    before = store.names
    assert (await store.images.rename(NAME, NAME, note=store.notes)).name == NAME
    assert (store.names, store.notes.rows) == (before, [])


async def test_an_image_that_is_not_there_cannot_be_renamed(store: Store) -> None:
    with pytest.raises(ImageNotFound):
        await store.images.rename(NAME, NEW, note=store.notes)
    assert store.names == []


@pytest.mark.real
async def test_a_configuration_that_cannot_be_written_stops_a_renaming_not_a_deletion(
    store: Store,
) -> None:
    _fill(store)
    store.select(f"{STORE}/a.img")
    before = store.names
    with immutable(store.folder._paths.root / "etc/rpi-sb-provisioner"):
        with pytest.raises(ConfigNotWritten):
            await store.images.rename(NAME, NEW, note=store.notes)
        assert (store.names, store.gold_master) == (before, f"{STORE}/a.img")
        deleted = await store.images.delete(NAME, note=store.notes)
    assert not deleted.gold_master_cleared
    assert "a.img" not in store.names
    assert store.notes.rows[-1] == ("WRITE", "/etc/rpi-sb-provisioner/config", False)
