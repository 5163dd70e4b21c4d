"""Manufacturing records at a million rows, against the budgets of design section 7.

Run: .venv/bin/python -m benchmarks.manufacturing [ROWS]. Makes a database in a folder that goes
away, runs the real program over it (the index catches up while clients ask), exports it, and
asks the domain in this process.
"""

import asyncio
import contextlib
import http.client
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.manufacturing.record_index import SqliteRecordIndex
from adapters.manufacturing.records import ManufacturingRecords
from benchmarks.audited_reads import free_port, memory, newest_serial, wait_for
from domain.events import Hub
from domain.host_paths import HostPaths
from domain.manufacturing.filters import (
    EVERYTHING,
    FlagState,
    OrderField,
    RecordFilter,
    RecordOrder,
)
from domain.manufacturing.manufacturing import Manufacturing
from domain.manufacturing.record_index import RecordsIndexing
from domain.manufacturing.statistics import StatisticsBy, StatisticsQuestion
from domain.paging import PageRequest
from server.demo.manufacturing import SCHEMA
from server.demo.station import build_station

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
PAGE = 100
TIMES = 15
DATABASE = "srv/rpi-sb-provisioner/manufacturing.db"

FILL = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)
INSERT INTO devices(boardname, serial, eth_mac, wifi_mac, bt_mac, mmc_size, mmc_cid, rpi_duid,
 board_revision, processor, memory, manufacturer, secure, jtag_locked, eeprom_write_protected,
 pubkey_programmed, devkey_revoked, signed_boot_enabled, os_image_filename, os_image_sha256,
 connect_registered, connect_device_id, eeprom_size, eeprom_jedec, eeprom_unique_id,
 bootloader_build_timestamp, customer_key_fingerprint, customer_key_label, provision_ts)
SELECT CASE i % 5 WHEN 0 THEN 'CM5' WHEN 1 THEN '5' WHEN 2 THEN 'CM4' WHEN 3 THEN '4B'
 ELSE 'Zero 2 W' END, printf('10000000%08x', (i * 2654435761) % 4294967296),
 printf('2c:cf:67:%02x:%02x:%02x', i % 256, i / 256 % 256, i / 65536 % 256),
 printf('2c:cf:68:%02x:%02x:%02x', i % 256, i / 256 % 256, i / 65536 % 256),
 printf('2c:cf:69:%02x:%02x:%02x', i % 256, i / 256 % 256, i / 65536 % 256),
 15634268160, printf('%032x', i * 7919), printf('%016d', i * 104729), '0x0',
 CASE i % 5 WHEN 4 THEN 'BCM2837' WHEN 0 THEN 'BCM2712' WHEN 1 THEN 'BCM2712' ELSE 'BCM2711' END,
 '2GB', 'Sony UK', i % 3 > 0, 0, 0, i % 3 > 0, 0, i % 3 > 0,
 printf('line-image-%d.img', i * 10 / ?1), printf('%064x', i * 10 / ?1),
 CASE i % 7 WHEN 0 THEN 0 WHEN 1 THEN NULL ELSE 1 END, printf('device-%08d', i), 2097152,
 'ef4015', printf('%016x', i), 1780326194, CASE WHEN i > ?1 / 10 THEN printf('%064x', i * 3 / ?1)
 END, 'main key', datetime(1700000000 + i * 60, 'unixepoch') FROM n
"""


def fill(file: Path) -> None:
    file.unlink(missing_ok=True)
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(SCHEMA)
        connection.execute(FILL, (ROWS,))


def row(what: str, value: str, budget: str, *, met: bool | None = None) -> None:
    verdict = "" if met is None else ("met" if met else "NOT MET")
    print(f"{what:46} {value:>16}   {budget:22} {verdict}")


def quantile(seconds: list[float], share: float) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))] * 1000


@contextlib.contextmanager
def serving(root: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "server.main", "serve", "--root", str(root)]
    command += ["--port", str(port), "--disable-https", "--log-level", "error"]
    service = subprocess.Popen(command)
    try:
        yield service
    finally:
        service.terminate()
        service.wait()


class Client:
    """Asks one thing after another on one connection, and remembers how long each took."""

    def __init__(self, port: int, serial: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.seconds: list[float] = []
        self.paths = ("/healthz", f"/devices/{serial}", "/options/csrf-token")
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            for path in self.paths:
                began = time.perf_counter()
                self.connection.request("GET", path)
                self.connection.getresponse().read()
                self.seconds.append(time.perf_counter() - began)


def ask(port: int, query: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"query": query})
    connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
    return connection.getresponse().read().decode()


def measure_catching_up(root: Path, port: int) -> None:
    began = time.perf_counter()
    client = Client(port, newest_serial(root))
    asking = threading.Thread(target=client.run)
    asking.start()
    question = '{ manufacturingRecords(filter: {board: "CM5"}, first: 1) { totalCount } }'
    while "errors" in (answer := ask(port, question)):
        time.sleep(0.1)
    seconds = time.perf_counter() - began
    client.ended.set()
    asking.join()
    assert str(ROWS // 5) in answer, answer
    row("index catches up", f"{seconds:.1f} s", "under 30 s", met=seconds < 30)
    p99 = quantile(client.seconds, 0.99)
    row("other requests meanwhile, p99", f"{p99:.1f} ms", "under 50 ms", met=p99 < 50)
    worst = max(client.seconds) * 1000
    row(
        "  their median, slowest, number",
        f"{quantile(client.seconds, 0.5):.1f}, {worst:.0f} ms",
        "",
    )
    row("", str(len(client.seconds)), "")


def measure_export(port: int, pid: int, path: str, what: str, *, budget: int) -> None:
    idle, peak, ended = memory(pid), [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            peak[0] = max(peak[0], memory(pid))

    watching = threading.Thread(target=watch)
    watching.start()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    began = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    size = 0
    while block := answer.read(1 << 20):
        size += len(block)
    seconds = time.perf_counter() - began
    ended.set()
    watching.join()
    rate, more = ROWS / seconds, peak[0] - idle
    told = f"at least {budget} rows/s" if budget else ""
    row(what, f"{rate:,.0f} rows/s", told, met=rate >= budget if budget else None)
    row(f"  {size / 1e6:,.0f} MB; memory above idle", f"{more:.1f} MiB", "under 30", met=more < 30)


async def timed(work: Callable[[], Awaitable[object]], times: int = TIMES) -> float:
    """Returns the median in milliseconds."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds) * 1000


