"""Images on their way into the store: hollow ones, those that nobody can mean, and those that are
whole or not."""

import os
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


def staged(root: Path, codec: Content, content: bytes, *, limits: UploadLimits = LIMITS) -> Staged:
    """Stages a compressed image as it arrives; limits are a thousandth of the usual ones."""
    suffix, pack = PACKERS[codec]
    packed = pack(content)
    phase = UploadPhase.RECEIVING
    tracker = Tracker(begun("id", "x.img", UploadKind.COMPRESSED, phase=phase, total=None))
    tracker.received = len(packed)
    store = StoreFolder(HostPaths(root))
    store.make()
    shop = Workshop(store, store.base(), limits, {})
    return stage_image(plan_of(f"x.img{suffix}"), pieces(packed), shop, tracker)


@pytest.mark.parametrize("codec", list(PACKERS))
def test_a_bomb_stops_at_its_ratio_and_leaves_nothing(tmp_path: Path, codec: Content) -> None:
    with pytest.raises(UploadTooLarge, match="100 times"):
        staged(tmp_path, codec, bytes(16 * MEBIBYTE))
    assert list(StoreFolder(HostPaths(tmp_path)).base().iterdir()) == []


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
