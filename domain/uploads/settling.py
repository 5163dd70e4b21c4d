"""Settling: what was made in hiding comes into the store with its hash, and everybody is told."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from domain.events import Event, Hub
from domain.file_accesses import FileAccess
from domain.images.hashes import Hashes
from domain.images.images import Images
from domain.images.names import ImageName
from domain.uploads.image_staging import Staged
from domain.uploads.kinds import UploadKind, UploadPlan
from domain.uploads.placing import names_for, place_file, place_folder


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What came of an upload; `name` is that of the store. `sha256` is of the stored bytes, of an
    artefact that of its archive (contract images 4.1)."""

    plan: UploadPlan
    name: ImageName
    sha256: str

    @property
    def is_renamed(self) -> bool:
        """Whether it is called otherwise than the file that was sent (contract images 4.4)."""
        if self.plan.kind is UploadKind.ARCHIVE:
            return False
        return self.name.text != self.plan.filename


@dataclass(frozen=True, slots=True)
class ImageUploaded(Event):
    """An image came into the store by an upload."""

    name: ImageName
    kind: UploadKind


class Settling:
    """Belongs to the event loop's thread."""

    def __init__(self, images: Images, hashes: Hashes, hub: Hub) -> None:
        self._images, self._hashes, self._hub = images, hashes, hub

    async def settle(self, plan: UploadPlan, staged: Staged, *, note: FileAccess) -> Uploaded:
        """Puts what is staged into its place, keeps its hash, and returns its name.

        Raises OSError as the system does, `ImageNameInvalid` where no free name is left that is
        short enough, and `ImageBusy`.
        """
        if plan.kind is UploadKind.ARCHIVE:
            name = await self._settle_folder(plan.target, staged, note=note)
        else:
            name = await self._settle_file(plan.target, staged, note=note)
        uploaded = Uploaded(plan, name, staged.sha256)
        operation, info = _written_down(uploaded)
        note(operation, self._images.folder.path(name), info=info)
        self._images.looking.request()
        self._hub.publish(ImageUploaded(name, plan.kind))
        return uploaded

    async def _settle_file(
        self, wanted: ImageName, staged: Staged, *, note: FileAccess
    ) -> ImageName:
        base = await asyncio.to_thread(self._images.folder.base)
        for name in names_for(wanted):
            # Nobody sees the image before its hash is known.
            async with self._images.changing(name, note=note):
                if await asyncio.to_thread(place_file, staged.path, base / name.text):
                    await self._hashes.keep(name, staged.sha256, note=note)
                    return name
        raise AssertionError("there is always another name")

    async def _settle_folder(
        self, name: ImageName, staged: Staged, *, note: FileAccess
    ) -> ImageName:
        target: Path = (await asyncio.to_thread(self._images.folder.base)) / name.text
        async with self._images.changing(name, note=note):
            await asyncio.to_thread(place_folder, staged.path, target)
            await self._hashes.keep(name, staged.sha256, note=note)
        return name


def _written_down(uploaded: Uploaded) -> tuple[str, str]:
    """Returns the operation and its text in the audit log (contract images 0.5)."""
    sent, name = uploaded.plan.filename, uploaded.name.text
    if uploaded.plan.kind is UploadKind.ARCHIVE:
        info = f"IDP artefact archive streamed and extracted: {sent} -> {name}"
        return "UPLOAD_ARCHIVE", info
    if uploaded.plan.kind is UploadKind.COMPRESSED:
        return "UPLOAD", f"Compressed image decompressed: {sent} -> {name}"
    renamed = f", renamed to: {name}" if uploaded.is_renamed else ""
    return "UPLOAD", f"Original filename: {sent}{renamed}"
