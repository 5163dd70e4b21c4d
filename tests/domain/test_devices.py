"""Devices: one for each board, folded from the rows; asked many times at once, read once."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from domain.devices.devices import COUNTING_SECONDS, DeviceNotFound, Devices, DevicesChanged
from domain.devices.states import Stamp, StateDatabaseNotRead, StateRow
from domain.errors import Unavailable
from domain.events import Hub, Published
from domain.paging import page_request

LONG, SHORT = "10000000a0b0c0d0", "a0b0c0d0"
T0 = datetime(2026, 8, 1, tzinfo=UTC)


class Rows:
    """Rows in memory that count how often they are asked."""

    def __init__(self) -> None:
        self.rows: list[StateRow] = []
        self.identity = "file"
        self.stamps = self.counts = 0
        self.is_still = False
        self.failure: Unavailable | None = None

    def add(self, serial: str, endpoint: str, state: str, *, board_type: str = "") -> None:
        number = self.rows[-1].id + 1 if self.rows else 1
        at = T0 + timedelta(seconds=number)
        self.rows.append(StateRow(number, serial, endpoint, state, "", "", board_type, at))

    async def stamp(self) -> Stamp:
        self.stamps += 1
        await asyncio.sleep(0)
        return Stamp(self.identity, self.rows[-1].id if self.rows else 0)

    def still(self) -> bool:
        return self.is_still

    async def rows_after(self, id: int, *, most: int) -> Sequence[StateRow]:
        if self.failure is not None:
            raise self.failure
        return [row for row in self.rows if row.id > id][:most]

    async def count(self, *, up_to: int) -> int:
        self.counts += 1
        return sum(row.id <= up_to for row in self.rows)

    async def newest_first(self) -> AsyncIterator[Sequence[StateRow]]:
        yield self.rows[::-1]

    async def probe(self) -> None:
        return None


async def test_both_serials_are_one_board_and_the_board_type_stays() -> None:
    rows = Rows()
    rows.add(SHORT, "1-1.2", "BOOTSTRAP-FINISHED", board_type="18")
    rows.add(LONG, "1-1.2", "TRIAGE-STARTED")
    device = await Devices(Hub(), rows).get(serial=SHORT)
    assert (device.serial, device.state, device.board_type) == (LONG, "TRIAGE-STARTED", "18")
    assert device.changes == 2


async def test_a_nameless_board_becomes_the_one_that_tells_its_serial() -> None:
    rows, hub = Rows(), Hub()
    rows.add("", "1-1.3", "BOOTSTRAP-STARTED")
    devices = Devices(hub, rows)
    assert (await devices.get(port="1-1.3")).serial is None
    rows.add(SHORT, "1-1.3", "BOOTSTRAP-FINISHED")
    assert await devices.count() == 1
    assert (await devices.get(port="1-1.3")).serial == SHORT


async def test_an_excluded_port_keeps_its_board_visible() -> None:
    rows = Rows()
    rows.add(SHORT, "bootstrap", "PORT-EXCLUDED")
    device = await Devices(Hub(), rows).get(serial=LONG)
    assert (device.state, device.port) == ("PORT-EXCLUDED", None)


async def test_a_new_row_is_published_with_its_board() -> None:
    rows, hub = Rows(), Hub()
    rows.add(LONG, "1-1", "A")
    devices = Devices(hub, rows)
    await devices.catch_up()
    with hub.subscribe(DevicesChanged) as subscription:
        rows.add(LONG, "1-1", "B")
        await devices.catch_up()
        assert await subscription.next() == Published(1, DevicesChanged(frozenset({SHORT})))


async def test_a_replaced_file_is_read_anew() -> None:
    rows, hub = Rows(), Hub()
    rows.add(LONG, "1-1", "A")
    devices = Devices(hub, rows)
    assert await devices.count() == 1
    rows.identity, rows.rows = "another file", []
    assert await devices.count() == 0


async def test_rows_that_could_not_be_read_are_not_served_from_memory() -> None:
    rows = Rows()
    rows.add(LONG, "1-1", "A")
    devices = Devices(Hub(), rows)
    await devices.catch_up()
    rows.identity, rows.failure = "damaged", StateDatabaseNotRead("The database is malformed.")
    for rows.is_still in (False, True):
        with pytest.raises(StateDatabaseNotRead):
            await devices.latest_row(LONG)
        with pytest.raises(StateDatabaseNotRead):
            await devices.probe()
    rows.failure = None
    await devices.probe()
    assert (await devices.latest_row(LONG)).state == "A"


async def test_a_row_deleted_together_with_a_new_one_is_missed_when_rows_are_counted() -> None:
    rows, seconds = Rows(), [0.0]
    for serial in ("aa", "bb", "cc"):
        rows.add(serial, "1-1", "A")
    devices = Devices(Hub(), rows, clock=lambda: seconds[0])
    await devices.catch_up()
    del rows.rows[1]
    rows.add("dd", "1-1", "A")
    assert await devices.count() == 4
    seconds[0] += COUNTING_SECONDS
    rows.failure = StateDatabaseNotRead("The database is locked.")
    for _ in range(2):
        with pytest.raises(StateDatabaseNotRead):
            await devices.count()
    rows.failure = None
    assert await devices.count() == 3


async def test_rows_are_counted_once_in_a_while_and_only_after_new_ones() -> None:
    rows, seconds = Rows(), [0.0]
    devices = Devices(Hub(), rows, clock=lambda: seconds[0])
    counted = []
    for second in range(120):
        seconds[0] = float(second)
        # Without a pause for more than half a minute; then one at times.
        if second < 45 or second in (60, 66, 72):
            rows.add(LONG, "1-1", "A")
        before = rows.counts
        await devices.catch_up()
        counted += [second] * (rows.counts - before)
    assert counted == [30, 45, 61, 71, 81]


async def test_many_who_ask_at_once_share_a_check() -> None:
    rows = Rows()
    rows.add(LONG, "1-1", "A")
    devices = Devices(Hub(), rows)
    found = await asyncio.gather(*(devices.latest_row(LONG) for _ in range(100)))
    assert {row.state for row in found} == {"A"}
    assert rows.stamps <= 2


async def test_the_latest_row_is_exact_as_the_old_path_was() -> None:
    rows = Rows()
    rows.add(LONG, "1-1", "A")
    devices = Devices(Hub(), rows)
    assert (await devices.latest_row("1-1")).serial == LONG
    with pytest.raises(DeviceNotFound):
        await devices.latest_row(LONG.upper())


async def test_a_check_that_fails_when_nobody_waits_any_more_is_no_error_of_the_loop() -> None:
    rows, told = Rows(), list[object]()
    rows.failure = StateDatabaseNotRead("The database is malformed.")
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    asking = asyncio.create_task(Devices(Hub(), rows).catch_up())
    await asyncio.sleep(0)
    asking.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    del asking
    gc.collect()
    assert (rows.stamps, told) == (1, [])


async def test_pages_of_rows_go_forwards() -> None:
    rows = Rows()
    for number in range(5):
        rows.add(LONG, "1-1", str(number))
    devices = Devices(Hub(), rows)
    first = await devices.rows_page(page_request("state-rows:oldest", first=3))
    rest = await devices.rows_page(
        page_request("state-rows:oldest", first=3, after=first.cursors[-1])
    )
    assert [row.state for row in (*first.items, *rest.items)] == ["0", "1", "2", "3", "4"]
    assert (first.has_next, rest.has_next) == (True, False)
