"""The watch of the journal: the kernel says when journald has written to it (design 4)."""

from functools import partial

from adapters.inotify import names_changed
from adapters.journal_files import SUFFIXES, journal_folders
from domain.events import Hub
from domain.host_paths import HostPaths, PathRefused
from domain.services.journal import JournalGrew
from server.background import Background

AGAIN_SECONDS = 5.0
"""Until a folder that is not there is looked for again; followers look by themselves meanwhile."""


def watch_journal(background: Background, paths: HostPaths, hub: Hub) -> None:
    """Starts the watch of each folder that holds this machine's journal."""
    for folder in journal_folders(paths):
        name = f"the watch of {folder}"
        background.repeat(name, AGAIN_SECONDS, partial(_follow, paths, hub, folder))


async def _follow(paths: HostPaths, hub: Hub, folder: str) -> None:
    try:
        real = paths.real(folder)
    except PathRefused:
        return
    if not real.is_dir():
        return
    async for _ in names_changed(real, lambda name: name.endswith(SUFFIXES)):
        hub.publish(JournalGrew())
