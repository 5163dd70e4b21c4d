"""The station's configuration: packaged values, overridden by those of this station."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

from domain.caller import acting
from domain.configuration.assignments import ConfigText
from domain.configuration.edits import Edit
from domain.configuration.file import PATIENCE, REST_SECONDS, ConfigFile, locked
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

REST_TRIES = 60
"""Looks after which a file that never rests is taken as it is."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an update did to each variable, and which change it took back."""

    changes: tuple[SettingChange, ...]
    undoes: int | None = None


Follower = Callable[[Done], Awaitable[None]]
"""What is done after values have become others; it raises nothing."""


@dataclass(frozen=True, slots=True)
class ConfigurationChanged(Event):
    """Variables became others; values are not told, since they may be secret."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Stored:
    changes: tuple[SettingChange, ...]
    before: Mapping[str, str]
    is_written: bool


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
        self._told: Mapping[str, str] | None = None

    def follow(self, follower: Follower) -> None:
        """Has `follower` told of every update: of those through this service before their caller
        is, of those by others from `look` on."""
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

        def store() -> _Stored:
            stored = self._store(edit)
            if stored.is_written:
                # From the thread, not after it: a caller who is cancelled meanwhile no longer
                # hears that the file was stored, the subscribers must.
                names = tuple(change.name for change in stored.changes)
                loop.call_soon_threadsafe(self._hub.publish, ConfigurationChanged(names))
            return stored

        check_changes(edit.changes)
        async with self._in_turn():
            stored = await asyncio.to_thread(store)
            await self._tell_of_others(stored.before)
            new = {change.name: change.new for change in stored.changes}
            self._told = {**stored.before, **new}
            await self._tell(Done(stored.changes, edit.undoes))
        return stored.changes

    async def look(self) -> None:
        """Tells of what somebody else has written since the last time, once it is written to its
        end; raises `ConfigUnreadable`."""
        for _ in range(REST_TRIES):
            if await self._look(is_patient=True):
                return
            await asyncio.sleep(REST_SECONDS / 4)
        await self._look(is_patient=False)

    async def _look(self, *, is_patient: bool) -> bool:
        async with self._in_turn():
            settings = await self.values()
            present = {name: one.value for name, one in settings.items()}
            if present != self._told and is_patient and not self._is_at_rest():
                return False
            await self._tell_of_others(present)
        return True

    def _is_at_rest(self) -> bool:
        return self._user.is_at_rest() and self._packaged.is_at_rest()

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
        return self._store(Edit(changes=dict(changes))).changes

    def _store(self, edit: Edit) -> "_Stored":
        check_changes(edit.changes)
        with self._user.lock(patience=self._patience):
            packaged, user = self._packaged.read(), self._user.read()
            old = {**packaged.values, **user.values}
            wanted = edit.settled(old, self._revisions)
            written = self._user.write(user, wanted)
        done = tuple(SettingChange(name, old.get(name, ""), new) for name, new in wanted.items())
        return _Stored(done, old, written)

    async def _tell(self, done: Done) -> None:
        for follower in self._followers:
            await follower(done)

    async def _tell_of_others(self, present: Mapping[str, str]) -> None:
        told, self._told = self._told, present
        if told is None or told == present:
            return
        changes = tuple(
            SettingChange(name, told.get(name, ""), present.get(name, ""))
            for name in sorted({*told, *present})
            if told.get(name) != present.get(name)
        )
        self._hub.publish(ConfigurationChanged(tuple(change.name for change in changes)))
        # Whoever is editing just now did not do it.
        by = acting.get()
        acting.set(None)
        try:
            await self._tell(Done(changes))
        finally:
            acting.set(by)

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
