"""Hashes as people ask for them: begun once, told to all, stopped for the right reasons."""

import asyncio
import os
from contextlib import aclosing
from pathlib import Path

import pytest

from domain.images.hash_refusals import HashNotRunning, NotHashable
from domain.images.hash_states import NOT_HASHED, HashChanged, HashState, HashStatus
from domain.images.names import ImageName, ImageNotFound
from tests.domain.images.store import (
    LIMIT,
    OLD,
    Store,
    hash_of,
    hashing,
    make_store,
    next_event,
    sha256,
)
from tests.fakes.device_files import Accesses

NAME = ImageName("a.img")
DIGITS = "ab" * 32
BIG = bytes(1 << 20) * 32


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(tmp_path)


async def test_asking_begins_the_calculation_once_and_says_so(store: Store) -> None:
    store.put("a.img", b"abc")
    note = Accesses()
    first = await store.hashes.ask(NAME, note=note)
    second = await store.hashes.ask(NAME, note=note)
    assert (first.is_begun, second.is_begun) == (True, False)
    assert {first.state, second.state} == {HashState.pending()}
    assert note.rows == [("SHA256_START", "/srv/rpi-sb-provisioner/images/a.img", True)]
    assert note.infos == ["SHA256 calculation requested for: a.img"]


async def test_what_was_asked_for_is_calculated_kept_and_noted(store: Store) -> None:
    store.put("a.img", b"abc")
    with store.hub.subscribe(HashChanged) as changes:
        async with hashing(store):
            await store.hashes.ask(NAME, note=store.notes)
            state = await hash_of(changes, "a.img")
    assert state == HashState.complete(sha256(b"abc")) == await store.state("a.img")
    assert [(word, success) for word, _, success in store.notes.rows] == [
        ("SHA256_START", True),
        ("WRITE", True),
        ("SHA256_COMPLETE", True),
    ]
    assert store.notes.infos[1:] == [
        "Wrote SHA256 sidecar for: a.img",
        f"SHA256 calculated for: a.img = {sha256(b'abc')}",
    ]


