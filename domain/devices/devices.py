"""Devices: one for each board, found by either serial or by port."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from domain.devices.projection import Device, Projection
from domain.devices.states import Stamp, StateRow, StateRows
from domain.errors import Invalid, NotFound
from domain.events import Event, Hub
from domain.paging import (
    CursorInvalid,
    Key,
    Page,
    PageInvalid,
    PageRequest,
    cursor_of,
    slice_page,
)
from domain.serials import board_key

BATCH = 5000
COUNTING_SECONDS = 10.0
"""So often rows are counted after others were added, once none comes: that some are gone shows."""
RESTLESS_SECONDS = 30.0
"""So often where they never stop coming."""
FIRST_ID = -(2**63) + 1
ORDER = "devices:newest"
ROW_ORDER = "state-rows:oldest"


class DeviceNotFound(NotFound):
    """No board and no port of this name was ever written down."""

    code = "DEVICE_NOT_FOUND"
    title = "Device Not Found"
    meaning = "The station has no state row with this serial or at this port."
    remedy = "Check the serial; a board appears with its first row, seconds after it is plugged in."


class SerialMissing(Invalid):
    """A device was asked for without saying which."""

    code = "MISSING_SERIAL"
    title = "Missing Parameter"
    meaning = "The serial (or the port) is empty."
    remedy = "Name the device by its serial or by its USB path, such as 1-1.4."


@dataclass(frozen=True, slots=True)
class DevicesChanged(Event):
    """Rows were appended for these boards (by `Device.key`), or everything was read anew
    (empty)."""

    keys: frozenset[str]


class Devices:
    """The boards of the station, kept in memory and caught up from the last row seen (design 4).

    Every method raises what `StateRows` raises.
    """

    def __init__(
        self, hub: Hub, rows: StateRows, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._hub = hub
        self._rows = rows
        self._clock = clock
        self._stamp: Stamp | None = None
        self._is_whole = self._is_counted = False
        self._counted_at = 0.0
        self._projection = Projection()
        self._sorted: list[Device] | None = None
        self._changed: set[str] = set()
        self._untold: set[str] | None = None
        self._checking = asyncio.Lock()
        self._next: asyncio.Future[None] | None = None

    async def catch_up(self) -> None:
        """Reads the rows above the last one seen; publishes `DevicesChanged` when there are any.

        All who ask while a check runs share the next one, so that none sees what is older than
        its question.
        """
        if self._is_whole and not self._checking.locked() and self._rows.still():
            return
        if self._next is None:
            self._next = asyncio.ensure_future(self._check_next())
            self._next.add_done_callback(_heard)
        await asyncio.shield(self._next)

    async def _check_next(self) -> None:
        async with self._checking:
            self._next = None
            # Stillness speaks of the last stamp, also where what followed it could not be read.
            self._is_whole = False
            await self._check()
            self._is_whole = True

    async def probe(self) -> None:
        """Raises while the rows cannot be read, be it only some of them."""
        await self._rows.probe()
        await self.catch_up()

    async def _check(self) -> None:
        stamp = await self._rows.stamp()
        same_file = self._stamp is not None and stamp.identity == self._stamp.identity
        anew = not same_file or await self._are_rows_gone(resting=stamp == self._stamp)
        if stamp == self._stamp and not anew:
            return
        if anew:
            await self._read_anew()
        else:
            self._is_counted = False
            await self._read_into(self._projection, self._changed)
        known, self._stamp = self._stamp, stamp
        changed, self._changed = frozenset(self._changed), set()
        if known is not None and (anew or changed):
            self._hub.publish(DevicesChanged(frozenset() if anew else changed))

    async def _read_anew(self) -> None:
        projection = Projection()
        await self._read_into(projection, set())
        self._projection, self._sorted, self._untold = projection, None, None
        self._changed.clear()
        self._is_counted, self._counted_at = True, self._clock()

    async def _are_rows_gone(self, *, resting: bool) -> bool:
        """Counts now and then: the stamp of rows that are deleted in the moment in which others
        are added is that of an addition. While rows come, who waits for them goes first."""
        seconds = COUNTING_SECONDS if resting else RESTLESS_SECONDS
        if self._is_counted or self._clock() - self._counted_at < seconds:
            return False
        if await self._rows.count(up_to=self._projection.last_id) != self._projection.rows:
            return True
        self._is_counted, self._counted_at = True, self._clock()
        return False

    async def count(self) -> int:
        """Returns how many boards there are."""
        await self.catch_up()
        return len(self._projection.devices)

    @property
    def projection(self) -> Projection:
        """What is folded by now; another object after everything was read anew."""
        return self._projection

    def newest_first(self) -> Sequence[Device]:
        """Returns the boards as of the last check, the one that changed last first."""
        if self._sorted is None:
            self._sorted = list(reversed(self._projection.devices.values()))
        return self._sorted

    @property
    def has_changes(self) -> bool:
        """Whether `take_changes` would return any."""
        return self._untold is None or bool(self._untold)

    def take_changes(self) -> frozenset[str] | None:
        """Returns the keys of the boards that changed since the last call, None when all may
        have: for the one who keeps what is derived of them."""
        changes, self._untold = self._untold, set()
        return None if changes is None else frozenset(changes)

    async def list_page(self, request: PageRequest) -> Page[Device]:
        """Returns a page of devices, the one that changed last first."""
        await self.catch_up()
        return slice_page(self.newest_first(), request, order=ORDER, key=newest_first)

    async def get(self, *, serial: str | None = None, port: str | None = None) -> Device:
        """Returns the board with this serial of either length, or the one last seen at `port`.

        Raises `SerialMissing` unless exactly one is given, and `DeviceNotFound`.
        """
        if bool(serial) == bool(port):
            raise SerialMissing("Name the device by `serial` or by `port`, one of the two.")
        await self.catch_up()
        found = self._projection.devices.get(board_key(serial)) if serial else None
        found = self.last_at(port) if port else found
        if found is None:
            raise _not_found(serial or port or "")
        return found

    def last_at(self, port: str) -> Device | None:
        """Returns the board last seen at a port as of the last check, None where none ever was."""
        run = self._projection.runs.at_port.get(port)
        return self._projection.devices.get(run.key) if run else None

    def history(self) -> AsyncIterator[Sequence[StateRow]]:
        """Yields every row in batches, newest first by time, then id (contract devices 6.1)."""
        return self._rows.newest_first()

    async def rows_page(self, request: PageRequest) -> Page[StateRow]:
        """Returns a page of the rows as they were written, oldest first; forwards only.

        Raises `PageInvalid` for a page from the end.
        """
        if request.backwards:
            raise PageInvalid("State rows are paged forwards: ask for `first`.", field="last")
        after = request.key[0] if request.key else FIRST_ID
        if not isinstance(after, int):
            raise CursorInvalid("This cursor does not belong to this list.")
        rows = await self._rows.rows_after(after, most=request.size + 1)
        return Page(
            items=rows[: request.size],
            cursors=[cursor_of((row.id,), ROW_ORDER) for row in rows[: request.size]],
            has_next=len(rows) > request.size,
            has_previous=request.key is not None,
        )

    async def latest_row(self, identifier: str) -> StateRow:
        """Returns the newest row with exactly this serial, else at exactly this port (6.2).

        Raises `SerialMissing` and `DeviceNotFound`.
        """
        if not identifier:
            raise SerialMissing("The serial is empty; name the device by its serial or USB path.")
        await self.catch_up()
        projection = self._projection
        row = projection.newest_by_serial.get(identifier)
        row = row or projection.newest_by_endpoint.get(identifier)
        if row is None:
            raise _not_found(identifier)
        return row

    async def _read_into(self, projection: Projection, changed: set[str]) -> None:
        while True:
            rows = await self._rows.rows_after(projection.last_id, most=BATCH)
            fresh = projection.take(rows)
            # What is folded stays so, even where reading the next batch fails.
            changed |= fresh
            if projection is self._projection and fresh:
                self._sorted = None
                self._untold = None if self._untold is None else self._untold | fresh
            if len(rows) < BATCH:
                return


def newest_first(device: Device) -> Key:
    """Returns a board's place in the list, by which its pages are found."""
    return (-device.newest_id,)


def _heard(done: asyncio.Future[None]) -> None:
    """Takes note of a failure that nobody waited for any more; the next to ask hears of it."""
    if not done.cancelled():
        done.exception()


def _not_found(identifier: str) -> DeviceNotFound:
    return DeviceNotFound(
        "No device with this serial or at this port is known; check it against the list.",
        detail=f"Requested device: {identifier}",
    )
