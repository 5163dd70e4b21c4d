"""The watch on systemd's units: one child process that is subscribed, and started again."""

import asyncio
import logging
from collections.abc import Callable

from adapters.systemd_pipe import BusPipe, ChildGone, Line
from adapters.systemd_values import UnitChanges, failure, units_of
from domain.errors import ProvisionerError
from domain.services.units import UnitChanged

log = logging.getLogger("provisioner.systemd")

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
"""Seconds between tries to subscribe; each pause is twice the one before."""


class SystemdWatch:
    """Tells `changed` of every change until its task is cancelled.

    `settled` is set when the first try to subscribe succeeded or failed.
    """

    def __init__(
        self, changed: Callable[[UnitChanged], None], *, address: str | None, limit: float
    ) -> None:
        self._changed = changed
        self._address = address
        self._limit = limit
        self._changes = UnitChanges()
        self._pause = FIRST_PAUSE
        self.settled = asyncio.Event()

    async def run(self) -> None:
        """Follows the signals, and subscribes again after each end."""
        while True:
            try:
                await self._follow()
            except (ChildGone, ProvisionerError, TimeoutError) as error:
                log.info("Changes of units are not seen now: %s", error)
            except Exception:
                log.exception("The watch on units failed and begins again")
            self.settled.set()
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    async def _follow(self) -> None:
        async with asyncio.timeout(self._limit):
            pipe = await BusPipe.open("signals", self._address, limit=self._limit)
        try:
            async with asyncio.timeout(self._limit):
                subscribed = await pipe.receive()
            self._begin(subscribed)
            while True:
                self._tell(await pipe.receive())
        finally:
            await pipe.close()

    def _begin(self, subscribed: Line) -> None:
        _raise_failure(subscribed)
        self._pause = FIRST_PAUSE
        self.settled.set()
        for change in self._changes.catch_up(units_of(subscribed["units"])):
            self._changed(change)

    def _tell(self, signal: Line) -> None:
        _raise_failure(signal)
        change = self._changes.hear(signal)
        if change is not None:
            self._changed(change)


def _raise_failure(line: Line) -> None:
    if "error" in line:
        raise failure(str(line["error"]), str(line["message"]))
