"""Folders whose files others write: the kernel says when something changed."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

from asyncinotify import Inotify, Mask

CHANGES = (
    Mask.MODIFY
    | Mask.CLOSE_WRITE
    | Mask.CREATE
    | Mask.DELETE
    | Mask.MOVED_TO
    | Mask.MOVED_FROM
    | Mask.ONLYDIR
)


async def names_changed(
    folder: Path, wanted: Callable[[str], bool], *, modes: bool = False
) -> AsyncIterator[str]:
    """Yields the name of each file of `folder` that changed and that `wanted` accepts; with
    `modes` a change of a file's mode is one too.

    Ends when the folder is gone; raises OSError when it is not there. Reading never counts as a
    change, so a reader does not wake itself.
    """
    with Inotify() as inotify:
        inotify.add_watch(folder, CHANGES | Mask.ATTRIB if modes else CHANGES)
        async for event in inotify:
            if event.mask & (Mask.IGNORED | Mask.UNMOUNT):
                return
            name = str(event.name) if event.name else ""
            if name and wanted(name):
                yield name
