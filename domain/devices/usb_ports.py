"""The USB ports of the station: what is plugged in, what is known of it, and its changes."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import datetime

from domain.devices.devices import Devices, DevicesChanged
from domain.devices.knowledge import Knowledge
from domain.devices.live_topology import (
    NOTHING,
    LiveTopology,
    Port,
    TopologyChange,
    TopologyChanged,
    change_between,
    whole_of,
)
from domain.devices.occupants import Occupant, occupant_of
from domain.devices.port_names import PortNames, PortNotFound, checked_name
from domain.devices.port_rules import (
    Permission,
    PortRules,
    checked_path,
    read_port_rules,
)
from domain.devices.presence import Plugged
from domain.devices.scanning import NET_SECONDS, Scanning
from domain.devices.usb_events import UsbEvents
from domain.devices.usb_look import UsbLook, UsbLooks, live
from domain.devices.usb_tree import UsbTreeUnreadable
from domain.events import Event, Hub, Update, watch_changes, watch_view
from domain.host_paths import HostPaths
from domain.manufacturing.board_records import BoardRecords, RecordsChanged

FIRST_SECONDS = 3.0
"""How long who asks at the start waits for the first scan."""
ROW_SCAN_SECONDS = 1.0
"""From a row to the scan that it leads to."""


@dataclass(frozen=True, slots=True)
class NamedPort:
    """A port that was named; `name` None is none. `port` is None while its hub is not there."""

    id: str
    name: str | None
    port: Port | None


class UsbPorts:
    """Satisfies `Presence` and `Occupants` of `domain.devices`. `clock` tells the time, UTC."""

    def __init__(
        self,
        hub: Hub,
        paths: HostPaths,
        devices: Devices,
        records: BoardRecords,
        *,
        names: PortNames,
        events: UsbEvents,
        clock: Callable[[], datetime],
    ) -> None:
        self._hub, self._paths, self._clock = hub, paths, clock
        self._names, self._events = names, events
        self._looks = UsbLooks(paths)
        self._knowledge = Knowledge(devices, records, started_at=clock())
        self._look: UsbLook | None = None
        self._known_names: Mapping[str, str] | None = None
        self._naming = asyncio.Lock()
        self._current = NOTHING
        self._joining = asyncio.Lock()
        self.scanning = Scanning(self._scan)

    @property
    def current(self) -> LiveTopology:
        """The topology as of the last scan and the last row."""
        return self._current

    @property
    def available(self) -> bool:
        """Whether the USB tree could be read; while it cannot, absence means nothing."""
        return self._look is not None and not self._look.problem

    def plugged(self) -> Mapping[str, Plugged]:
        """Returns what is plugged in, by port."""
        return self._knowledge.occupancy.plugged

    def occupant(self, port: str) -> Occupant | None:
        """Returns the board in a port, None where the rows have to tell who was there last."""
        return occupant_of(self._current, port) if self.available else None

    def empty_since(self, port: str) -> datetime | None:
        """Returns when the port was last seen empty, UTC; None when this service never saw it
        so."""
        emptied = self._knowledge.occupancy.emptied.get(port)
        return emptied.at if emptied else None

    async def view(self) -> LiveTopology:
        """Returns the topology; at the start, once the first scan is done or takes too long."""
        with suppress(TimeoutError):
            await self.scanning.wait_for_first(FIRST_SECONDS)
        return self._current

    async def watch(self) -> AsyncGenerator[Update[LiveTopology], None]:
        """Yields the whole topology now and after changes; several may share one frame."""
        # Before one subscribes: the first scan would else be told twice.
        await self.view()
        async with aclosing(watch_view(self._hub, TopologyChanged, view=self.view)) as updates:
            async for update in updates:
                yield update

    async def watch_changes(self) -> AsyncGenerator[Update[TopologyChange], None]:
        """Yields the whole topology as one change, then what changes."""

        async def snapshot() -> TopologyChange:
            return whole_of(self._current)

        await self.view()
        changes = watch_changes(self._hub, TopologyChanged, snapshot=snapshot, change=_change_of)
        async with aclosing(changes):
            async for update in changes:
                yield update

    def request_scan(self) -> None:
        """Wants a scan; returns at once."""
        self.scanning.request()

    async def rescan(self) -> LiveTopology:
        """Returns the topology of a scan that began after this call.

        Raises `UsbTreeUnreadable`, also when the kernel does not answer in time.
        """
        with suppress(TimeoutError):
            await self.scanning.request_and_wait(NET_SECONDS)
        self._check_tree()
        return self._current

    async def probe(self) -> None:
        """Raises why the USB tree cannot be read, or why changes show late."""
        self._check_tree()
        await self._events.probe()

    async def port(self, port: str) -> Port:
        """Returns the port with this id or path; raises `PortNotFound`."""
        await self.view()
        found = self._find(port)
        if found is None:
            raise _not_found(port)
        return found

    async def current_rules(self) -> PortRules:
        """Returns the port rules as they are on the disk now."""
        return await asyncio.to_thread(read_port_rules, self._paths)

    async def permission(self, port: str) -> Permission:
        """Returns what the scripts would decide now for a USB path; raises `PortPathInvalid`."""
        return (await self.current_rules()).permission(checked_path(port))

    async def name(self, port: str, name: str) -> NamedPort:
        """Names a port, by its id or either path; an empty name takes its name away.

        Raises `PortNotFound`, `PortNameInvalid`, `PortNameTaken`, and what the store raises.
        """
        await self.view()
        async with self._naming:
            names, found = await self._names.all(), self._find(port)
            id = found.id if found else port
            # A port whose hub was taken away can still lose its name.
            if found is None and (name.strip() or id not in names):
                raise _not_found(port)
            kept = checked_name(name, port=id, names=names)
            await self._names.set(id, kept)
            self._known_names = await self._names.all()
        await self.join()
        return NamedPort(id, kept or None, self._find(id))

    async def load_names(self) -> None:
        """Reads the ports' names unless they are known; raises what the store raises.

        Nothing waits for them: the store takes its time to open.
        """
        if self._known_names is None:
            self._known_names = await self._names.all()
            await self.join()

    async def follow_rows(self) -> None:
        """Joins again after each row and each record; never ends."""
        kinds: tuple[type[Event], ...] = (DevicesChanged, RecordsChanged)
        with self._hub.subscribe(*kinds) as news:
            while True:
                await news.next()
                news.skip_to_newest()
                await self.join()
                # The scripts write when a board moves on, so it may have just gone or come back.
                # Those who hear of the row come first: a scan holds them up.
                asyncio.get_running_loop().call_later(ROW_SCAN_SECONDS, self.request_scan)

    async def follow_events(self) -> None:
        """Wants a scan after the kernel's events; raises where there are none to be heard."""
        async for _ in self._events.changes():
            self.request_scan()

    async def join(self) -> None:
        """Joins what was last seen with what is known now, and publishes what that changes."""
        async with self._joining:
            if self._look is None:
                return
            await self._knowledge.load_records(self._look.serials)
            # From here on nothing waits: what is current was published, and only that.
            evidence, names = self._knowledge.evidence(self._look), self._known_names or {}
            before, self._current = self._current, live(self._look, evidence, names=names)
            if before != self._current:
                self._hub.publish(TopologyChanged(change_between(before, self._current)))

    async def _scan(self) -> None:
        look = await asyncio.to_thread(self._looks.take, self._clock())
        await self._knowledge.see(look)
        plugged = tuple(self.plugged().values())
        addresses = await asyncio.to_thread(self._looks.find_addresses, plugged)
        self._look = replace(look, addresses=addresses).after(self._look)
        await self.join()

    def _find(self, port: str) -> Port | None:
        ports = self._current.ports
        return ports.get(port) or next((p for p in ports.values() if p.usb3_path == port), None)

    def _check_tree(self) -> None:
        if self.scanning.running_seconds > NET_SECONDS / 2:
            raise UsbTreeUnreadable(
                "The kernel does not answer what is plugged in; a USB device may hang, so pull "
                "out what was plugged in last."
            )
        if self._look is not None and self._look.problem:
            raise UsbTreeUnreadable(self._look.problem, detail=self._paths.usb_devices)


def _change_of(event: Event) -> TopologyChange | None:
    return event.change if isinstance(event, TopologyChanged) else None


def _not_found(port: str) -> PortNotFound:
    return PortNotFound(
        f"The station has no USB port {port[:60]}; take an id from the list of ports.",
        detail=port[:60],
        field="port",
    )
