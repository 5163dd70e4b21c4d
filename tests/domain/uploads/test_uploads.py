"""Uploads that arrive over one connection: several at once, and those whose size nobody said."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.file_accesses import unnoted
from domain.uploads.kinds import UploadKind
from domain.uploads.limits import MEBIBYTE, UploadLimits, look_at
from domain.uploads.progress import Tracker, UploadBoard, UploadPhase, begun
from domain.uploads.refusals import SpaceShort, UploadCancelled, UploadTooLarge
from domain.uploads.settling import Settling, Uploaded
from domain.uploads.sniffing import Content
from domain.uploads.uploads import Incoming, Uploads
from tests.domain.images.store import Store, make_store
from tests.domain.uploads.packing import PACKERS

LIMITS = UploadLimits(image_free=2 * MEBIBYTE, image_ratio=100)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(tmp_path)


def uploads_into(store: Store, limits: UploadLimits = LIMITS) -> Uploads:
    settling = Settling(store.images, store.hashes, store.hub)
    return Uploads(store.folder, settling, UploadBoard(store.hub), limits=limits, programs={})


async def silent() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


async def under_way(uploads: Uploads, size: int) -> asyncio.Task[Uploaded]:
    """Returns an upload of which nothing came yet; its id is `first`."""
    is_taken = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        is_taken.set()
        async for chunk in silent():
            yield chunk

    incoming = Incoming("a.img", chunks(), size=size, id="first")
    task = asyncio.create_task(uploads.receive(incoming, note=unnoted))
    await is_taken.wait()
    return task


async def whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def test_a_bomb_whose_size_nobody_said_stops_when_all_of_it_came(store: Store) -> None:
    bomb = PACKERS[Content.ZSTD][1](bytes(1 << 28))
    with pytest.raises(UploadTooLarge) as refused:
        await uploads_into(store).receive(Incoming("x.img.zst", whole(bomb)), note=unnoted)
    assert int(refused.value.detail.split()[0]) < 1 << 28
    assert store.names == []


async def test_two_uploads_that_fit_one_by_one_are_not_taken_both(store: Store) -> None:
    uploads, most = uploads_into(store), look_at(store.real).free * 6 // 10
    first = await under_way(uploads, most)
    with pytest.raises(SpaceShort, match="promised to other uploads"):
        await uploads.receive(Incoming("b.img", silent(), size=most), note=unnoted)
    await uploads.cancel("first", note=unnoted)
    with pytest.raises(UploadCancelled):
        await first
    third = Incoming("c.img", whole(bytes(5000)), size=most)
    assert (await uploads.receive(third, note=unnoted)).name.text == "c.img"


async def test_a_resumable_upload_is_not_promised_what_a_form_brings(store: Store) -> None:
    uploads, most = uploads_into(store), look_at(store.real).free * 6 // 10
    first = await under_way(uploads, most)
    with pytest.raises(SpaceShort):
        await uploads.shop(most)
    first.cancel()
    await asyncio.wait([first])


async def test_an_upload_that_does_not_fit_takes_no_room_from_others(store: Store) -> None:
    uploads, free = uploads_into(store), look_at(store.real).free
    large = Incoming("a.img", silent(), size=free * 2)
    fits = Incoming("b.img", whole(bytes(5000)), size=free // 2)
    refused, taken = await asyncio.gather(
        uploads.receive(large, note=unnoted),
        uploads.receive(fits, note=unnoted),
        return_exceptions=True,
    )
    assert isinstance(refused, SpaceShort)
    assert isinstance(taken, Uploaded)


def test_what_is_written_is_no_longer_promised() -> None:
    phase = UploadPhase.DECOMPRESSING
    tracker = Tracker(begun("id", "x.img.xz", UploadKind.COMPRESSED, phase=phase, total=100))
    owed = [tracker.owed]
    tracker.promised = 100
    for tracker.written in (40, 100, 5000):
        owed.append(tracker.owed)
    assert owed == [0, 60, 0, 0]
