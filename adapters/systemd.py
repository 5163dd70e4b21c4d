"""systemd's units as pystemd reaches them over D-Bus, from processes of their own."""

import asyncio
from collections.abc import Callable
from importlib.util import find_spec

from adapters.systemd_calls import SystemdCalls
from adapters.systemd_values import state_of, units_of
from adapters.systemd_watch import SystemdWatch
from domain.services.units import BusUnavailable, Unit, UnitChanged, UnitState, checked_unit_name


class SystemdUnits:
    """Satisfies `domain.services.units.Units` (org.freedesktop.systemd1(5)).

    `address` is a D-Bus address such as `unix:path=/run/dbus/system_bus_socket`, None for the
    system bus; `limit` is the seconds that a call may take. Nothing is opened before it is used.
    """

    def __init__(self, address: str | None = None, *, limit: float = 5.0) -> None:
        self._address = address
        self._limit = limit
        self._calls = SystemdCalls(address, limit=limit)
        self._watches: list[asyncio.Task[None]] = []

    async def aclose(self) -> None:
        """Ends the watches and the processes; takes some seconds at most."""
        for watch in self._watches:
            watch.cancel()
        await asyncio.gather(*self._watches, self._calls.aclose(), return_exceptions=True)

    async def list_units(self) -> list[Unit]:
        """Returns all loaded units."""
        _require_driver()
        return units_of(await self._calls.ask("list_units"))

    async def get_state(self, name: str) -> UnitState:
        """Returns the unit's state; raises `UnitUnknown` and `UnitNameInvalid`."""
        checked_unit_name(name)
        _require_driver()
        return state_of(name, await self._calls.ask("get_state", name))

    async def start(self, name: str) -> None:
        """Queues a start job in mode `replace`; raises `UnitUnknown`, `UnitNameInvalid` and
        `UnitRefused`.

        After `UnitsUnavailable` for want of time systemd may still have taken the job.
        """
        checked_unit_name(name)
        _require_driver()
        await self._calls.ask("start", name)

    async def watch(self, changed: Callable[[UnitChanged], None]) -> None:
        """Calls `changed` for each change from now on; a bus that is gone is tried again, and
        what changed meanwhile is told then."""
        _require_driver()
        watch = SystemdWatch(changed, address=self._address, limit=self._limit)
        self._watches.append(asyncio.create_task(watch.run(), name="systemd watch"))
        await watch.settled.wait()

    async def probe(self) -> None:
        """Raises `UnitsUnavailable` with the reason while systemd does not answer."""
        _require_driver()
        await self._calls.ask("ping")


def _require_driver() -> None:
    if find_spec("pystemd") is None:
        raise BusUnavailable(
            "The Python package pystemd is not installed, so systemd cannot be asked: install "
            "gcc, pkg-config and libsystemd-dev, then run `make setup`."
        )
