"""Images on their way into the store: hollow ones, those that nobody can mean, and those that are
whole or not."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.host_paths import HostPaths
from domain.images.store_folder import StoreFolder
from domain.uploads.image_staging import Staged, Workshop, stage_image
from domain.uploads.kinds import UploadKind, plan_of
from domain.uploads.limits import GIBIBYTE, MEBIBYTE, UploadLimits
from domain.uploads.progress import Tracker, UploadPhase, begun
from domain.uploads.refusals import NotAnImage, UploadTooLarge
from domain.uploads.sniffing import Content
from tests.domain.images.disk_files import MIB, bootable, needs, spoil, unfilled
from tests.domain.uploads.packing import PACKERS, pieces

LIMITS = UploadLimits(image_free=4 * MEBIBYTE, image_ratio=100)


def staged(
    root: Path,
    codec: Content,
    content: bytes,
    *,
    is_told: bool = True,
    limits: UploadLimits = LIMITS,
) -> Staged:
    """Stages a compressed image as it arrives, whose size is told or not; limits are a thousandth
    of the usual ones."""
    suffix, pack = PACKERS[codec]
    packed = pack(content)
    phase, total = UploadPhase.RECEIVING, len(packed) if is_told else None
    tracker = Tracker(begun("id", "x.img", UploadKind.COMPRESSED, phase=phase, total=total))
    store = StoreFolder(HostPaths(root))
    store.make()
    shop = Workshop(store, store.base(), limits, {})
    return stage_image(plan_of(f"x.img{suffix}"), arriving(packed, tracker), shop, tracker)


def arriving(packed: bytes, tracker: Tracker) -> Iterator[bytes]:
    for piece in pieces(packed):
        tracker.received += len(piece)
        yield piece


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("codec", list(PACKERS))
def test_a_bomb_is_refused_and_leaves_nothing(
    tmp_path: Path, codec: Content, *, is_told: bool
) -> None:
    with pytest.raises(UploadTooLarge, match="100 times") as refused:
        staged(tmp_path, codec, bytes(16 * MEBIBYTE), is_told=is_told)
    stopped_at = int(refused.value.detail.split()[0])
    # One whose size nobody said may still bring what it is made of.
    assert (stopped_at < 5 * MEBIBYTE) == is_told
    assert list(StoreFolder(HostPaths(tmp_path)).base().iterdir()) == []


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("codec", list(PACKERS))
def test_an_image_may_be_hollow_first_and_full_later(
    tmp_path: Path, codec: Content, *, is_told: bool
) -> None:
    content = os.urandom(1000) + bytes(16 * MEBIBYTE) + os.urandom(200_000)
    size = staged(tmp_path, codec, content, is_told=is_told).path.stat().st_size
    assert size == len(content)


@pytest.mark.parametrize("size", [4 * MEBIBYTE, 16 * MEBIBYTE])
def test_a_hollow_image_is_staged(tmp_path: Path, size: int) -> None:
    full = os.urandom(200_000) if size > LIMITS.image_free else b""
    content = full + bytes(size - len(full))
    assert staged(tmp_path, Content.XZ, content).path.stat().st_size == size


def test_no_bomb_takes_more_than_some_gibibytes() -> None:
    # A system that boots packs to several mebibytes: its kernel alone does.
    limits = UploadLimits()
    assert limits.image_free <= 2 * GIBIBYTE
    assert limits.image_free / limits.image_ratio <= 3 * MEBIBYTE


@needs("sfdisk", "mkfs.vfat", "mcopy", "mksquashfs")
def test_an_image_may_end_before_its_last_partition_but_not_before_what_that_holds(
    tmp_path: Path,
) -> None:
    whole = unfilled(tmp_path).read_bytes()
    limits = UploadLimits()
    assert staged(tmp_path, Content.XZ, whole, limits=limits).path.read_bytes() == whole
    with pytest.raises(NotAnImage, match=r"x.img.xz is cut off: Partition 2 ends at byte"):
        staged(tmp_path, Content.XZ, whole[: 41 * MIB + 256 * 1024], limits=limits)


@needs("sfdisk", "mkfs.ext4", "mkfs.vfat", "mcopy")
def test_an_image_whose_table_linux_cannot_read_is_corrupt_and_one_without_its_copy_is_not(
    tmp_path: Path,
) -> None:
    disk = bootable(tmp_path, label="gpt")
    limits = UploadLimits()
    spoil(disk, 64 * MIB - 512 + 60)
    copyless = disk.read_bytes()
    assert staged(tmp_path, Content.XZ, copyless, limits=limits).path.read_bytes() == copyless
    spoil(disk, 64 * MIB - 512 + 60)
    spoil(disk, 512 + 60)
    with pytest.raises(NotAnImage, match=r"x.img.xz is corrupt: Its first partition table"):
        staged(tmp_path, Content.XZ, disk.read_bytes(), limits=limits)
