"""The audit log: what the chain costs, pages of a million entries, reads that are recorded.

Run: .venv/bin/python benchmarks/audit.py [ROWS]. Everything is measured in one run on one disk,
the folder it is started in; ratios count, not the figures of one machine.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from starlette.types import ASGIApp, Message, Scope

from adapters.audit.log_file import LogFile
from adapters.audit.rows import SqliteAuditRows
from adapters.audit.verifying import verify_file
from domain.audit.chain import Head
from domain.audit.entries import AuditEntry, EventType
from domain.audit.filters import AuditFilter
from domain.audit.trail import LARGEST_ID, NewestFirst
from server.demo.station import build_station
from server.running import build_application
from server.settings import Settings
from server.wiring.station import open_station

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
SECONDS = 1.5
RATE = 1000
READ_SECONDS = 5.0
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
CALLERS = ("local",) * 90 + ("ann",) * 5 + ("bea",) * 4 + ("mes",)
PATHS = ("/devices", "/services", "/graphql#devices", "/graphql#station", "/auditlog")


def entry(chance: random.Random, number: int) -> AuditEntry:
    at = BEGIN + timedelta(seconds=3 * number)
    caller, id = chance.choice(CALLERS), f"28705ba7{number:08x}"
    if chance.random() < 0.1:
        target = f"/etc/rpi-sb-provisioner/special-x/{chance.randrange(5000)}"
        return AuditEntry(
            EventType.FILE_ACCESS,
            at,
            operation=chance.choice(("READ", "READ", "READ", "SET_FLAG")),
            target_path=target,
            success=chance.random() < 0.99,
            username="",
            additional_info="flag x",
            caller=caller,
            correlation_id=id,
            surface="rest",
        )
    serial = f"/devices/10000000{chance.randrange(5000):08x}"
    return AuditEntry(
        EventType.HANDLER_ACCESS,
        at,
        client_ip=f"10.0.0.{chance.choice((1,) * 50 + tuple(range(2, 30)))}",
        user_agent="Mozilla/5.0 (X11; Linux aarch64) AppleWebKit/537.36 Chrome/126",
        handler_path=serial if chance.random() < 0.25 else chance.choice(PATHS),
        caller=caller,
        correlation_id=id,
        surface=chance.choice(("rest", "graphql")),
        outcome="OK" if chance.random() < 0.99 else "DEVICE_NOT_FOUND",
        peer_ip="10.0.0.1",
    )


class Unchained(LogFile):
    """The same file without links, to see what they cost."""

    def chain(self, head: Head, first: int, rows: Sequence[object]) -> Head:
        del first, rows
        return head


class Nothing:
    """A log that keeps nothing, to see what recording costs."""

    waiting = 0

    def record(self, *entries: AuditEntry) -> None:
        del entries

    async def durable(self) -> None:
        return

    async def probe(self) -> None:
        return


def writing(folder: Path) -> None:
    print("rows written/s, by rows in a commit:  with the chain, without, ratio")
    chance = random.Random(1)
    for size in (1, 20, 200, 2000):
        entries = [entry(chance, number) for number in range(size)]
        rates: dict[str, list[float]] = {"chained": [], "plain": []}
        # In turns, so that what else the machine does is the same for both.
        for turn in range(3):
            for name, kind in (("chained", LogFile), ("plain", Unchained)):
                log = kind(folder / f"{name}-{size}-{turn}.db")
                rates[name].append(_rate(log, entries))
                log.close()
        chained, plain = (statistics.median(rates[name]) for name in ("chained", "plain"))
        print(f"  {size:5d}  {chained:10.0f}  {plain:10.0f}  {chained / plain:6.2f}")


def _rate(log: LogFile, entries: Sequence[AuditEntry]) -> float:
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS / 3:
        log.append(entries)
        count += len(entries)
    return count / (time.perf_counter() - began)


def fill(file: Path) -> None:
    chance, log, began = random.Random(2), LogFile(file), time.perf_counter()
    for start in range(0, ROWS, 1000):
        log.append([entry(chance, number) for number in range(start, start + 1000)])
    log.close()
    seconds, size = time.perf_counter() - began, file.stat().st_size
    print(f"{ROWS} rows written in {seconds:.0f} s, {size / ROWS:.0f} bytes each")


FILTERS = {
    "everything": AuditFilter(),
    "caller, most rows": AuditFilter(caller="local"),
    "caller, 1 % of rows": AuditFilter(caller="mes"),
    "address": AuditFilter(address="10.0.0.7"),
    "path": AuditFilter(path="/devices/1000000000000007"),
    "path prefix, many": AuditFilter(path_prefix="/devices/"),
    "path prefix, few": AuditFilter(path_prefix="/devices/10000000000000"),
    "operation": AuditFilter(operation="SET_FLAG"),
    "event type": AuditFilter(event_type=EventType.FILE_ACCESS),
    "failed": AuditFilter(success=False),
    "outcome": AuditFilter(outcome="DEVICE_NOT_FOUND"),
    "correlation id": AuditFilter(correlation_id="28705ba700000040"),
    "surface": AuditFilter(surface="graphql"),
    "a day long ago": AuditFilter(since=BEGIN, until=BEGIN + timedelta(days=1)),
    "caller and day": AuditFilter(caller="ann", since=BEGIN, until=BEGIN + timedelta(days=1)),
    "text, often": AuditFilter(text="flag"),
    "text, nowhere": AuditFilter(text="nowhere"),
}


async def reading(file: Path) -> None:
    rows = SqliteAuditRows(lambda: file)
    print(f"pages of 100 at {ROWS} rows, ms:  newest, oldest, first count")
    for name, wanted in FILTERS.items():
        newest = await _milliseconds(partial(rows.older, wanted, below=LARGEST_ID, most=101))
        oldest = await _milliseconds(partial(rows.newer, wanted, above=0, most=101))
        began = time.perf_counter()
        await rows.count(wanted)
        count = (time.perf_counter() - began) * 1000
        print(f"  {name:20s} {newest:8.2f} {oldest:8.2f} {count:8.1f}")
    legacy = await _milliseconds(partial(rows.newest, NewestFirst(), after=None, most=100))
    print(f"  {'GET /auditlog':20s} {legacy:8.2f}")
    await rows.aclose()


async def _milliseconds(ask: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(5):
        began = time.perf_counter()
        await ask()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def verifying(file: Path) -> None:
    began = time.perf_counter()
    report = verify_file(file)
    seconds = time.perf_counter() - began
    print(f"verified {report.verified} rows in {seconds:.1f} s: {report.verified / seconds:.0f}/s")


async def answering(root: Path) -> None:
    print(f"answers at {RATE} reads/s, ms:  p50, p99")
    for name in ("recorded", "not recorded") * 3:
        async with AsyncExitStack() as stack:
            settings = Settings(root=root, bus_address="unix:path=/nonexistent")
            station = await open_station(settings, stack)
            if name != "recorded":
                station = replace(station, audit=Nothing())
            times = await _steadily(build_application(station, settings).asgi)
        p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
        print(f"  {name:14s} {p50:8.2f} {p99:8.2f}   ({len(times) / READ_SECONDS:.0f}/s)")


async def _steadily(app: ASGIApp) -> list[float]:
    """Asks `RATE` times a second, whether or not the answers come, and returns how long each
    took."""
    times: list[float] = []
    began, asked = time.perf_counter(), 0
    async with asyncio.TaskGroup() as tasks:
        while (now := time.perf_counter() - began) < READ_SECONDS:
            for _ in range(int(now * RATE) - asked):
                tasks.create_task(_ask(app, times))
                asked += 1
            await asyncio.sleep(0.001)
    return times


async def _ask(app: ASGIApp, times: list[float]) -> None:
    began = time.perf_counter()
    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/devices/nobody",
        "raw_path": b"/devices/nobody",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:3142"), (b"user-agent", b"benchmark")],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 3142),
        "scheme": "http",
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        del message

    await app(scope, receive, send)
    times.append((time.perf_counter() - began) * 1000)


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        writing(folder)
        root, file = folder / "root", folder / "root/srv/rpi-sb-provisioner/audit.db"
        root.mkdir()
        build_station(root, now=datetime.now(UTC))
        fill(file)
        asyncio.run(reading(file))
        verifying(file)
        asyncio.run(answering(root))


if __name__ == "__main__":
    main()
