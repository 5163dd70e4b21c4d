"""The store as the kernel tells of it: copies, moves and deletions by anybody."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import pytest

from domain.events import Update
from domain.images.hash_states import HashChanged, HashState, HashStatus
from domain.images.image import Image, ImageAdded, ImageChanged, ImageRemoved
from domain.images.images import ImagesChange
from domain.images.looking import BRIEF_BYTES
from domain.images.names import ImageName
from tests.domain.images.store import (
    LIMIT,
    OLD,
    Store,
    hash_of,
    looked_after,
    make_store,
    next_event,
    sha256,
)

DIGITS = "ab" * 32


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(tmp_path)


async def test_at_the_start_only_what_has_no_fresh_sidecar_is_read(store: Store) -> None:
    store.put("fresh.img", b"1")
    store.put_sidecar("fresh.img", DIGITS)
    store.put("stale.img", b"2")
    store.put_sidecar("stale.img", DIGITS, at=OLD - 1)
    with store.hub.subscribe(HashChanged) as changes:
        async with looked_after(store):
            stale = await hash_of(changes, "stale.img")
    assert stale.sha256 == sha256(b"2")
    assert (await store.state("fresh.img")).sha256 == DIGITS
    assert {target for _, target, _ in store.notes.rows} == {
        "/srv/rpi-sb-provisioner/images/stale.img",
        "/srv/rpi-sb-provisioner/images/stale.img.sha256",
    }


async def test_a_first_look_is_over_when_small_images_are_hashed_and_waits_for_no_large_one(
    store: Store,
) -> None:
    store.put("small.img", b"1")
    with (store.real / "large.img").open("wb") as large:
        large.truncate(BRIEF_BYTES * 1024)
    looking = store.images.looking
    early = asyncio.create_task(looking.settled())
    await asyncio.sleep(0)
    assert not early.done()
    async with looked_after(store):
        await asyncio.wait_for(early, LIMIT)
        assert (await store.state("small.img")).sha256 == sha256(b"1")
        assert (await store.state("large.img")).status is HashStatus.PENDING


async def test_a_copy_is_read_when_it_is_finished_and_not_before(store: Store) -> None:
    with store.hub.subscribe(HashChanged) as changes:
        async with looked_after(store):
            with (store.real / "a.img").open("wb", buffering=0) as copy:
                copy.write(b"half")
                await hash_of(changes, "a.img", HashStatus.PENDING)
                copy.write(b"whole")
            state = await hash_of(changes, "a.img")
    assert state.sha256 == sha256(b"halfwhole")
    completed = [info for info in store.notes.infos if " = " in info]
    assert completed == [f"SHA256 calculated for: a.img = {sha256(b'halfwhole')}"]


async def test_an_older_file_moved_into_the_place_is_read_whatever_the_sidecar_says(
    store: Store,
) -> None:
    store.put("a.img", b"new", at=OLD + 100)
    store.put_sidecar("a.img", DIGITS, at=OLD + 100)
    elsewhere = store.real.parent / "older.img"
    elsewhere.write_bytes(b"older")
    os.utime(elsewhere, (OLD, OLD))
    with store.hub.subscribe(HashChanged) as changes:
        async with looked_after(store):
            elsewhere.rename(store.real / "a.img")
            state = await hash_of(changes, "a.img")
    assert state.sha256 == sha256(b"older")


async def test_a_sum_kept_by_an_upload_is_not_calculated_again(store: Store) -> None:
    staged = store.put(".a.img.1a2b.uploading", b"abc")
    name = ImageName("a.img")
    with store.hub.subscribe(HashChanged) as changes:
        async with looked_after(store):
            async with store.hashes.withheld(name, note=store.notes):
                staged.rename(store.real / "a.img")
                await store.hashes.keep(name, DIGITS, note=store.notes)
            store.put("b.img", b"later")
            await hash_of(changes, "b.img")
    assert (await store.state("a.img")) == HashState.complete(DIGITS)
    assert not [info for info in store.notes.infos if info.endswith("for: a.img = ")]
    assert [word for word, target, _ in store.notes.rows if "a.img" in target] == ["WRITE"]


async def test_changes_are_told_after_all_images(store: Store) -> None:
    store.put("a.img", b"abc")
    store.put_sidecar("a.img", DIGITS)
    async with looked_after(store), aclosing(store.images.watch()) as updates:
        first = await _next(updates)
        store.put("b.img", b"b")
        added = await _until(updates, "b.img", HashStatus.COMPLETE)
        (store.real / "a.img").unlink()
        gone = await _next(updates)
        while not gone.value.removed:
            gone = await _next(updates)
    assert (first.snapshot, [image.name.text for image in first.value.images]) == (True, ["a.img"])
    assert added.hash.sha256 == sha256(b"b")
    assert (gone.snapshot, gone.value.removed) == (False, ("a.img",))


async def test_the_choice_of_another_gold_master_is_told(store: Store) -> None:
    store.put("a.img", b"abc")
    store.put_sidecar("a.img", DIGITS)
    with store.hub.subscribe(ImageChanged) as changes:
        async with looked_after(store):
            await store.configuration.update(
                {"GOLD_MASTER_OS_FILE": "/srv/rpi-sb-provisioner/images/a.img"}
            )
            event = await next_event(changes)
    assert isinstance(event, ImageChanged)
    assert event.image.is_gold_master


async def test_an_artefact_that_is_copied_by_hand_appears(store: Store) -> None:
    elsewhere = store.real.parent / "idp"
    elsewhere.mkdir()
    (elsewhere / "image.json").write_bytes(b"{}")
    with store.hub.subscribe(ImageAdded, ImageRemoved) as changes:
        async with looked_after(store):
            elsewhere.rename(store.real / "idp")
            added = await next_event(changes)
            (store.real / "idp").rename(elsewhere)
            removed = await next_event(changes)
    assert isinstance(added, ImageAdded)
    assert (added.image.name.text, removed) == ("idp", ImageRemoved("idp"))


async def test_hidden_files_and_uploads_under_way_are_never_told(store: Store) -> None:
    with store.hub.subscribe(ImageAdded) as added:
        async with looked_after(store):
            store.put(".a.img.1a2b.uploading")
            (store.real / ".a.extracting").mkdir()
            store.put("b.img")
            event = await next_event(added)
    assert isinstance(event, ImageAdded)
    assert event.image.name.text == "b.img"


async def _next(updates: AsyncGenerator[Update[ImagesChange], None]) -> Update[ImagesChange]:
    return await asyncio.wait_for(anext(updates), LIMIT)


async def _until(
    updates: AsyncGenerator[Update[ImagesChange], None], name: str, status: HashStatus
) -> Image:
    while True:
        for image in (await _next(updates)).value.images:
            if image.name.text == name and image.hash.status is status:
                return image
