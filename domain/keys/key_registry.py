"""The registry of signing keys in step with the configuration and with the files."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from domain.configuration.configuration import Configuration, Done
from domain.errors import ProvisionerError
from domain.events import Event, Hub
from domain.keys.key_files import KeyFiles
from domain.keys.registry import KeyKind, Registry, SigningKey, new_key
from domain.keys.registry_file import RegistryFile
from domain.keys.selection import VARIABLES, Selection, selected_now

log = logging.getLogger("provisioner.keys")

Edit = Callable[[Registry], Registry]
Clock = Callable[[], datetime]


class SigningKeysChanged(Event):
    """A key was added, changed, removed, or another one is active."""


def utc_now() -> datetime:
    """Returns the time that new keys are registered with."""
    return datetime.now(UTC)


class KeyRegistry:
    """Reads and changes the registry.

    The configuration says which key is active, since the scripts sign with what it names; the
    registry's own note of it is brought in step at every look and after every update of the
    configuration. A station of old without a registry gets one with its configured key.
    """

    def __init__(
        self,
        hub: Hub,
        configuration: Configuration,
        *,
        files: KeyFiles,
        file: RegistryFile,
        now: Clock = utc_now,
    ) -> None:
        self._hub = hub
        self._configuration = configuration
        self._files = files
        self._file = file
        self._now = now

    async def read(self) -> Registry:
        """Returns the registry in step; raises `RegistryUnreadable` and `ConfigUnreadable`.

        What is out of step is put right on the disk; where that fails, only in the answer.
        """
        return await asyncio.to_thread(self.read_now)

    async def change(self, edit: Edit) -> Registry:
        """Stores what `edit` makes of the registry, and tells the hub when that is another one.

        Raises what `edit` raises, `RegistryUnreadable`, `ConfigUnreadable`, `RegistryLocked` and
        `RegistryNotWritten`.
        """
        loop = asyncio.get_running_loop()

        def store() -> Registry:
            registry, written = self._store(edit)
            if written:
                # From the thread: a caller who is cancelled meanwhile hears it no more.
                loop.call_soon_threadsafe(self._hub.publish, SigningKeysChanged())
            return registry

        return await asyncio.to_thread(store)

    async def follow(self, done: Done) -> None:
        """Brings the registry in step after an update of the configuration; what fails is logged
        and put right at the next look."""
        if not any(change.name in VARIABLES for change in done.changes):
            return
        try:
            await self.change(lambda registry: registry)
        except ProvisionerError as error:
            log.warning("the registry of signing keys is out of step: %s", error.message)

    async def probe(self) -> None:
        """Returns when the registry can be read; raises as `read` does."""
        await self.read()

    async def begin(self) -> None:
        """Brings the registry in step with what happened while nothing ran; what fails is logged
        and told again by the first who asks."""
        try:
            await self.read()
        except ProvisionerError as error:
            log.warning("the signing keys cannot be looked at: %s", error.message)

    def read_now(self) -> Registry:
        """Like `read`, blocking."""
        stored = self._file.read()
        settled = self._settled(stored)
        if settled != stored:
            try:
                settled = self._store(lambda registry: registry)[0]
            except ProvisionerError as error:
                log.warning("the registry of signing keys is out of step: %s", error.message)
        return self._live(settled)

    def _store(self, edit: Edit) -> tuple[Registry, bool]:
        with self._file.lock():
            stored = self._file.read()
            wanted = self._settled(edit(self._live(self._settled(stored))))
            if wanted != stored:
                self._file.write(wanted)
        return wanted, wanted != stored

    def _settled(self, registry: Registry) -> Registry:
        selection = selected_now(self._configuration)
        if not registry.keys:
            registry = self._with_legacy(registry, selection)
        return registry.activating(selection.active(registry))

    def _with_legacy(self, registry: Registry, selection: Selection) -> Registry:
        """Registers the configured file of a station of old, fit or not (contract configuration
        10). A token's key is registered by hand: a look must not log in to a token."""
        if not selection.path:
            return registry
        try:
            opened = self._files.open(selection.path)
        except ProvisionerError:
            return registry
        key = new_key(
            KeyKind.PEM,
            selection.path,
            label=PurePosixPath(selection.path).name,
            report=opened.key.report,
            is_wrapped=opened.is_wrapped,
            now=self._now(),
        )
        return registry.with_key(key)

    def _live(self, registry: Registry) -> Registry:
        return replace(registry, keys=tuple(self._with_truth(key) for key in registry.keys))

    def _with_truth(self, key: SigningKey) -> SigningKey:
        wrapped = self._files.is_wrapped(key.path) if key.kind is KeyKind.PEM else True
        return key if wrapped is None else replace(key, is_wrapped=wrapped)
