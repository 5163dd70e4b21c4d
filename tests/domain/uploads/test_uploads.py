"""Uploads that arrive over one connection: several at once, and those whose size nobody said."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.file_accesses import unnoted
from domain.uploads.limits import MEBIBYTE, UploadLimits
from domain.uploads.progress import UploadBoard
from domain.uploads.refusals import UploadTooLarge
from domain.uploads.settling import Settling
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


async def whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def test_a_bomb_whose_size_nobody_said_stops_when_all_of_it_came(store: Store) -> None:
    bomb = PACKERS[Content.ZSTD][1](bytes(1 << 28))
    with pytest.raises(UploadTooLarge) as refused:
        await uploads_into(store).receive(Incoming("x.img.zst", whole(bomb)), note=unnoted)
    assert int(refused.value.detail.split()[0]) < 1 << 28
    assert store.names == []
