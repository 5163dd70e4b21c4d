"""Statuses: how every board stands, kept and told; only what changed is judged again."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from domain.devices.device_filters import EVERY_DEVICE, DeviceFilter, DeviceView
from domain.devices.devices import ORDER, Devices, newest_first
from domain.devices.explanations import Explanations
from domain.devices.occupants import Occupants, board_at, find_device
from domain.devices.projection import Device
from domain.devices.verdicts import Verdicts
from domain.devices.witnesses import Witnesses
from domain.errors import ProvisionerError
from domain.events import Event, Hub
from domain.paging import Key, Page, PageRequest, slice_page

log = logging.getLogger("provisioner.statuses")

PATIENCE = 0.5
"""Seconds that a question waits for other sources than the rows; what they have not said by then
is told as being checked."""


@dataclass(frozen=True, slots=True)
class DeviceStatusChanged(Event):
    """These boards (by `Device.key`) have another status, evidence, explanation or row, or are
    gone; empty: everything was read anew."""

    keys: frozenset[str]


Wants = Callable[[Device], bool]


class Statuses:
    """Judges boards when their rows, units, places or records change, and when a limit is over.

    What asks for boards raises what `Devices` raises.
    """

    def __init__(
        self, hub: Hub, devices: Devices, *, ports: Occupants, witnesses: Witnesses,
        verdicts: Verdicts, explanations: Explanations,
    ) -> None:  # fmt: skip
        self._hub = hub
        self._devices = devices
        self._ports = ports
        self._witnesses = witnesses
        self._explanations = explanations
        self.verdicts = verdicts
        self._began = self._behind = False
        self._doubted: set[str] = set()
        self._settling = asyncio.Lock()
        self._next: asyncio.Future[None] | None = None
        self._turns: set[asyncio.Future[None]] = set()

    async def list_page(
        self, request: PageRequest, wanted: DeviceFilter = EVERY_DEVICE
    ) -> Page[DeviceView]:
        """Returns a page of the wanted boards, the one that changed last first."""
        await self.ready()
        devices, view = self._devices.newest_first(), self.verdicts.view
        if wanted == EVERY_DEVICE:
            page = slice_page(devices, request, order=ORDER, key=newest_first)
            return _viewed(page, [view(device) for device in page.items])
        views = [one for one in map(view, devices) if wanted.takes(one)]
        return slice_page(views, request, order=ORDER, key=_newest_first)

    async def get(self, *, serial: str | None = None, port: str | None = None) -> DeviceView:
        """Returns the board with this serial of either length, the one in `port`, or the
        one that was last there. Raises `SerialMissing` and `DeviceNotFound`."""
        await find_device(self._devices, self._ports, serial=serial, port=port)
        await self.ready()
        found = await find_device(self._devices, self._ports, serial=serial, port=port)
        return self.verdicts.view(found)

    def at(self, port: str) -> DeviceView | None:
        """Returns the board in a port, or the one that was last there, as it was judged last."""
        device = board_at(self._devices, self._ports, port)
        return self.verdicts.view(device) if device else None

    def find(self, key: str) -> DeviceView | None:
        """Returns the board with this key as it was judged last, None where there is none."""
        device = self._devices.projection.devices.get(key)
        return self.verdicts.view(device) if device else None

    async def list_newest(self, wants: Wants, most: int) -> list[DeviceView]:
        """Returns the wanted boards, the one that changed last first, `most` of them at most."""
        await self.ready()
        found = islice(filter(wants, self._devices.newest_first()), most)
        return [self.verdicts.view(device) for device in found]

    def list_changed(self, keys: Collection[str], wants: Wants) -> list[DeviceView]:
        """Returns those of these boards that are there and wanted, as they were judged last."""
        devices = self._devices.projection.devices
        found = [devices[key] for key in keys if key in devices]
        wanted = sorted(filter(wants, found), key=newest_first)
        return [self.verdicts.view(device) for device in wanted]

    def gone(self, keys: Collection[str]) -> list[str]:
        """Returns those of these boards that are there no longer."""
        return [key for key in keys if key not in self._devices.projection.devices]

    async def explain(self, view: DeviceView) -> str | None:
        """Returns the line of the log that says why a board failed or stalled, None where there
        is none or the board needs no reason."""
        return await self._explanations.find(view)

    async def look_for_reasons(self) -> None:
        """Tells the boards whose line came, or became another one, after it was asked for; while
        nobody is told of changes, whoever asks reads the logs."""
        if self._hub.hears(DeviceStatusChanged):
            self._tell(await self._explanations.look())

    async def ready(self) -> None:
        """Waits until the last rows are judged; for the other sources `PATIENCE` at most."""
        await self._devices.catch_up()
        if not self._settling.locked() and not self._has_news():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self.settle()

    async def settle(self) -> None:
        """Judges whatever changed; all who ask while that goes on share the next turn."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._settle_next())
            self._turns.add(self._next)
            self._next.add_done_callback(self._heard)
        await asyncio.shield(self._next)

    async def aclose(self) -> None:
        """Ends the judging that goes on."""
        for turn in self._turns:
            turn.cancel()
        await asyncio.gather(*self._turns, return_exceptions=True)

    def doubt(self, keys: Iterable[str]) -> None:
        """Has these boards judged again at the next turn."""
        self._doubted.update(keys)

    def _heard(self, turn: asyncio.Future[None]) -> None:
        """Logs what nobody may be waiting for any more; the next question asks again."""
        self._turns.discard(turn)
        error = None if turn.cancelled() else turn.exception()
        if error is not None and not isinstance(error, ProvisionerError):
            log.error("boards could not be judged", exc_info=error)

    def _has_news(self) -> bool:
        return bool(self._doubted or self._devices.has_changes or self.verdicts.due())

    async def _settle_next(self) -> None:
        async with self._settling:
            self._next = None
            await self._settle()

    async def _settle(self) -> None:
        await self._devices.catch_up()
        changes = self._devices.take_changes()
        self._behind = self._behind or changes is None
        if self._behind or changes is None:
            await self._begin()
            self._behind = False
            return
        doubted, self._doubted = self._doubted, set()
        due = self.verdicts.due()
        self._witnesses.whereabouts.look()
        self._see(changes, before=False)
        # The rows are told at once; what the other sources say of them follows.
        await self.verdicts.judge(changes, checking=True)
        self._tell(changes)
        await self._gather(changes | due)
        keys = changes | due | doubted
        self._tell(await self.verdicts.judge(keys))
        await self._keep_failures(keys)

    async def _begin(self) -> None:
        """Judges everything: it was read for the first time, or anew."""
        keys = list(self._devices.projection.devices)
        self.verdicts.clear()
        self._explanations.clear()
        self._witnesses.forget()
        self._see(keys, before=True)
        await self._witnesses.refresh()
        self._witnesses.whereabouts.look()
        await self._gather(keys)
        await self.verdicts.judge(keys)
        if self._began:
            self._hub.publish(DeviceStatusChanged(frozenset()))
        self._began = True
        await self._keep_failures(keys)

    def _see(self, keys: Iterable[str], *, before: bool) -> None:
        for key in keys:
            run = self._devices.projection.runs.latest(key)
            if run is not None:
                self._witnesses.see(key, run, before=before)

    async def _gather(self, keys: Iterable[str]) -> None:
        runs = self._devices.projection.runs
        boards = {key: run for key in keys if (run := runs.latest(key)) is not None}
        await self._witnesses.gather(boards)

    async def _keep_failures(self, keys: Iterable[str]) -> None:
        runs = self._devices.projection.runs
        for key in keys:
            verdict, run = self.verdicts.find(key), runs.latest(key)
            if verdict is not None and run is not None:
                await self._witnesses.failures.settle(run, runs.started_at(run), verdict)

    def _tell(self, keys: Collection[str]) -> None:
        if keys:
            self._hub.publish(DeviceStatusChanged(frozenset(keys)))


def _viewed(page: Page[Device], views: list[DeviceView]) -> Page[DeviceView]:
    return Page(views, page.cursors, page.has_next, page.has_previous, page.total)


def _newest_first(view: DeviceView) -> Key:
    return newest_first(view.device)