MONTH = datetime(2024, 5, 1, tzinfo=UTC)
FILTERS = {
    "everything": EVERYTHING,
    "board": RecordFilter(boards=("CM5",)),
    "board, secure, image": RecordFilter(
        boards=("CM5", "5"), secure=FlagState.YES, images=("line-image-3.img",)
    ),
    "nothing": RecordFilter(boards=("none",)),
    "a month": RecordFilter(since=MONTH, until=MONTH + timedelta(days=30)),
    "board in an hour": RecordFilter(
        boards=("CM5",), since=MONTH, until=MONTH + timedelta(hours=1)
    ),
}


async def measure_domain(root: Path) -> None:
    paths = HostPaths(root)
    records = ManufacturingRecords(paths, lambda: None)
    index = SqliteRecordIndex(paths, lambda: None)
    manufacturing = Manufacturing(Hub(), records, index)
    while True:
        with contextlib.suppress(RecordsIndexing):
            await manufacturing.catch_up()
            break
    try:
        for name, wanted in FILTERS.items():
            for by in OrderField:
                await measure_pages(manufacturing, name, wanted, RecordOrder(by))
        await measure_questions(manufacturing)
    finally:
        await index.aclose()
        await records.aclose()


async def measure_pages(
    manufacturing: Manufacturing, name: str, wanted: RecordFilter, order: RecordOrder
) -> None:
    def page(*, backwards: bool) -> Callable[[], Awaitable[object]]:
        request = PageRequest(PAGE, None, backwards)
        return lambda: manufacturing.page(wanted, order, request)

    first = await timed(page(backwards=False))
    last = await timed(page(backwards=True))
    ratio = last / first
    row(
        f"page of {PAGE}: {name}, by {order.by.lower()}",
        f"{first:.2f}, {last:.2f} ms",
        f"under 10; last/first {ratio:.2f}",
        met=max(first, last) < 10 and (wanted != EVERYTHING or ratio < 1.5),
    )


async def measure_questions(manufacturing: Manufacturing) -> None:
    number = ROWS // 2
    serial = f"10000000{number * 2654435761 % 4294967296:08x}"
    for name, work in (
        ("by 16 digits", lambda: manufacturing.get(serial=serial)),
        ("by 8 digits", lambda: manufacturing.get(serial=serial[8:])),
        ("by DUID", lambda: manufacturing.get(duid=f"{number * 104729:016d}")),
    ):
        took = await timed(work)
        row(f"look-up {name}", f"{took:.2f} ms", "under 2 ms", met=took < 2)
    for name, wanted in FILTERS.items():
        took = await timed(lambda wanted=wanted: manufacturing.count(wanted))
        row(f"count: {name}", f"{took:.2f} ms", "")
    for text in ("cm5", "2c:cf:67:0", "0000000000104729", "nowhere"):
        await measure_text(manufacturing, text)
    for by in StatisticsBy:
        took = await timed(lambda by=by: manufacturing.statistics(StatisticsQuestion(by)), 3)
        row(f"statistics by {by.lower()}", f"{took:.0f} ms", "")


async def measure_text(manufacturing: Manufacturing, text: str) -> None:
    page, wanted = PageRequest(PAGE, None, backwards=False), RecordFilter(text=text)
    first = await timed(lambda: manufacturing.page(wanted, RecordOrder(), page), 1)
    again = await timed(lambda: manufacturing.page(wanted, RecordOrder(), page))
    row(f"text {text!r}: at first, again", f"{first:.0f}, {again:.2f} ms", "")


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        root, port = Path(name), free_port()
        build_station(root, now=datetime.now(UTC))
        fill(root / DATABASE)
        print(f"{ROWS:,} records, {(root / DATABASE).stat().st_size / 1e6:,.0f} MB")
        with serving(root, port) as service:
            wait_for(port, time.perf_counter())
            measure_catching_up(root, port)
            export = "/api/v2/manufacturing/export?format="
            measure_export(port, service.pid, f"{export}csv", "CSV export", budget=50_000)
            measure_export(
                port,
                service.pid,
                f"{export}csv&secure=yes",
                "CSV export, filtered (of all)",
                budget=0,
            )
            measure_export(port, service.pid, f"{export}ndjson", "NDJSON export", budget=0)
            measure_export(
                port, service.pid, "/api/v2/manufacturing", "the old listing, all rows", budget=0
            )
        asyncio.run(measure_domain(root))


if __name__ == "__main__":
    main()
