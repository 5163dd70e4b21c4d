"""Analyses: what images hold, as their bytes and descriptions tell it (contract images 6)."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from domain.images.artefacts import Artefact, analyse_artefact
from domain.images.descriptor import DescriptorInvalid
from domain.images.disks import Disk, analyse_disk
from domain.images.image import ImageKind
from domain.images.names import ImageName, image_not_found
from domain.images.store_folder import ImageUnreadable, StoredEntry, StoreFolder

MOST_AT_ONCE = 2
"""So many images are looked into at the same time: lists ask for many at once, and the threads
are those of everybody."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What one image holds; `path` is logical.

    Exactly one of `disk`, `artefact` and `error` is there for a traditional image or an artefact;
    of other things in the store a folder has the `error` alone.
    """

    name: ImageName
    kind: ImageKind
    path: str
    disk: Disk | None = None
    artefact: Artefact | None = None
    error: str | None = None


class Analyses:
    """Looks into images; nothing is kept, since files of an artefact change without notice."""

    def __init__(self, folder: StoreFolder) -> None:
        self._folder = folder
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    async def get(self, name: ImageName) -> Analysis:
        """Returns what an image holds; raises `ImageNotFound` and `ImageUnreadable`."""
        async with self._places:
            return await asyncio.to_thread(self.get_now, name)

    def get_now(self, name: ImageName) -> Analysis:
        """Like `get`, blocking."""
        entry = self._folder.get(name)
        real, path = self._folder.real(name), self._folder.path(name)
        if real is None:
            raise image_not_found(name.text)
        if entry.kind is ImageKind.TRADITIONAL:
            return Analysis(name, entry.kind, path, disk=self._disk(name))
        return analyse_folder(self._folder, entry, real, path=path)

    def _disk(self, name: ImageName) -> Disk:
        try:
            handle = self._folder.open(name)
            try:
                return analyse_disk(handle)
            finally:
                os.close(handle)
        except FileNotFoundError as error:
            raise image_not_found(name.text) from error
        except OSError as error:
            reason = error.strerror or "the disk failed"
            message = f"{name.text} cannot be read: {reason}."
            raise ImageUnreadable(message, detail=reason) from error


def analyse_folder(folder: StoreFolder, entry: StoredEntry, real: Path, *, path: str) -> Analysis:
    """Returns what a folder of the store holds; blocks."""
    if entry.kind is ImageKind.UNKNOWN:
        return Analysis(entry.name, entry.kind, path)
    descriptions = folder.descriptors(real)
    if len(descriptions) != 1:
        error = "Directory does not contain exactly one JSON file"
        return Analysis(entry.name, ImageKind.UNKNOWN_DIRECTORY, path, error=error)
    try:
        artefact = analyse_artefact(real, descriptions[0])
    except DescriptorInvalid as error:
        return Analysis(entry.name, ImageKind.IDP, path, error=error.message)
    return Analysis(entry.name, ImageKind.IDP, path, artefact=artefact)
