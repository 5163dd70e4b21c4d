"""The image store: what is in it, and how it changes."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from domain.events import Event, Hub, Update, watch_changes
from domain.file_accesses import FileAccess
from domain.images.deletions import Deletions, ImageInUse
from domain.images.gold_master import GoldMaster
from domain.images.hashes import Hashes
from domain.images.image import Image, ImageAdded, ImageChanged, ImageKind, ImageRemoved
from domain.images.looking import Looking
from domain.images.names import ImageName
from domain.images.renames import Renames
from domain.images.store_folder import StoreFolder, StoreSpace
from domain.paging import Key, Page, PageRequest, slice_page

ORDER = "images/name"

log = logging.getLogger("provisioner.images")


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """Which images; None is any. `text` is looked for in the name, case ignored."""

    kind: ImageKind | None = None
    text: str | None = None
    gold_master: bool | None = None

    def accepts(self, image: Image) -> bool:
        """Whether the image is one of them."""
        return (
            self.kind in (None, image.kind)
            and (self.text or "").casefold() in image.name.text.casefold()
            and self.gold_master in (None, image.is_gold_master)
        )


ANY_IMAGE = ImageFilter()


@dataclass(frozen=True, slots=True)
class ImagesChange:
    """Images that are new or another way, and the names of those that are gone."""

    images: tuple[Image, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was deleted, and whether that was the gold master, which is none now."""

    image: Image
    gold_master_cleared: bool


class Images:
    """The store. Names come as `ImageName`; all methods belong to the event loop's thread."""

    def __init__(
        self,
        hub: Hub,
        folder: StoreFolder,
        hashes: Hashes,
        gold_master: GoldMaster,
        *,
        note: FileAccess,
    ) -> None:
        self.folder = folder
        self.looking = Looking(hub, folder, hashes, gold_master)
        self._hub, self._hashes, self._note = hub, hashes, note
        self._renames = Renames(folder, gold_master)
        self._deletions = Deletions(folder, gold_master)
        self._turn = asyncio.Lock()

    async def list_all(self, which: ImageFilter = ANY_IMAGE) -> list[Image]:
        """Returns the images, by name; none where there is no store."""
        return [image for image in await self.looking.look() if which.accepts(image)]

    async def list_page(self, request: PageRequest, which: ImageFilter = ANY_IMAGE) -> Page[Image]:
        """Returns a page of the images, by name."""
        return slice_page(await self.list_all(which), request, order=ORDER, key=_key)

    async def get(self, name: ImageName) -> Image:
        """Returns what lies under this name: `kind` tells whether it is an image at all.

        Raises `ImageNotFound` and `ImageUnreadable`.
        """
        return await self.looking.look_at(name)

    async def space(self) -> StoreSpace:
        """Returns the room in the store; raises `StoreUnusable`."""
        return await asyncio.to_thread(self.folder.space)

    async def probe(self) -> None:
        """Raises `StoreUnusable` unless images can be kept."""
        await asyncio.to_thread(self.folder.probe)

    async def delete(
        self, name: ImageName, *, note: FileAccess, keep_gold_master: bool = False
    ) -> Deleted:
        """Deletes an image with its sidecar; a gold master that it was is none afterwards.

        Raises `ImageNotFound`, `ImageUnreadable`, `ImageBusy`, `ImageNotDeleted`, and `ImageInUse`
        where `keep_gold_master` forbids it.
        """
        async with self._turn:
            image = await self.get(name)
            if image.is_gold_master and keep_gold_master:
                message = f"{name.text} is the gold master; it was not deleted."
                raise ImageInUse(message, detail=name.text, field="name")
            async with self._hashes.withheld(name, note=note), self.looking.paused():
                hidden, cleared = await self._deletions.take_out(image, note=note)
        await self.looking.look()
        await self._deletions.clear_away(hidden)
        return Deleted(image, cleared)

    async def rename(self, name: ImageName, new: ImageName, *, note: FileAccess) -> Image:
        """Gives an image another name; its sidecar and the gold master follow.

        Raises `ImageNotFound`, `ImageUnreadable`, `ImageExists`, `ImageBusy`, `ImageNotRenamed`,
        and what the configuration raises; then the image has its old name.
        """
        async with self._turn:
            image = await self.get(name)
            if new == name:
                return image
            async with self._hashes.withheld(name, new, note=note), self.looking.paused():
                await self._renames.rename(name, new, note=note)
                self._hashes.moved(name, new)
        await self.looking.look()
        return await self.get(new)

    @asynccontextmanager
    async def changing(self, name: ImageName, *, note: FileAccess) -> AsyncIterator[None]:
        """Within the context this name is the caller's to change: nobody else changes the store,
        looks at it, or hashes what has the name. Raises `ImageBusy`."""
        async with self._turn, self._hashes.withheld(name, note=note), self.looking.paused():
            yield

    @asynccontextmanager
    async def undisturbed(self) -> AsyncIterator[None]:
        """Within the context no image is deleted or renamed."""
        async with self._turn:
            yield

    async def prepare(self) -> None:
        """Makes the store's folder and finishes what an earlier run left half done in it.

        What the disk refuses is logged; `probe` says why.
        """
        async with self._turn, self.looking.paused():
            try:
                await asyncio.to_thread(self.folder.make)
                await self._renames.recover(note=self._note)
                await self._deletions.recover(note=self._note)
                await asyncio.to_thread(self.folder.sweep)
            except OSError as error:
                log.warning("the store of images cannot be prepared: %s", error.strerror)

    def watch(self) -> AsyncGenerator[Update[ImagesChange], None]:
        """Yields all images, then each one that is added, changed or removed."""

        async def snapshot() -> ImagesChange:
            return ImagesChange(images=tuple(await self.list_all()))

        kinds = (ImageAdded, ImageChanged, ImageRemoved)
        return watch_changes(self._hub, *kinds, snapshot=snapshot, change=_change)


def _change(event: Event) -> ImagesChange | None:
    if isinstance(event, ImageAdded | ImageChanged):
        return ImagesChange(images=(event.image,))
    return ImagesChange(removed=(event.name,)) if isinstance(event, ImageRemoved) else None


def _key(image: Image) -> Key:
    return (image.name.text,)