async def test_progress_is_told_in_steps_of_five_percent_up_to_all(store: Store) -> None:
    store.put("a.img", BIG)
    parts = list[float]()
    with store.hub.subscribe(HashChanged) as changes:
        async with hashing(store):
            await store.hashes.ask(NAME, note=store.notes)
            while not isinstance(event := await next_event(changes), HashChanged) or (
                event.state and event.state.status is HashStatus.PENDING
            ):
                if isinstance(event, HashChanged) and event.state and event.state.progress:
                    parts.append(event.state.progress)
    steps = [int(part * 100) // 5 for part in parts]
    assert steps == sorted(set(steps))
    assert (parts[-1], len(parts)) == (1.0, 20)


async def test_a_fresh_sidecar_is_the_hash_without_any_reading(store: Store) -> None:
    store.put("a.img", b"abc")
    store.put_sidecar("a.img", DIGITS)
    asked = await store.hashes.ask(NAME, note=store.notes)
    assert (asked.state, asked.is_begun) == (HashState.complete(DIGITS), False)
    assert store.notes.rows == []


async def test_a_changed_file_drops_its_hash(store: Store) -> None:
    store.put("a.img", b"abc")
    await store.hashes.keep(NAME, DIGITS, note=store.notes)
    before = await store.state("a.img")
    store.put("a.img", b"abcd")
    store.put_sidecar("a.img", DIGITS, at=OLD + 10)
    assert (before, await store.state("a.img")) == (HashState.complete(DIGITS), NOT_HASHED)


async def test_a_sum_computed_elsewhere_is_kept_in_memory_and_beside_the_image(
    store: Store,
) -> None:
    store.put("a.img", b"abc")
    async with hashing(store):
        await store.hashes.ask(NAME, note=Accesses())
        await store.hashes.keep(NAME, DIGITS.upper(), note=store.notes)
    assert await store.state("a.img") == HashState.complete(DIGITS)
    assert (store.real / "a.img.sha256").read_text() == f"{DIGITS}\n"
    again = make_store(store.folder._paths.root)
    assert await again.state("a.img") == HashState.complete(DIGITS)


async def test_a_stale_sidecar_of_another_image_gives_way_to_the_kept_sum(store: Store) -> None:
    store.put_sidecar("a.img", "cd" * 32, at=OLD + 100)
    store.put("a.img", b"abc")
    await store.hashes.keep(NAME, DIGITS, note=store.notes)
    assert (store.real / "a.img.sha256").read_text() == f"{DIGITS}\n"


async def test_the_sum_of_an_archive_is_kept_beside_the_artefact(store: Store) -> None:
    store.put_artefact("idp")
    await store.hashes.keep(ImageName("idp"), DIGITS, note=store.notes)
    assert await store.state("idp") == HashState.complete(DIGITS)
    assert store.notes.rows == []


async def test_an_artefact_without_its_archives_sum_is_never_calculated(store: Store) -> None:
    store.put_artefact("idp")
    asked = await store.hashes.ask(ImageName("idp"), note=store.notes)
    assert (asked.state, asked.is_begun) == (NOT_HASHED, False)
    with pytest.raises(NotHashable):
        await store.hashes.rehash(ImageName("idp"), note=store.notes)


async def test_hashing_again_replaces_what_was_believed(store: Store) -> None:
    store.put("a.img", b"abc")
    store.put_sidecar("a.img", DIGITS)
    with store.hub.subscribe(HashChanged) as changes:
        async with hashing(store):
            assert await store.hashes.rehash(NAME, note=store.notes) == HashState.pending()
            state = await hash_of(changes, "a.img")
    assert state.sha256 == sha256(b"abc")
    assert (store.real / "a.img.sha256").read_text() == f"{sha256(b'abc')}\n"


async def test_a_cancelled_calculation_says_so_and_begins_when_asked_later(store: Store) -> None:
    store.put("a.img", b"abc")
    await store.hashes.ask(NAME, note=store.notes)
    assert (await store.hashes.cancel(NAME, note=store.notes)).status is HashStatus.CANCELLED
    assert store.notes.rows[-1][0] == "SHA256_CANCELLED"
    store.hashes.ensure(store.folder.get(NAME))
    assert (await store.state("a.img")).status is HashStatus.CANCELLED
    with pytest.raises(HashNotRunning):
        await store.hashes.cancel(NAME, note=store.notes)
    assert await store.hashes.rehash(NAME, note=store.notes) == HashState.pending()


async def test_a_calculation_under_way_stops_within_a_block(store: Store) -> None:
    path = store.put("a.img", b"")
    os.truncate(path, 1 << 40)
    with store.hub.subscribe(HashChanged) as changes:
        async with asyncio.timeout(LIMIT), hashing(store):
            await store.hashes.ask(NAME, note=store.notes)
            async with store.hashes.withheld(NAME, note=store.notes):
                assert await store.state("a.img") == NOT_HASHED
            await store.hashes.ask(NAME, note=store.notes)
            await hash_of(changes, "a.img", HashStatus.PENDING)
    assert store.names == ["a.img"]


async def test_only_the_last_listener_ends_a_calculation_that_is_for_listeners(
    store: Store,
) -> None:
    store.put("a.img", b"abc")
    first, second = (store.hashes.watch(NAME, note=store.notes) for _ in range(2))
    assert (await anext(first)).value == (await anext(second)).value == HashState.pending()
    await first.aclose()
    assert await store.state("a.img") == HashState.pending()
    await second.aclose()
    assert (await store.state("a.img")).status is HashStatus.CANCELLED


@pytest.mark.parametrize("listens_first", [0, 1])
async def test_a_calculation_that_others_want_outlives_its_listeners(
    store: Store, listens_first: int
) -> None:
    store.put("a.img", b"abc")
    if not listens_first:
        store.hashes.ensure(store.folder.get(NAME))
    async with aclosing(store.hashes.watch(NAME, note=store.notes)) as updates:
        await anext(updates)
        await store.hashes.ask(NAME, note=store.notes)
    assert await store.state("a.img") == HashState.pending()


async def test_a_listener_sees_the_present_then_the_end(store: Store) -> None:
    store.put("a.img", b"abc")
    async with hashing(store), aclosing(store.hashes.watch(NAME, note=store.notes)) as updates:
        seen = [await asyncio.wait_for(anext(updates), LIMIT)]
        while seen[-1].value.status is HashStatus.PENDING:
            seen.append(await asyncio.wait_for(anext(updates), LIMIT))
    assert [update.snapshot for update in seen] == [True] + [False] * (len(seen) - 1)
    assert seen[-1].value == HashState.complete(sha256(b"abc"))
    assert seen[-2].value == HashState.pending(1.0)


async def test_a_listener_is_told_when_the_image_goes(store: Store) -> None:
    store.put("a.img", b"abc")
    store.put_sidecar("a.img", DIGITS)
    async with aclosing(store.hashes.watch(NAME, note=store.notes)) as updates:
        await anext(updates)
        store.hashes.gone(NAME)
        with pytest.raises(ImageNotFound):
            await asyncio.wait_for(anext(updates), LIMIT)


async def test_who_listens_for_nothing_is_told_at_once(store: Store) -> None:
    with pytest.raises(ImageNotFound):
        await anext(store.hashes.watch(NAME, note=store.notes))


async def test_a_copy_under_way_waits_for_its_end(store: Store) -> None:
    path = store.put("a.img", b"half", at=None)
    with store.hub.subscribe(HashChanged) as changes:
        async with hashing(store):
            with path.open("ab") as writer:
                await store.hashes.ask(NAME, note=store.notes)
                for _ in ("begun", "parked"):
                    await hash_of(changes, "a.img", HashStatus.PENDING)
                writer.write(b"whole")
            store.hashes.wake_parked()
            state = await hash_of(changes, "a.img", HashStatus.COMPLETE)
    assert state.sha256 == sha256(b"halfwhole")


async def test_a_failure_is_told_noted_and_can_be_tried_again(store: Store) -> None:
    path = store.put("a.img", b"abc")
    with store.hub.subscribe(HashChanged) as changes:
        async with hashing(store):
            entry = store.folder.get(NAME)
            path.unlink()
            path.mkdir()
            store.hashes.ensure(entry)
            failed = await hash_of(changes, "a.img", HashStatus.FAILED)
            path.rmdir()
            store.put("a.img", b"abc")
            await store.hashes.rehash(NAME, note=store.notes)
            state = await hash_of(changes, "a.img")
    assert failed.error
    assert str(store.real) not in failed.error
    assert ("SHA256_ERROR", "/srv/rpi-sb-provisioner/images/a.img", False) in store.notes.rows
    assert state.sha256 == sha256(b"abc")


async def test_several_images_are_read_at_once(store: Store) -> None:
    names, begun = ("a.img", "b.img"), set[str]()
    for name in names:
        os.truncate(store.put(name, b""), 4 << 30)
    with store.hub.subscribe(HashChanged) as changes:
        async with hashing(store):
            for name in names:
                await store.hashes.ask(ImageName(name), note=store.notes)
            while len(begun) < len(names):
                event = await next_event(changes)
                assert isinstance(event, HashChanged)
                assert event.state
                assert event.state.status is HashStatus.PENDING
                if event.state.progress:
                    begun.add(event.name)
