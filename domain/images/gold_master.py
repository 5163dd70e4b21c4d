"""The gold master: the image that boards are provisioned with, as the configuration names it."""

import asyncio
import logging

from domain.configuration.configuration import Configuration
from domain.configuration.file import ConfigUnreadable
from domain.errors import ProvisionerError
from domain.file_accesses import FileAccess

VARIABLE = "GOLD_MASTER_OS_FILE"

log = logging.getLogger("provisioner.images")


class GoldMaster:
    """Reads and changes which image it is. Paths are logical; only a path that is equal counts,
    never a part of one (contract images 1, 5)."""

    def __init__(self, configuration: Configuration, *, config: str) -> None:
        self._configuration = configuration
        self._config = config

    def path_now(self) -> str:
        """Returns the image's path, empty when none is selected or the configuration cannot be
        read; blocks."""
        try:
            return self._configuration.value_now(VARIABLE)
        except ConfigUnreadable:
            # /readyz says so; the store is still good.
            return ""

    async def path(self) -> str:
        """Like `path_now`, without blocking."""
        return await asyncio.to_thread(self.path_now)

    async def clear(self, path: str, *, note: FileAccess) -> bool:
        """Selects no image if it is this one, and returns whether it was.

        A configuration that cannot be written is noted and logged (contract images 5).
        """
        try:
            return await self.move(path, "", note=note)
        except ProvisionerError as error:
            log.warning("the gold master %s stays in the configuration: %s", path, error.message)
            note("WRITE", self._config, success=False, info=error.message)
            return False

    async def move(self, path: str, new_path: str, *, note: FileAccess) -> bool:
        """Makes the gold master another path if it is this one, and returns whether it was.

        Raises what the configuration raises when it cannot be written.
        """
        if await self.path() != path:
            return False
        await self._configuration.update({VARIABLE: new_path})
        note("WRITE", self._config, info="Config updated")
        return True
