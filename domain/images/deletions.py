"""Deletions of images, with the gold master that may point to them."""

import asyncio
import logging
from pathlib import Path

from domain.errors import Conflict, Unavailable
from domain.file_accesses import FileAccess
from domain.images.gold_master import GoldMaster
from domain.images.image import Image, ImageKind
from domain.images.names import ImageName
from domain.images.removal import Removal
from domain.images.store_folder import StoreFolder

log = logging.getLogger("provisioner.images")


class ImageInUse(Conflict):
    """The image is the gold master, and was to be kept in that case."""

    code = "IMAGE_IN_USE"
    title = "Image In Use"
    meaning = "The image is the gold master; without it no board can be provisioned."
    remedy = "Select another gold master first, or ask without `keepGoldMaster`."


class ImageNotDeleted(Unavailable):
    """The disk refused."""

    code = "IMAGE_DELETE_ERROR"
    title = "Deletion Error"
    meaning = "The disk did not let the image be deleted; it is still there."
    remedy = "Look at the disk: a read-only file system, the folder's rights."


class Deletions:
    """Deletes, and finishes what an earlier run left half done."""

    def __init__(self, folder: StoreFolder, gold_master: GoldMaster) -> None:
        self._folder = folder
        self._gold_master = gold_master
        self._steps = Removal(folder)

    async def take_out(self, image: Image, *, note: FileAccess) -> tuple[Path, bool]:
        """Takes an image out of the store; returns what `clear_away` removes, and whether the
        image was the gold master, which is none now (contract images 5).

        Raises `ImageNotDeleted`.
        """
        try:
            hidden = await asyncio.to_thread(self._steps.take_out, image.name)
        except OSError as error:
            reason = error.strerror or "the disk failed"
            note("DELETE", image.path, success=False, info=f"Failed to delete image: {reason}")
            message = f"{image.name.text} cannot be deleted: {reason}."
            raise ImageNotDeleted(message, detail=reason) from error
        is_file = image.kind in (ImageKind.TRADITIONAL, ImageKind.UNKNOWN)
        what = "Image file" if is_file else "IDP artefact directory"
        note("DELETE", image.path, info=f"{what} deleted: {image.name.text}")
        return hidden, await self._gold_master.clear(image.path, note=note)

    async def clear_away(self, hidden: Path) -> None:
        """Frees the room of what was taken out."""
        await asyncio.to_thread(self._steps.clear_away, hidden)

    async def recover(self, *, note: FileAccess) -> None:
        """Finishes what earlier runs began; what cannot be now stays for the next start."""
        for name, hidden in await asyncio.to_thread(self._steps.unfinished):
            if await self._is_gone(name):
                await self._gold_master.clear(self._folder.path(name), note=note)
            await self.clear_away(hidden)

    async def _is_gone(self, name: ImageName) -> bool:
        return await asyncio.to_thread(self._folder.find, name) is None
