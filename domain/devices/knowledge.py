"""Knowledge: what scans, state rows and manufacturing records have told so far of the ports."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from domain.devices.devices import Devices
from domain.devices.joining import Evidence, Since
from domain.devices.occupancy import ANY_ROW, Occupancy
from domain.devices.projection import Projection
from domain.devices.usb_look import UsbLook
from domain.errors import Unavailable
from domain.manufacturing.board_records import BoardRecord, BoardRecords

DATABASE_SECONDS = 1.0
"""How long a locked database may hold up what USB shows."""


class Knowledge:
    """Gathers the evidence of what is in the ports; `started_at` (UTC) is when this service began
    to. While a database cannot be read, what it told before stays."""

    def __init__(self, devices: Devices, records: BoardRecords, *, started_at: datetime) -> None:
        self._devices, self._records = devices, records
        self._started = Since(started_at, ANY_ROW)
        self._has_seen = False
        self._rows: Projection | None = None
        self._newest_records: Mapping[str, BoardRecord] = {}
        self.occupancy = Occupancy()

    async def see(self, look: UsbLook) -> None:
        """Takes the next look."""
        # Rows are caught up after the look: those of a board that has gone are not the next one's.
        with suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(DATABASE_SECONDS):
                await self._devices.catch_up()
        now = Since(look.at, self._devices.projection.last_id)
        if not self._has_seen:
            self._started = Since(self._started.at, now.row_id)
        self._has_seen = True
        self._forget_replaced_rows()
        if not look.problem:
            self.occupancy.see(look.nodes, now)

    async def load_records(self, serials: frozenset[str]) -> None:
        """Reads the newest record of each of these boards."""
        with suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(DATABASE_SECONDS):
                self._newest_records = await self._records.newest_of(serials)

    def evidence(self, look: UsbLook) -> Evidence:
        """Returns all that is known by now; never waits."""
        self._forget_replaced_rows()
        return Evidence(
            rows=self._devices.projection.last_rows,
            started=self._started,
            emptied=self.occupancy.emptied,
            records=self._newest_records,
            addresses=look.addresses,
        )

    def _forget_replaced_rows(self) -> None:
        """The ids of another database's rows begin anew; only their times can be compared."""
        known, self._rows = self._rows, self._devices.projection
        if known is not None and known is not self._rows:
            self._started = Since(self._started.at, ANY_ROW)
            self.occupancy.forget_rows()
