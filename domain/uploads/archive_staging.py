"""Archives on their way into the store: unpacked into a hidden folder that is a whole IDP
artefact."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from domain.images.descriptor import DescriptorInvalid, read_descriptor
from domain.images.json_reading import parse_json
from domain.images.sparse import check_sparse
from domain.images.store_folder import StoreFolder
from domain.uploads.decompression import closed_at_end, decode_sniffed
from domain.uploads.extraction import Extraction
from domain.uploads.image_staging import Staged, Workshop
from domain.uploads.intake import Chunk
from domain.uploads.kinds import UploadPlan
from domain.uploads.limits import Room
from domain.uploads.progress import Tracker, UploadPhase
from domain.uploads.refusals import ArchiveBroken, DecompressionFailed
from domain.uploads.sniffing import Content
from domain.uploads.staging import (
    FILE_SUFFIX,
    make_staged_folder,
    open_staged,
    remove,
    staged_path,
    write_all,
)
from domain.uploads.tar_reading import TarReader
from domain.uploads.zip_reading import ZipReader


def stage_archive(
    plan: UploadPlan, source: Iterator[Chunk], shop: Workshop, tracker: Tracker
) -> Staged:
    """Makes the hidden folder of an artefact, its files checked; blocks for as long as the source
    does.

    Raises `ArchiveBroken`, `ArchiveUnsafe`, `ArchiveTooLarge`, `DescriptorInvalid`,
    `SparseInvalid`, `SpaceShort`, `UploadTooLarge`, OSError and what the source raises; then
    nothing is left.
    """
    tracker.phase = UploadPhase.EXTRACTING
    folder = make_staged_folder(shop.folder)
    try:
        sha256 = _extract(plan, source, folder, shop, tracker)
        artefact = _artefact_in(folder)
        check_artefact(shop.store, artefact)
    except BaseException:
        remove(folder)
        raise
    return Staged(artefact, sha256, leftover=folder)


def check_artefact(store: StoreFolder, artefact: Path) -> None:
    """Raises `DescriptorInvalid` and `SparseInvalid` for what no board can be provisioned with
    (contract images 4.3); what the schema alone forbids passes."""
    descriptions = store.descriptors(artefact)
    if len(descriptions) != 1:
        message = (
            f"The archive has {len(descriptions)} JSON files at its top; exactly one describes an "
            "IDP artefact."
        )
        raise DescriptorInvalid(message)
    descriptor = read_descriptor(descriptions[0])
    _check_shape(parse_json(descriptions[0].read_bytes()))
    check_sparse(artefact, descriptor)


def _check_shape(value: object) -> None:
    layout = value.get("layout", {}) if isinstance(value, dict) else None
    if not isinstance(layout, dict) or not isinstance(layout.get("partitionimages", {}), dict):
        message = (
            "The description is JSON, but no object with an object `layout` and partition images."
        )
        raise DescriptorInvalid(message)


def _extract(
    plan: UploadPlan, source: Iterator[Chunk], folder: Path, shop: Workshop, tracker: Tracker
) -> str:
    digest = hashlib.sha256()
    extraction = Extraction(folder, shop.limits, tracker)
    try:
        content, whole = decode_sniffed(_hashed(source, digest), shop.programs)
        with closed_at_end(whole):
            if content is Content.ZIP:
                _extract_zip(whole, extraction, shop)
            else:
                _extract_tar(whole, extraction)
    except DecompressionFailed as error:
        reason = error.message.removeprefix("Failed to decompress image: ")
        message = f"Failed to extract archive: {reason}"
        raise ArchiveBroken(message, detail=plan.filename) from error
    extraction.finish()
    return digest.hexdigest()


def _extract_tar(source: Iterator[Chunk], extraction: Extraction) -> None:
    tar = TarReader(source)
    for entry in tar.entries():
        extraction.add(entry, tar.content())


def _extract_zip(source: Iterator[Chunk], extraction: Extraction, shop: Workshop) -> None:
    # Its table of contents comes last; until then it has to lie somewhere.
    path, room = staged_path(shop.folder, FILE_SUFFIX), Room(shop.folder, shop.limits)
    handle = open_staged(path)
    try:
        for chunk in source:
            room.take(len(chunk))
            write_all(handle, chunk)
        with ZipReader(path, most_entries=shop.limits.entries) as archive:
            for entry in archive.entries():
                extraction.add(entry, archive.content())
    finally:
        os.close(handle)
        path.unlink(missing_ok=True)


def _hashed(source: Iterator[Chunk], digest: "hashlib._Hash") -> Iterator[Chunk]:
    for chunk in source:
        digest.update(chunk)
        yield chunk


def _artefact_in(folder: Path) -> Path:
    """Returns the folder itself, or the only folder that is all it holds (contract images 4.3)."""
    found = list(folder.iterdir())
    return found[0] if len(found) == 1 and found[0].is_dir() else folder
