"""The station's configuration: packaged values, overridden by those of this station."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from domain.configuration.assignments import ConfigText
from domain.configuration.file import PATIENCE, ConfigFile, locked
from domain.configuration.variables import check_changes
from domain.events import Event, Hub
from domain.host_paths import HostPaths


class Source(StrEnum):
    """Which file a value comes from."""

    PACKAGED = "packaged"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable's value in force.

    An empty value of the user's file counts: it overrides the packaged one (contract
    configuration 3.1). Bytes that are not UTF-8 are lone surrogates in `value`, so that a path
    names the same file.
    """

    name: str
    value: str = field(repr=False)
    source: Source

    @property
    def shown(self) -> str:
        """The value as every client can take it: U+FFFD for what is not UTF-8."""
        return self.value.encode(errors="surrogateescape").decode(errors="replace")


@dataclass(frozen=True, slots=True)
class SettingChange:
    """What an update did to one variable: its value in force before (empty when it had none)
    and after."""

    name: str
    old: str = field(repr=False)
    new: str = field(repr=False)

    @property
    def differs(self) -> bool:
        """Whether the value in force is another one now."""
        return self.old != self.new


@dataclass(frozen=True, slots=True)
class ConfigurationChanged(Event):
    """Variables were set through this service; values are not told, since they may be secret."""

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

    async def values(self) -> Mapping[str, Setting]:
        """Returns every variable of both files by name; raises `ConfigUnreadable`."""
        return await asyncio.to_thread(self.values_now)

    async def value(self, name: str) -> str:
        """Returns the value in force, empty when there is none; raises `ConfigUnreadable`."""
        return await asyncio.to_thread(self.value_now, name)

    async def update(self, changes: Mapping[str, str]) -> tuple[SettingChange, ...]:
        """Stores all `changes` or none, and publishes `ConfigurationChanged` when the user's file
        has become another one. An empty value is stored as such: it clears.

        Raises `ConfigKeyRefused` and `ConfigValueRefused` before anything is written,
        `ConfigLocked`, `ConfigObscure`, `ConfigUnreadable` and `ConfigNotWritten`.
        """
        wanted, loop = dict(changes), asyncio.get_running_loop()

        def store() -> tuple[SettingChange, ...]:
            done, written = self._store(wanted)
            if written:
                # From the thread, not after it: a caller who is cancelled meanwhile no longer
                # hears that the file was stored, the subscribers must.
                loop.call_soon_threadsafe(self._hub.publish, ConfigurationChanged(tuple(wanted)))
            return done

        check_changes(wanted)
        async with self._in_turn():
            return await asyncio.to_thread(store)

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
        return self._store(dict(changes))[0]

    def _store(self, changes: dict[str, str]) -> tuple[tuple[SettingChange, ...], bool]:
        check_changes(changes)
        if not changes:
            return (), False
        with self._user.lock(patience=self._patience):
            packaged, user = self._packaged.read(), self._user.read()
            written = self._user.write(user, changes)
        old = {**packaged.values, **user.values}
        done = tuple(SettingChange(name, old.get(name, ""), new) for name, new in changes.items())
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
