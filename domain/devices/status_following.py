"""Following: what has boards judged again, and how watchers are told."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from domain.devices.device_filters import DeviceView
from domain.devices.devices import DevicesChanged
from domain.devices.projection import Device
from domain.devices.statuses import DeviceStatusChanged, Statuses
from domain.devices.witnesses import Witnesses
from domain.events import Event, Hub, Lagged, Published, Subscription, Update
from domain.manufacturing.board_records import RecordsChanged
from domain.paging import MOST
from domain.serials import board_key
from domain.services.units import UnitChanged

REFRESH_SECONDS = 10.0
"""The net under the events: so often all units are listed again."""
LOOK_SECONDS = 1.0
"""So late at most a limit that is over is seen."""


@dataclass(frozen=True, slots=True)
class DeviceFrame:
    """Boards that changed, the newest first, and the keys of nameless ones that are there no
    longer since they told a serial."""

    views: list[DeviceView]
    gone: list[str]


class StatusFollower:
    """Hears everything that may change a status. `places` are the events that tell that something
    was plugged in or out; `clock` is monotonic."""

    def __init__(
        self,
        hub: Hub,
        statuses: Statuses,
        witnesses: Witnesses,
        *,
        places: tuple[type[Event], ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hub = hub
        self._statuses = statuses
        self._witnesses = witnesses
        self._kinds = (DevicesChanged, UnitChanged, RecordsChanged, *places)
        self._clock = clock

    async def run(self) -> None:
        """Follows until it is cancelled; raises what `Devices` raises, and may be run again."""
        with self._hub.subscribe(*self._kinds) as subscription:
            await self._refresh()
            refresh_at = self._clock() + REFRESH_SECONDS
            while True:
                await self._statuses.settle()
                await self._statuses.look_for_reasons()
                news = await self._next(subscription, refresh_at)
                while news is not None and not await self._heed(news):
                    news = await self._next(subscription, refresh_at)
                if self._clock() >= refresh_at:
                    await self._refresh()
                    refresh_at = self._clock() + REFRESH_SECONDS

    async def refresh(self) -> None:
        """Lists all units again, for what they did while nobody heard them."""
        await self._refresh()
        await self._statuses.settle()

    async def _next(
        self, subscription: Subscription, refresh_at: float
    ) -> Published | Lagged | None:
        """Returns the next news, None when a limit is over."""
        now, limit = self._clock(), self._statuses.verdicts.next_limit
        # Whoever asks for boards has them judged too, and so may set a nearer limit meanwhile.
        seconds = min(
            refresh_at - now, LOOK_SECONDS, LOOK_SECONDS if limit is None else limit - now
        )
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                return await subscription.next()
        except TimeoutError:
            return None

    async def _heed(self, news: Published | Lagged) -> bool:
        """Takes the news in; returns whether they matter to any board."""
        if isinstance(news, Lagged):
            await self._refresh()
            await self._read_records(frozenset())
            return True
        event = news.event
        if isinstance(event, UnitChanged):
            return await self._hear_unit(event)
        if isinstance(event, RecordsChanged):
            await self._read_records(event.keys)
        elif not isinstance(event, DevicesChanged):
            self._doubt_places()
        return True

    async def _hear_unit(self, change: UnitChanged) -> bool:
        works_on = await self._witnesses.units.hear(change)
        if works_on is None:
            return False
        # A device node is no board's name: it may be that of any board under way.
        is_node = works_on.startswith("/")
        verdicts = self._statuses.verdicts
        self._statuses.doubt(verdicts.unsettled() if is_node else {works_on})
        return True

    async def _read_records(self, keys: frozenset[str]) -> None:
        boards = list(keys or self._statuses.verdicts.finished())
        await self._witnesses.records.read(boards)
        self._statuses.doubt(boards)

    def _doubt_places(self) -> None:
        whereabouts = self._witnesses.whereabouts
        whereabouts.look()
        self._statuses.doubt({*self._statuses.verdicts.unsettled(), *whereabouts.plugged})

    async def _refresh(self) -> None:
        changed = await self._witnesses.refresh()
        self._statuses.doubt(changed | self._statuses.verdicts.unsettled())


async def watch_devices(
    hub: Hub,
    statuses: Statuses,
    *,
    serial: str | None = None,
    port: str | None = None,
    most: int = MOST,
    places: tuple[type[Event], ...] = (),
) -> AsyncGenerator[Update[DeviceFrame], None]:
    """Yields the boards that changed last, `most` of them at most, or the one with this serial, or
    the one in this port, else the last one there; then, each time, those that changed.

    `places` are the events that tell that something was plugged in or out.
    """
    key = board_key(serial) if serial else None
    if port is None:
        updates = _watch_boards(hub, statuses, key, most=most)
    else:
        updates = _watch_port(hub, statuses, port, key=key, places=places)
    async with aclosing(updates):
        async for update in updates:
            yield update


async def _watch_boards(
    hub: Hub, statuses: Statuses, key: str | None, *, most: int
) -> AsyncGenerator[Update[DeviceFrame], None]:
    def wants(device: Device) -> bool:
        return key is None or device.key == key

    async def snapshot() -> DeviceFrame:
        return DeviceFrame(await statuses.list_newest(wants, most), [])

    with hub.subscribe(DeviceStatusChanged) as subscription:
        # The sequence is read before the view: a change in between is told again, never lost.
        told = hub.newest_of(DeviceStatusChanged)
        yield Update(told, snapshot=True, value=await snapshot())
        while True:
            news = await subscription.next()
            keys = _changed(news)
            if isinstance(news, Lagged) or keys is None:
                told = hub.newest_of(DeviceStatusChanged)
                yield Update(told, snapshot=True, value=await snapshot())
                continue
            gone = statuses.gone(keys) if key is None else []
            frame = DeviceFrame(statuses.list_changed(keys, wants), gone)
            if news.sequence > told and (frame.views or frame.gone):
                yield Update(news.sequence, snapshot=False, value=frame)


async def _watch_port(
    hub: Hub,
    statuses: Statuses,
    port: str,
    *,
    key: str | None,
    places: tuple[type[Event], ...],
) -> AsyncGenerator[Update[DeviceFrame], None]:
    """Yields the board each time that it changed; another one, or none, is a snapshot, so that the
    one before it goes."""

    def there() -> dict[str, DeviceView]:
        view = statuses.at(port)
        return {view.device.key: view} if view and key in (None, view.device.key) else {}

    kinds: tuple[type[Event], ...] = (DeviceStatusChanged, *places)
    with hub.subscribe(*kinds) as subscription:
        told = hub.newest_of(*kinds)
        await statuses.ready()
        before = there()
        yield Update(told, snapshot=True, value=DeviceFrame([*before.values()], []))
        while True:
            news = await subscription.next()
            sequence = hub.newest_of(*kinds) if isinstance(news, Lagged) else news.sequence
            now, keys = there(), _changed(news)
            anew = keys is None or now.keys() != before.keys()
            if anew or not now.keys().isdisjoint(keys or ()):
                yield Update(sequence, snapshot=anew, value=DeviceFrame([*now.values()], []))
            before = now


def _changed(news: Published | Lagged) -> frozenset[str] | None:
    """Returns the boards that changed, None where those may be all."""
    if isinstance(news, Lagged):
        return None
    if not isinstance(news.event, DeviceStatusChanged):
        return frozenset()
    return news.event.keys or None
