"""The USB topology at its largest, 127 devices: a scan against reading the same files bare, a
join, and a change of one node against the whole frame of the legacy socket.

Run it with: .venv/bin/python -m benchmarks.topology
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import orjson

from domain.caller import Caller, Role
from domain.devices.joining import Evidence, Since
from domain.devices.last_rows import LastRows
from domain.devices.live_topology import LiveTopology, change_between
from domain.devices.states import StateRow
from domain.devices.usb_look import UsbLooks, live
from domain.station import Station
from rest_compat.devices.live import message
from schema.build import build_schema
from schema.context import Context
from schema.limits import Limits
from schema.payloads import answer_of, encode
from server.settings import Settings
from server.wiring.station import open_station
from tests.fakes.usb import BOARD, Sysfs

HUBS = 16
BOARDS = 111
ROUNDS = 30
BUDGET_MS = 50.0
"""From a row to the told subscriber (design 7); scans and joins are parts of it."""
QUERY = "subscription { topologyChanges { sequence nodes { id state image serial model } } }"
TABLE = (
    "create table devices(id integer primary key, serial text, endpoint text, state text, "
    "image text, ip_address text, board_type text, ts timestamp default current_timestamp)"
)
INSERT = (
    "insert into devices(serial, endpoint, state, image, ip_address, board_type) "
    "values(?, ?, 'TRIAGE-STARTED', 'os.img', '', '18')"
)
NOW = datetime(2026, 8, 1, tzinfo=UTC)


def build(root: Path) -> list[str]:
    """Plugs hubs and boards in; returns the boards' paths."""
    sysfs = Sysfs(root)
    sysfs.bus(1, ports=HUBS)
    sysfs.bus(2, ports=HUBS, speed=5000)
    paths = [f"1-{hub}.{port}" for port in range(1, 8) for hub in range(1, HUBS + 1)][:BOARDS]
    for hub in range(1, HUBS + 1):
        sysfs.hub(f"1-{hub}", ports=7)
    for number, path in enumerate(paths):
        sysfs.plug(path, **BOARD, serial=f"{number:08x}", manufacturer="Broadcom")
    sysfs.rules("jig.conf", "1-[1-9].*\n1-1?.*\n")
    return paths


def rows_of(paths: list[str]) -> LastRows:
    rows = LastRows()
    for number, path in enumerate(paths):
        serial = f"10000000{number:08x}"
        rows.take(StateRow(number, serial, path, "TRIAGE-STARTED", "os.img", "", "18", NOW))
    return rows


def best(work: Callable[[], object]) -> float:
    """Returns the milliseconds of the quickest round."""
    found = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        found.append((time.perf_counter() - began) * 1000)
    return min(found)


def bare_reads(root: Path) -> None:
    """Reads every file that a scan reads, and does nothing with it."""
    for entry in (root / "sys/bus/usb/devices").iterdir():
        for file in entry.iterdir():
            if file.is_file():
                file.read_bytes()


def changed(paths: list[str]) -> tuple[Evidence, Evidence]:
    """Returns the evidence before and after one row."""
    after = rows_of(paths)
    after.take(StateRow(9999, f"{5:08x}", paths[5], "TRIAGE-FINISHED", "", "", "", NOW))
    started = Since(NOW, 0)
    return Evidence(rows_of(paths), started), Evidence(after, started)


def line(what: str, milliseconds: float, note: str) -> None:
    print(f"{what:<44} {milliseconds:8.2f} ms   {note}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        paths = build(root)
        looks = UsbLooks(Sysfs(root).paths)
        look = looks.take(NOW)
        print(f"{len(look.nodes) - 1} nodes, {len(look.places)} ports, {BOARDS} boards\n")
        bare = best(lambda: bare_reads(root))
        scan = best(lambda: looks.take(NOW))
        line("the files of the tree, read bare", bare, "")
        line("a scan, with nodes, ports and rules", scan, f"{scan / bare:.2f} x bare; in a thread")
        old, new = changed(paths)
        before, after = live(look, old, names={}), live(look, new, names={})
        joined = best(lambda: live(look, new, names={}))
        compared = best(lambda: change_between(before, after))
        line("a join", joined, f"{(joined + compared) / BUDGET_MS:.0%} of the budget")
        line("the comparison", compared, f"{len(change_between(before, after).nodes)} node changed")
        whole = best(lambda: orjson.dumps(message(after)))
        small = LiveTopology(nodes={paths[5]: after.nodes[paths[5]]})
        one = best(lambda: orjson.dumps(message(small)))
        size = len(orjson.dumps(message(after)))
        line("the whole legacy frame", whole, f"{size} bytes, once for all sockets")
        line("one node of it", one, f"1/{whole / one:.0f} of the whole")
    asyncio.run(served())


async def served() -> None:
    """Times rows from their writing until a GraphQL subscriber has the encoded change."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        paths = build(root)
        database = root / "srv/rpi-sb-provisioner/state.db"
        database.parent.mkdir(parents=True)
        async with AsyncExitStack() as stack:
            station = await open_station(Settings(root=root), stack)
            frames = await subscribed(station)
            await anext(frames)
            writer = stack.enter_context(closing(sqlite3.connect(database)))
            writer.execute("pragma journal_mode=wal")
            writer.execute(TABLE)
            times = [await timed(writer, frames, paths[number]) for number in range(ROUNDS)]
            await frames.aclose()
    middle = sorted(times)[len(times) // 2]
    line(
        "from a written row to its encoded change",
        middle,
        f"{middle / BUDGET_MS:.0%} of the budget",
    )


async def subscribed(station: Station) -> AsyncGenerator[bytes, None]:
    caller = Caller("benchmark", Role.VIEWER, "", "", "", "", "graphql", "")
    results = await build_schema().subscribe(
        QUERY, context_value=Context(caller, station, Limits())
    )
    assert isinstance(results, AsyncGenerator), results

    async def encoded() -> AsyncGenerator[bytes, None]:
        async for result in results:
            yield encode(answer_of(result))

    return encoded()


async def timed(
    writer: sqlite3.Connection, frames: AsyncGenerator[bytes, None], path: str
) -> float:
    serial = ""  # whatever is in the port: the state is the port's
    began = time.perf_counter()
    writer.execute(INSERT, (serial, path))
    writer.commit()
    async with asyncio.timeout(5):
        while path.encode() not in await anext(frames):
            pass
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
