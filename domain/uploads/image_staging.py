"""Images on their way into the store: plain bytes or a compressed stream become one hidden file
that is whole, hashed and on the disk."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from domain.images.disk_faults import DiskFaultKind
from domain.images.disks import analyse_disk
from domain.images.store_folder import StoreFolder
from domain.uploads.decompression import Programs, closed_at_end, decode_sniffed, peek
from domain.uploads.intake import Chunk
from domain.uploads.kinds import UploadKind, UploadPlan
from domain.uploads.limits import Room, UploadLimits
from domain.uploads.parts import PartFile
from domain.uploads.progress import Tracker, UploadPhase
from domain.uploads.refusals import DecompressionFailed, NotAnImage, UploadTooLarge
from domain.uploads.sniffing import CODECS, HEAD, Content, recognise
from domain.uploads.staging import (
    FILE_SUFFIX,
    Hashing,
    StagedWriter,
    open_staged,
    staged_path,
)

_BROKEN = {
    DiskFaultKind.CUT_OFF: "cut off",
    DiskFaultKind.OUTSIDE: "cut off",
    DiskFaultKind.TABLE_DAMAGED: "corrupt",
}
"""What happened to an image with such a fault on its way."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What is ready to be put into its place; `sha256` is that of the stored bytes, of an artefact
    that of its archive."""

    path: Path
    sha256: str
    leftover: Path | None
    """What is to be removed in any case at the end; None where all of it belongs to others."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where and how uploads are made; `folder` is the real one of `store`."""

    store: StoreFolder
    folder: Path
    limits: UploadLimits
    programs: Programs


def stage_image(
    plan: UploadPlan, source: Iterator[Chunk], shop: Workshop, tracker: Tracker
) -> Staged:
    """Makes the hidden file of an image; blocks for as long as the source does.

    Raises `NotAnImage`, `DecompressionFailed`, `SpaceShort`, `UploadTooLarge`, OSError and what
    the source raises; then nothing is left.
    """
    if plan.kind is UploadKind.COMPRESSED:
        tracker.phase = UploadPhase.DECOMPRESSING
        source = _decompressed(plan, source, shop)
    path = staged_path(shop.folder, FILE_SUFFIX)
    handle = open_staged(path)
    try:
        with closed_at_end(source):
            sha256 = _write(plan, source, handle, shop, tracker)
        _check_whole(plan, handle)
        os.fsync(handle)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    return Staged(path, sha256, leftover=path)


def stage_part(plan: UploadPlan, file: PartFile, tracker: Tracker) -> Staged:
    """Returns a plain image that is whole as it lies there; it is read once more only where this
    process has not seen all of it. Raises `NotAnImage`, OSError and `UploadCancelled`."""
    handle = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        check_head(plan, os.pread(handle, HEAD, 0))
        _check_whole(plan, handle)
    finally:
        os.close(handle)
    digest = file.digest
    if digest is None:
        digest = hashlib.sha256()
        for block in tracker.watched(file.blocks()):
            digest.update(block)
            tracker.written += len(block)
    return Staged(file.path, digest.hexdigest(), leftover=None)


def check_head(plan: UploadPlan, head: bytes) -> None:
    """Raises `NotAnImage` for bytes with which no disk image begins; `head` are the first 512, or
    all there are."""
    content = recognise(head)
    if not head:
        message = f"{plan.filename} is empty; it holds no image."
    elif content is Content.OTHER:
        return
    elif plan.kind is UploadKind.COMPRESSED:
        message = f"{plan.filename} does not hold a disk image but {content.value}."
    else:
        message = f"{plan.filename} is no disk image but {content.value}."
    raise NotAnImage(message, detail=plan.filename)


def _check_whole(plan: UploadPlan, handle: int) -> None:
    """Raises `NotAnImage` where a partition table or a file system speaks of more than there is,
    and where Linux cannot read the table."""
    for fault in analyse_disk(handle).faults:
        if fault.kind in _BROKEN:
            message = f"{plan.filename} is {_BROKEN[fault.kind]}: {fault.sentence}"
            raise NotAnImage(message, detail=plan.filename)


def _decompressed(plan: UploadPlan, source: Iterator[Chunk], shop: Workshop) -> Iterator[Chunk]:
    content, decoded = decode_sniffed(source, shop.programs)
    if content not in CODECS:
        reason = "it is not compressed"
        if content is not Content.OTHER:
            reason = f"it is {content.value}"
        message = f"Failed to decompress image: {plan.filename}: {reason}."
        raise DecompressionFailed(message, detail=plan.filename)
    return decoded


def _write(
    plan: UploadPlan, source: Iterator[Chunk], handle: int, shop: Workshop, tracker: Tracker
) -> str:
    head, whole = peek(source)
    check_head(plan, head)
    room = Room(shop.folder, shop.limits)
    with Hashing() as hashing:
        writer = StagedWriter(handle, room, hashing)
        for chunk in whole:
            writer.write(chunk)
            tracker.written = writer.written
            if plan.kind is UploadKind.COMPRESSED:
                _check_ratio(tracker, shop.limits)
        room.check_size(writer.written)
        if plan.kind is UploadKind.COMPRESSED:
            tracker.all_came()
            _check_ratio(tracker, shop.limits)
        return hashing.end().hexdigest()


def _check_ratio(tracker: Tracker, limits: UploadLimits) -> None:
    """Judges by all that comes: what is hollow at its beginning may be full at its end."""
    written, size = tracker.written, tracker.size
    if size is not None and written > max(limits.image_free, size * limits.image_ratio):
        message = (
            f"The image unpacks to more than {limits.image_ratio} times its size: no system is "
            "that hollow."
        )
        raise UploadTooLarge(message, detail=f"{written} bytes from {size}")
