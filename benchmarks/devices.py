"""Devices of a station with a long past: 100,000 rows of 2,000 boards, asked as clients ask.

Run: .venv/bin/python -m benchmarks.devices [ROWS] [BOARDS]. Prints milliseconds, what a new row
costs beside reading all rows, and how memory grows while GET /devices answers all of them.
"""

import asyncio
import gc
import sqlite3
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import orjson
from starlette.types import ASGIApp, Message

from domain.devices.statuses import DeviceStatusChanged
from domain.events import Subscription
from domain.station import Station
from server.running import build_application
from server.settings import Settings
from server.wiring.station import open_station
from tests.fakes.state_rows import CURRENT

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
BOARDS = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000
ROUNDS = 30
BUDGET_MS = 10.0
WAY = (
    "BOOTSTRAP-STARTED",
    "bootstrap-firmware-updated",
    "bootstrap-fastboot-initialisation-started",
    "BOOTSTRAP-FINISHED",
    "TRIAGE-STARTED",
    "TRIAGE-FINISHED",
    "SB-PROVISIONER-STARTED",
    "SB-PROVISIONER-FINISHED",
)
INSERT = (
    "insert into devices(serial, endpoint, state, image, ip_address, board_type, ts) "
    "values(?, ?, ?, 'gold.img', '', '', ?)"
)
LIST = """query List { devices(first: 50) { totalCount nodes { serial port state status stage style
 since lastChangeAt reason { cause sentence } nextAction { action sentence } } } }"""
FAILED = """query Failed { devices(first: 50, filter: {status: [FAILED, STALLED]}) {
 totalCount nodes { serial status } } }"""
ATTEMPTS = "query Attempts { attempts(first: 50) { nodes { serial outcome seconds } } }"
STATISTICS = "query Statistics { lineStatistics { counts { total yield secondsP95 } } }"
HEADERS = [
    (b"host", b"127.0.0.1:3142"),
    (b"content-type", b"application/json"),
    (b"accept", b"application/json"),
]


def file_of(root: Path) -> Path:
    return root / "srv/rpi-sb-provisioner/state.db"


def build(root: Path) -> None:
    file_of(root).parent.mkdir(parents=True)
    began = datetime.now(UTC) - timedelta(seconds=ROWS + 60)
    with closing(sqlite3.connect(file_of(root))) as connection, connection:
        connection.execute("pragma journal_mode=wal")
        connection.execute(f"create table devices({CURRENT})")
        connection.executemany(INSERT, (row(number, began) for number in range(ROWS)))


def row(number: int, began: datetime) -> tuple[str, str, str, str]:
    attempt, step = divmod(number, len(WAY))
    board = attempt % BOARDS
    state = WAY[step]
    if attempt % 20 == 0 and state.endswith("R-FINISHED"):
        state = "SB-PROVISIONER-ABORTED"
    serial = f"{board:08x}" if step < 4 else f"10000000{board:08x}"
    at = (began + timedelta(seconds=number)).strftime("%Y-%m-%d %H:%M:%S")
    return serial, f"1-1.{board % 8 + 1}", state, at


def add_row(root: Path, number: int) -> float:
    """Returns when the row was committed."""
    with closing(sqlite3.connect(file_of(root), timeout=5)) as connection, connection:
        serial = f"10000000{number % BOARDS:08x}"
        at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        connection.execute(INSERT, (serial, "1-1.1", "TRIAGE-STARTED", at))
    return time.perf_counter()


async def ask(app: ASGIApp, method: str, path: str, body: bytes = b"") -> tuple[int, int]:
    """Returns the status and the size of an answer, which is thrown away piece by piece."""
    status, size = 0, 0
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        # A client that stays: it sends nothing more, and never leaves.
        return waiting.pop() if waiting else await asyncio.Future[Message]()

    async def send(message: Message) -> None:
        nonlocal status, size
        status = message.get("status", status)
        size += len(message.get("body", b""))

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": HEADERS,
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 3142),
        "scheme": "http",
        "http_version": "1.1",
        "extensions": {},
    }
    await app(scope, receive, send)
    if status != 200:
        raise SystemExit(f"{path} answered {status}")
    return status, size


async def measured(work: Callable[[], Awaitable[Any]], rounds: int = ROUNDS) -> float:
    """Returns the milliseconds that the work takes, the median of some rounds."""
    await work()
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - began)
    return median(seconds) * 1e3


async def new_rows(station: Station, root: Path) -> float:
    """Returns the milliseconds from a committed row until its judged board is told."""
    seconds = []
    for number in range(ROUNDS):
        with station.hub.subscribe(DeviceStatusChanged) as subscription:
            told = asyncio.ensure_future(told_at(subscription))
            committed = await asyncio.to_thread(add_row, root, number)
            seconds.append(await told - committed)
        await asyncio.sleep(0.05)
    return median(seconds) * 1e3


async def told_at(subscription: Subscription) -> float:
    """Returns when something was told."""
    async with asyncio.timeout(10):
        await subscription.next()
    return time.perf_counter()


async def peak(app: ASGIApp) -> tuple[float, float]:
    """Returns how many MiB GET /devices answers, and how many more it held meanwhile."""
    await ask(app, "GET", "/devices")
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    _, size = await ask(app, "GET", "/devices")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return size / 2**20, (most - before) / 2**20


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build(root)
        async with AsyncExitStack() as stack:
            settings = Settings(root=root, bus_address="unix:path=/nonexistent/bus")
            began = time.perf_counter()
            station = await open_station(settings, stack)
            await station.devices.catch_up()
            read = (time.perf_counter() - began) * 1e3
            await station.statuses.settle()
            settled = (time.perf_counter() - began) * 1e3
            app = build_application(station, settings).asgi
            print(f"{ROWS} rows of {BOARDS} boards")
            print(f"start until all rows are read         {read:8.0f} ms")
            print(f"start until all boards are judged     {settled:8.0f} ms")
            for name, query in {
                "devices(first: 50), each with status": LIST,
                "devices that failed, first: 50": FAILED,
                "attempts(first: 50)": ATTEMPTS,
                "lineStatistics over everything": STATISTICS,
            }.items():
                body = orjson.dumps({"query": query})
                taken = await measured(partial(ask, app, "POST", "/graphql", body))
                budget = f" (budget {BUDGET_MS:.0f})" if query is LIST else ""
                print(f"{name:37} {taken:8.2f} ms{budget}")
            told = await new_rows(station, root)
            print(f"a row committed until its board told  {told:8.2f} ms (budget 50)")
            print(f"reading all rows takes                {read / told:8.0f} x as long")
            answer, held = await peak(app)
            print(f"GET /devices answers {answer:.1f} MiB and holds {held:.1f} MiB meanwhile")


if __name__ == "__main__":
    asyncio.run(main())
