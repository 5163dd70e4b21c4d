"""The history of the configuration: what changed, when and by whom, and one step back."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from domain.caller import Caller, acting
from domain.configuration.configuration import Configuration, Done
from domain.configuration.edits import Edit, Prepare
from domain.configuration.last_seen import Alteration, KeptText, LastSeen
from domain.configuration.masking import is_secret
from domain.configuration.settings import SettingChange
from domain.errors import Conflict, Invalid, NotFound, Unavailable
from domain.paging import Page, PageRequest, cursor_of

ORDER = "configuration-history"
MOST_WAITING = 1000
"""Entries that wait in memory while they cannot be kept."""

log = logging.getLogger("provisioner.configuration")


class ConfigChangeUnknown(NotFound):
    """No change has this number."""

    code = "CONFIG_CHANGE_UNKNOWN"
    title = "Change Not Found"
    meaning = "The history of the configuration has no change with this id."
    remedy = "Use an id that the query `configurationHistory` shows."


class ConfigChangeOverlaid(Conflict):
    """A later change stands on what would be taken back."""

    code = "CONFIG_CHANGE_OVERLAID"
    title = "Changed Again Meanwhile"
    meaning = "A setting of the change has another value by now, so it cannot simply be taken back."
    remedy = "Take back the later change first, or set the value that you want."


class SecretNotKept(Invalid):
    """Nothing is known that could be put back."""

    code = "SECRET_NOT_KEPT"
    title = "Secret Not Kept"
    meaning = "The change is of secrets only, and old secrets are not kept."
    remedy = "Set the secret again."


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """A change of the configuration; `caller` is empty where it was made outside this service.
    `undoes` is the change that it takes back."""

    id: int
    at: datetime
    caller: str
    role: str
    address: str
    surface: str
    undoes: int | None
    alterations: tuple[Alteration, ...]


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What became of each setting, and the names of those that could not be put back."""

    changes: tuple[SettingChange, ...]
    left: tuple[str, ...]


class KeptChanges(Protocol):
    """Where changes are kept. All raise a kind of `Unavailable`."""

    async def add(self, change: ConfigChange) -> ConfigChange:
        """Keeps the change; it is on the disk when this returns. Returns it with its id."""

    async def find(self, number: int) -> ConfigChange | None:
        """Returns the change with this id."""

    async def read(self, request: PageRequest) -> Sequence[ConfigChange]:
        """Returns up to one more than the page holds, beginning at the page's edge: by id
        descending, ascending for a page that is asked for backwards."""

    async def count(self) -> int:
        """Returns how many there are."""


def utc_now() -> datetime:
    """Returns the present moment."""
    return datetime.now(UTC)


class ConfigHistory:
    """Keeps every change, and takes one back. Belongs to the event loop."""

    def __init__(
        self,
        configuration: Configuration,
        kept: KeptChanges,
        seen: KeptText,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._configuration = configuration
        self._kept = kept
        self._last_seen = LastSeen(seen)
        self._clock = clock
        self._turn = asyncio.Lock()
        self._waiting: deque[ConfigChange] = deque(maxlen=MOST_WAITING)

    async def list_page(self, request: PageRequest, *, counted: bool) -> Page[ConfigChange]:
        """Returns a page, the newest first; raises `Unavailable`."""
        await self._keep()
        async with self._turn:
            # Nothing is added in between: the total is that of the page.
            found = list(await self._kept.read(request))
            total = await self._kept.count() if counted else None
        more, changes = len(found) > request.size, found[: request.size]
        if request.backwards:
            changes = changes[::-1]
        inside = request.key is not None
        return Page(
            items=changes,
            cursors=[cursor_of((change.id,), ORDER) for change in changes],
            has_next=inside if request.backwards else more,
            has_previous=more if request.backwards else inside,
            total=total,
        )

    async def begin(self) -> None:
        """Keeps what became another value while nothing ran, or was never kept because the service
        was killed; raises `Unavailable`."""
        await self._notice({})
        await self._keep()

    async def record(self, done: Done) -> None:
        """Keeps what was done, if anything became another value; never raises. While it cannot be
        kept it waits in memory."""
        altered = tuple(_alteration(change) for change in done.changes if change.differs)
        if not altered:
            return
        change = _change(self._clock(), acting.get(), done.undoes, altered)
        try:
            await self._notice({one.name: one.old for one in done.changes})
        except Unavailable as error:
            log.warning("the last known configuration cannot be read: %s", error.message)
        self._last_seen.take({one.name: one.new for one in done.changes})
        self._waiting.append(change)
        try:
            await self._keep()
        except Unavailable as error:
            log.warning("a change of the configuration waits to be kept: %s", error.message)

    async def roll_back(
        self,
        number: int,
        *,
        seen: str,
        confirmed: AbstractSet[str],
        prepare: Prepare | None = None,
    ) -> RolledBack:
        """Gives every setting of a change the value that it had before, secrets excepted. What was
        there once, by whomever, need not be good: `prepare` judges it like any other edit.

        Raises `ConfigChangeUnknown`, `ConfigChangeOverlaid`, `SecretNotKept` and what
        `Configuration.edit` raises.
        """
        change = await self.get(number)
        known = [one for one in change.alterations if not one.is_secret]
        if not known:
            raise SecretNotKept("Old secrets are not kept; set the secret again.", field="change")
        await self._check(known)
        edit = Edit(
            changes={one.name: one.old for one in known},
            seen=seen,
            confirmed=confirmed,
            prepare=prepare,
            undoes=number,
        )
        done = await self._configuration.edit(edit)
        return RolledBack(done, tuple(one.name for one in change.alterations if one.is_secret))

    async def get(self, number: int) -> ConfigChange:
        """Returns one change; raises `ConfigChangeUnknown` and `Unavailable`."""
        await self._keep()
        change = await self._kept.find(number)
        if change is None:
            raise ConfigChangeUnknown(f"There is no change {number}.", detail=str(number))
        return change

    async def _check(self, alterations: Sequence[Alteration]) -> None:
        settings = await self._configuration.values()
        other = [
            one.name
            for one in alterations
            if (settings[one.name].shown if one.name in settings else "") != one.new
        ]
        if other:
            names = ", ".join(other)
            message = f"{names} changed again since; take back the later change first."
            raise ConfigChangeOverlaid(message, detail=names, field=other[0])

    async def _keep(self) -> None:
        async with self._turn:
            while self._waiting:
                await self._kept.add(self._waiting[0])
                self._waiting.popleft()
            await self._last_seen.keep()

    async def _notice(self, just_before: Mapping[str, str]) -> None:
        async with self._turn:
            settings = await self._configuration.values()
            values = {name: one.value for name, one in settings.items()}
            altered = await self._last_seen.begin({**values, **just_before})
            if altered:
                self._waiting.append(_change(self._clock(), None, None, altered))


def _alteration(change: SettingChange) -> Alteration:
    if is_secret(change.name, change.old) or is_secret(change.name, change.new):
        return Alteration(change.name, "", "", is_secret=True)
    old, new = (
        value.encode(errors="surrogateescape").decode(errors="replace")
        for value in (change.old, change.new)
    )
    return Alteration(change.name, old, new)


def _change(
    at: datetime, by: Caller | None, undoes: int | None, altered: tuple[Alteration, ...]
) -> ConfigChange:
    change = ConfigChange(0, at, "", "", "", "", undoes, altered)
    if by is None:
        return change
    return replace(
        change, caller=by.name, role=by.role.words, address=by.address, surface=by.surface
    )
