"""Renames of images, with the gold master that may point to them."""

import asyncio
import contextlib
import logging

from domain.errors import ProvisionerError
from domain.file_accesses import FileAccess
from domain.images.gold_master import GoldMaster
from domain.images.names import ImageName
from domain.images.renaming import ImageNotRenamed, Move, Renaming
from domain.images.store_folder import StoreFolder

log = logging.getLogger("provisioner.images")


class Renames:
    """Renames, and finishes what an earlier run left half done."""

    def __init__(self, folder: StoreFolder, gold_master: GoldMaster) -> None:
        self._folder = folder
        self._gold_master = gold_master
        self._steps = Renaming(folder)

    async def rename(self, old: ImageName, new: ImageName, *, note: FileAccess) -> bool:
        """Renames an image that is there, and returns whether it is the gold master.

        At every instant the configured path leads to the image; of a folder, but for the moment
        between two system calls, since no folder takes a link's place in one.

        Raises `ImageExists`, `ImageNotRenamed` and what the configuration raises; then the image
        has its old name.
        """
        path, info = self._folder.path(old), f"{old.text} -> {new.text}"
        try:
            move = await asyncio.to_thread(self._steps.begin, old, new)
            moved = await self._carry_out(move, note=note)
        except OSError as error:
            note("RENAME", path, success=False, info=f"Failed to rename image: {error.strerror}")
            message = f"{old.text} cannot be renamed: {error.strerror}."
            raise ImageNotRenamed(message, detail=error.strerror or "the disk failed") from error
        note("RENAME", path, info=f"Image renamed: {info}")
        return moved

    async def recover(self, *, note: FileAccess) -> None:
        """Finishes what earlier runs began; what cannot be now stays for the next start."""
        for move in await asyncio.to_thread(self._steps.unfinished):
            try:
                await self._carry_out(move, note=note)
            except (OSError, ProvisionerError) as error:
                log.warning("renaming %s cannot be finished: %s", move.old, error)
            else:
                info = f"Image renamed: {move.old.text} -> {move.new.text}"
                note("RENAME", self._folder.path(move.old), info=info)

    async def _carry_out(self, move: Move, *, note: FileAccess) -> bool:
        old, new = self._folder.path(move.old), self._folder.path(move.new)
        moved = False
        try:
            await asyncio.to_thread(self._steps.prepare, move)
            moved = await self._gold_master.move(old, new, note=note)
            await asyncio.to_thread(self._steps.finish, move)
        except (OSError, ProvisionerError):
            # What cannot be undone either stays written down, and is finished at the next start.
            with contextlib.suppress(OSError, ProvisionerError):
                if moved:
                    await self._gold_master.move(new, old, note=note)
                await asyncio.to_thread(self._steps.undo, move)
            raise
        return moved
