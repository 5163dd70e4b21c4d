"""The watch of the configuration's files, which administrators and scripts edit too (design 4)."""

from functools import partial
from pathlib import PurePosixPath

from adapters.inotify import names_changed
from domain.configuration.configuration import Configuration
from domain.host_paths import HostPaths, PathRefused
from domain.station import Station
from server.background import Background

AGAIN_SECONDS = 5.0
"""Until a look without any reason, and until a folder that is not there is looked for again."""


def watch_configuration(background: Background, station: Station) -> None:
    """Starts the looks, and the watch of the folder of each file."""
    paths, configuration = station.paths, station.configuration
    background.run("the look at what changed while nothing ran", station.config_history.begin)
    background.repeat("the look at the configuration", AGAIN_SECONDS, configuration.look)
    for file in (paths.config, paths.defaults):
        follow = partial(_follow, paths, PurePosixPath(file), configuration)
        background.repeat(f"the watch of {file}", AGAIN_SECONDS, follow)


async def _follow(paths: HostPaths, file: PurePosixPath, configuration: Configuration) -> None:
    try:
        real = paths.real(str(file.parent))
    except PathRefused:
        return
    if not real.is_dir():
        return
    async for _ in names_changed(real, lambda name: name == file.name):
        await configuration.look()
