"""The station's configuration: packaged values, overridden by those of this station."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

from domain.configuration.assignments import ConfigText
from domain.configuration.edits import Edit
from domain.configuration.file import PATIENCE, ConfigFile, locked
from domain.configuration.revisions import Revisions
from domain.configuration.settings import (
    ConfigurationView,
    Setting,
    SettingChange,
    Source,
    view_of,
)
from domain.configuration.variables import check_changes
from domain.events import Event, Hub, Update, watch_view
from domain.host_paths import HostPaths

Follower = Callable[[tuple[SettingChange, ...]], Awaitable[None]]
"""What is done after values have become others; it raises nothing."""


@dataclass(frozen=True, slots=True)
class ConfigurationChanged(Event):
    """Variables became others; values are not told, since they may be secret."""

    names: tuple[str, ...]


class Configuration:
    """Reads and changes the configuration.

    The methods that end in `_now` block and may be called from any thread; the others run them
    in a thread and belong to the event loop. `patience` is in seconds.
    """

    def __init__(self, paths: HostPaths, hub: Hub, *, patience: float = PATIENCE) -> None:
        self._packaged = ConfigFile(paths, paths.defaults)
        self._user = ConfigFile(paths, paths.config)
        self._hub = hub
        self._patience = patience
        self._turn = asyncio.Lock()
        self._merged: tuple[ConfigText, ConfigText, Mapping[str, Setting]] | None = None
        self._revisions = Revisions()
        self._followers: list[Follower] = []

    def follow(self, follower: Follower) -> None:
        """Has `follower` told of every update through this service, before its caller is."""
        self._followers.append(follower)

    async def view(self) -> ConfigurationView:
        """Returns all settings and their revision; raises `ConfigUnreadable`."""
        return await asyncio.to_thread(self.view_now)

    def watch(self) -> AsyncGenerator[Update[ConfigurationView], None]:
        """Yields the view now and after each change."""
        return watch_view(self._hub, ConfigurationChanged, view=self.view)

    async def values(self) -> Mapping[str, Setting]:
        """Returns every variable of both files by name; raises `ConfigUnreadable`."""
        return await asyncio.to_thread(self.values_now)

    async def value(self, name: str) -> str:
        """Returns the value in force, empty when there is none; raises `ConfigUnreadable`."""
        return await asyncio.to_thread(self.value_now, name)

    async def update(self, changes: Mapping[str, str]) -> tuple[SettingChange, ...]:
        """Stores all `changes` or none, whatever is in force; like `edit` otherwise."""
        return await self.edit(Edit(changes=dict(changes)))

    async def edit(self, edit: Edit) -> tuple[SettingChange, ...]:
        """Stores all changes or none, and publishes `ConfigurationChanged` when the user's file
        has become another one. An empty value is stored as such: it clears.

        Raises what `Edit.settled` raises before anything is written, `ConfigLocked`,
        `ConfigObscure`, `ConfigUnreadable` and `ConfigNotWritten`.
        """
        loop = asyncio.get_running_loop()

        def store() -> tuple[SettingChange, ...]:
            done, written = self._store(edit)
            if written:
                # From the thread, not after it: a caller who is cancelled meanwhile no longer
                # hears that the file was stored, the subscribers must.
                names = tuple(change.name for change in done)
                loop.call_soon_threadsafe(self._hub.publish, ConfigurationChanged(names))
            return done

        check_changes(edit.changes)
        async with self._in_turn():
            done = await asyncio.to_thread(store)
            for follower in self._followers:
                await follower(done)
        return done

    def view_now(self) -> ConfigurationView:
        """Like `view`, blocking."""
        settings = self.values_now()
        revision = self._revisions.of({name: one.value for name, one in settings.items()})
        return view_of(revision, settings, self._packaged.read().values)

    def values_now(self) -> Mapping[str, Setting]:
        """Like `values`, blocking."""
        packaged, user = self._packaged.read(), self._user.read()
        merged = self._merged
        if merged and merged[0] is packaged and merged[1] is user:
            return merged[2]
        settings = {
            **{
                name: Setting(name, text, Source.PACKAGED) for name, text in packaged.values.items()
            },
            **{name: Setting(name, text, Source.USER) for name, text in user.values.items()},
        }
        self._merged = (packaged, user, MappingProxyType(settings))
        return self._merged[2]

    def value_now(self, name: str) -> str:
        """Like `value`, blocking."""
        setting = self.values_now().get(name)
        return setting.value if setting else ""

    def update_now(self, changes: Mapping[str, str]) -> tuple[SettingChange, ...]:
        """Like `update`, blocking, and without an event: for programs that have no hub."""
        return self._store(Edit(changes=dict(changes)))[0]

    def _store(self, edit: Edit) -> tuple[tuple[SettingChange, ...], bool]:
        check_changes(edit.changes)
        if not edit.changes and edit.seen is None:
            return (), False
        with self._user.lock(patience=self._patience):
            packaged, user = self._packaged.read(), self._user.read()
            old = {**packaged.values, **user.values}
            wanted = edit.settled(old, self._revisions)
            written = self._user.write(user, wanted)
        done = tuple(SettingChange(name, old.get(name, ""), new) for name, new in wanted.items())
        return done, written

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        # One waiting thread at a time: many would take all threads from those who only read.
        try:
            async with asyncio.timeout(self._patience):
                await self._turn.acquire()
        except TimeoutError as error:
            raise locked(self._user.logical) from error
        try:
            yield
        finally:
            self._turn.release()
