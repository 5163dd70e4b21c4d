"""The folder of images, as the kernel tells of it (inotify(7))."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from asyncinotify import Event, Inotify, Mask

from domain.images.looking import StoreChange
from domain.images.names import SIDECAR_SUFFIX, is_image_name

WRITTEN = Mask.CLOSE_WRITE | Mask.MOVED_TO
CHANGES = WRITTEN | Mask.CREATE | Mask.DELETE | Mask.MOVED_FROM | Mask.ATTRIB
OWN = Mask.DELETE_SELF | Mask.MOVE_SELF
LOST = Mask.IGNORED | Mask.UNMOUNT | OWN
SOMETHING = StoreChange("", is_written=False)
"""Nobody knows what happened; a look shows it."""


class StoreWatch:
    """Satisfies `domain.images.looking.StoreEvents`. `folder` blocks and tells where the folder
    is; what is written into a file before its writer closes it is not told."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder

    async def changes(self) -> AsyncGenerator[StoreChange, None]:
        """Yields once when it hears, then each change; ends when the folder is gone or not
        there."""
        with Inotify() as inotify:
            try:
                folder = await asyncio.to_thread(self._folder)
                inotify.add_watch(folder, CHANGES | OWN | Mask.ONLYDIR)
            except OSError:
                return
            yield SOMETHING
            async for event in inotify:
                if event.mask & LOST:
                    return
                change = _change(event)
                if change is not None:
                    yield change


def _change(event: Event) -> StoreChange | None:
    if event.mask & Mask.Q_OVERFLOW:
        return SOMETHING
    name = str(event.name) if event.name else ""
    is_folder = bool(event.mask & Mask.ISDIR)
    if is_image_name(name):
        return StoreChange(name, is_written=bool(event.mask & WRITTEN) and not is_folder)
    is_sidecar = is_image_name(name.removesuffix(SIDECAR_SUFFIX))
    return StoreChange(name, is_written=False) if is_sidecar else None
