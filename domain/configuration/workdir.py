"""The working folder: what the station's scripts prepared once for all boards that follow."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from domain.configuration.configuration import Configuration, Done
from domain.configuration.emptying import NOTHING, Emptied, Measure, empty, measure
from domain.configuration.settings import Setting
from domain.configuration.variables import VARIABLES
from domain.configuration.workdir_guard import VARIABLE, WorkdirRefused, find_workdir
from domain.errors import ProvisionerError, Unavailable
from domain.file_accesses import FileAccess
from domain.host_paths import HostPaths

log = logging.getLogger("provisioner.configuration")


class WorkdirNotCleared(Unavailable):
    """Something in the working folder could not be deleted."""

    code = "WORKDIR_NOT_CLEARED"
    title = "Working Folder Not Cleared"
    meaning = (
        "Files that were prepared with other settings are still in the working folder; boards "
        "may be made with them."
    )
    remedy = "Look at the folder's rights and mounts, then clear it again before the next board."


class WorkdirState(StrEnum):
    """What the configured working folder is."""

    UNSET = "UNSET"
    MISSING = "MISSING"
    PRESENT = "PRESENT"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True)
class WorkdirView:
    """The working folder. `path` is as configured; times are of the oldest and the newest file,
    None in an empty folder; `reason` says why a folder is refused."""

    path: str
    state: WorkdirState
    size_bytes: int = 0
    files: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cleared:
    """What went when the folder was emptied by hand, and the folder afterwards."""

    emptied: Emptied
    view: WorkdirView


class KeptInputs(Protocol):
    """Where is kept with which inputs the folder was last known to agree."""

    async def get(self) -> str | None:
        """Returns the digest, None when none was kept; raises a kind of `Unavailable`."""

    async def set(self, digest: str) -> None:
        """Keeps the digest; it is durable when this returns."""


class WorkingFolder:
    """Shows the folder, and empties it when what was prepared with no longer holds.

    `at_work` tells whether any unit works on a board just now; what such a run has staged for
    itself is spared. `note` writes down what the service empties by itself.
    """

    def __init__(
        self,
        paths: HostPaths,
        configuration: Configuration,
        inputs: KeptInputs,
        *,
        at_work: Callable[[], Awaitable[bool]],
        note: FileAccess,
    ) -> None:
        self._paths = paths
        self._configuration = configuration
        self._inputs = inputs
        self._at_work = at_work
        self._note = note
        self._turn = asyncio.Lock()

    async def view(self) -> WorkdirView:
        """Returns size and age of the folder; raises `ConfigUnreadable`."""
        return await asyncio.to_thread(self._view)

    async def clear(self, *, note: FileAccess) -> Cleared:
        """Empties the folder; without one nothing happens.

        Raises `WorkdirRefused`, `WorkdirNotCleared` and `ConfigUnreadable`.
        """
        async with self._turn:
            emptied = await self._clear(note, "asked for")
        return Cleared(emptied, await self.view())

    async def begin(self) -> None:
        """Remembers today's inputs if none are known yet, else empties what is out of date:
        somebody may have changed the configuration while nothing ran."""
        async with self._turn:
            digest, kept = await self._digest(), await self._inputs.get()
            if kept is None:
                await self._inputs.set(digest)
            elif kept != digest:
                await self._settle(digest, "configuration changed by another program")

    async def settle(self, done: Done) -> None:
        """Empties the folder if the inputs are not those that it was prepared with (contract
        configuration 6).

        What cannot be emptied is noted, logged and tried again the next time: the changes
        themselves are made and stay.
        """
        names = ", ".join(change.name for change in done.changes if change.differs)
        async with self._turn:
            with suppress(ProvisionerError):
                digest = await self._digest()
                if await self._known() != digest:
                    await self._settle(digest, f"{names or 'configuration'} changed")

    async def _known(self) -> str | None:
        try:
            return await self._inputs.get()
        except Unavailable:
            return None

    async def _settle(self, digest: str, reason: str) -> None:
        try:
            await self._clear(self._note, reason)
            # Only now: killed before, the next start empties the folder again.
            await self._inputs.set(digest)
        except ProvisionerError as error:
            log.warning("the working folder may be out of date: %s", error.message)

    async def _clear(self, note: FileAccess, reason: str) -> Emptied:
        settings = await self._configuration.values()
        shown = _shown(settings)
        try:
            folder = await asyncio.to_thread(find_workdir, self._paths, settings)
        except WorkdirRefused as error:
            note("DELETE_CONTENTS", shown, success=False, info=error.message)
            raise
        if folder is None:
            if shown:
                note("SKIP_DELETE_CONTENTS", shown, info="does not exist")
            return NOTHING
        at_work = await self._at_work()
        try:
            emptied = await asyncio.to_thread(empty, folder, spare_staging=at_work)
        except OSError as error:
            emptied = Emptied(0, 0, (f"everything: {error.strerror}",))
        note("DELETE_CONTENTS", shown, success=not emptied.failures, info=reason)
        if emptied.failures:
            message = f"In the working folder {shown} is left: {'; '.join(emptied.failures)}."
            raise WorkdirNotCleared(message, detail=shown)
        return emptied

    async def _digest(self) -> str:
        settings = await self._configuration.values()
        inputs = {
            variable.name: settings[variable.name].value
            for variable in VARIABLES
            if variable.prepares and variable.name in settings
        }
        text = json.dumps(inputs, sort_keys=True).encode()
        return hashlib.sha256(text).hexdigest()

    def _view(self) -> WorkdirView:
        settings = self._configuration.values_now()
        shown = _shown(settings)
        if not shown:
            return WorkdirView("", WorkdirState.UNSET)
        try:
            folder = find_workdir(self._paths, settings)
        except WorkdirRefused as error:
            return WorkdirView(shown, WorkdirState.REFUSED, reason=error.message)
        return _present(shown, folder)


def _present(shown: str, folder: Path | None) -> WorkdirView:
    if folder is None:
        return WorkdirView(shown, WorkdirState.MISSING)
    found: Measure = measure(folder)
    return WorkdirView(
        path=shown,
        state=WorkdirState.PRESENT,
        size_bytes=found.size_bytes,
        files=found.files,
        oldest=found.oldest,
        newest=found.newest,
    )


def _shown(settings: Mapping[str, Setting]) -> str:
    setting = settings.get(VARIABLE)
    return setting.shown if setting else ""
