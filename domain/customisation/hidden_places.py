"""Hidden places: what of the station a script that is only tried must not see."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from domain.configuration.configuration import Configuration
from domain.configuration.settings import Setting
from domain.configuration.variables import Kind, find_variable
from domain.host_paths import HostPaths, PathRefused

SIDES = ("", "-wal", "-shm", "-journal")
"""A file and, where it is a database, what SQLite keeps beside it."""


class HiddenPlaces:
    """Knows where this station has its files."""

    def __init__(self, paths: HostPaths, configuration: Configuration) -> None:
        self._paths = paths
        self._configuration = configuration

    async def list_all(self) -> tuple[str, ...]:
        """Returns the folders and files on this machine, without links; they need not exist.
        Raises `ConfigUnreadable`: what is configured is then not known."""
        settings = await self._configuration.values()
        return await asyncio.to_thread(self._list, settings)

    def _list(self, settings: Mapping[str, Setting]) -> tuple[str, ...]:
        places = {} if self._paths.root == Path("/") else {str(self._paths.root.resolve()): None}
        for logical in (*self._own(), *_configured(settings)):
            try:
                places[str(self._paths.real(logical).resolve())] = None
            except (PathRefused, OSError, ValueError):
                continue
        return tuple(places)

    def _own(self) -> tuple[str, ...]:
        paths = self._paths
        files = (paths.config, paths.state_db)
        parents = (str(PurePosixPath(file).parent) for file in files)
        return (*parents, paths.keys, paths.images, paths.logs, paths.runtime, paths.journal)


def _configured(settings: Mapping[str, Setting]) -> Iterator[str]:
    for setting in settings.values():
        variable = find_variable(setting.name)
        if variable is None or not setting.value.startswith("/"):
            continue
        if variable.kind is Kind.FOLDER:
            yield setting.value
        elif variable.kind is Kind.FILE:
            yield from (f"{setting.value}{side}" for side in SIDES)
