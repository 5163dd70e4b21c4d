"""Pages of a unit's log out of a journal of 1,000,000 entries that systemd's own tool wrote.

Run: .venv/bin/python benchmarks/journal.py [ENTRIES]. Prints milliseconds against the budget of
100 ms a page, and how fast whole logs are read.
"""

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import TypeVar

from adapters.journal import SystemdJournal
from adapters.systemd import SystemdUnits
from domain.errors import ProvisionerError
from domain.host_paths import HostPaths
from domain.paging import page_request
from domain.services.line_filters import LineFilter, Priority
from domain.services.run_history import RunHistory, run_order
from domain.services.unit_logs import LogPage, NumberedPage, UnitLogs, log_order

ENTRIES = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
TOOL = Path("/lib/systemd/systemd-journal-remote")
MACHINE, BOOT = "5f0c1b2a3d4e4f60718293a4b5c6d7e8", "0123456789abcdef0123456789abcdef"
BEGIN = 1_785_542_400_000_000
BUDGET_MS = 100.0
SIZE = 100
OFTEN = "rpi-sb-provisioner@1000000000a0b000.service"
"""Every second line is its own; the others are those of 25 units."""
SELDOM = "rpi-sb-triage@0000000000000008.service"
RUN_LENGTH = 5000
NO_BUS = "unix:path=/nonexistent/bus"

T = TypeVar("T")


def entry(number: int) -> str:
    """Returns one line of the export format."""
    unit = OFTEN if number % 2 else f"rpi-sb-triage@{number % 50:016x}.service"
    return (
        f"__REALTIME_TIMESTAMP={BEGIN + number * 1000}\n"
        f"__MONOTONIC_TIMESTAMP={1_000_000 + number * 1000}\n"
        f"_BOOT_ID={BOOT}\n_MACHINE_ID={MACHINE}\nPRIORITY={3 if number % 1000 == 1 else 6}\n"
        f"_PID={1000 + number % 50}\n_SYSTEMD_UNIT={unit}\nSYSLOG_IDENTIFIER=script\n"
        f"_SYSTEMD_INVOCATION_ID={number // RUN_LENGTH + 1:032x}\n"
        f"MESSAGE=line {number} of a log with some words in it\n\n"
    )


def write(root: Path) -> None:
    """Lets systemd's tool write the journal below `root`."""
    folder = root / "var/log/journal" / MACHINE
    folder.mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc/machine-id").write_text(f"{MACHINE}\n", "ascii")
    command = [str(TOOL), "-o", str(folder / "system.journal"), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as tool:
        if tool.stdin is None:
            raise OSError("no pipe")
        for chunk in _chunks():
            tool.stdin.write(chunk)
        tool.stdin.close()


def _chunks() -> Iterator[bytes]:
    for start in range(0, ENTRIES, 10_000):
        numbers = range(start, min(start + 10_000, ENTRIES))
        yield "".join(entry(number) for number in numbers).encode()


async def timed(what: str, work: Awaitable[T], *, budget: float | None = BUDGET_MS) -> T:
    begin = time.perf_counter()
    result = await work
    took = (time.perf_counter() - begin) * 1000
    verdict = (
        "" if budget is None else f"  budget {budget:.0f}  {'ok' if took <= budget else 'OVER'}"
    )
    print(f"  {what:<58}{took:9.1f} ms{verdict}")
    return result


async def measure(journal: SystemdJournal, units: SystemdUnits) -> None:
    logs = UnitLogs(journal)

    def page(
        unit: str, after: str | None = None, *, priority: Priority | None = None
    ) -> Awaitable[LogPage]:
        order = log_order(unit, newest_first=True)
        request = page_request(order, first=SIZE, after=after)
        return logs.page(unit, request, wanted=LineFilter(priority=priority), newest_first=True)

    def numbered(unit: str, number: int) -> Awaitable[NumberedPage]:
        return logs.numbered(unit, page=number, size=SIZE, newest_first=True)

    print(f"{ENTRIES:,} entries, pages of {SIZE}")
    await timed("the process that reads starts", journal.end(), budget=None)
    await timed("the list of units, first", journal.list_units())
    await timed("the list of units, again", journal.list_units())
    first = await timed("newest lines of a unit", page(OFTEN))
    await timed("the next page, by cursor", page(OFTEN, first.end))
    await timed("newest lines of a unit that writes seldom", page(SELDOM))
    await timed("newest errors, one line in 500", page(OFTEN, priority=Priority.ERROR))
    total = await timed(f"REST page 1 of {SELDOM[:13]}, counted first", numbered(SELDOM, 1))
    await timed(f"REST middle page of {total.total:,}", numbered(SELDOM, total.pages // 2))
    total = await timed(
        "REST page 1 of half the journal, counted once", numbered(OFTEN, 1), budget=None
    )
    middle = total.pages // 2
    await timed(f"REST middle page of {total.total:,}, never seen", numbered(OFTEN, middle))
    await timed("REST page after it", numbered(OFTEN, middle + 1))
    await timed("REST last page", numbered(OFTEN, total.pages))
    await timed("REST page 1, again", numbered(OFTEN, 1))
    runs = RunHistory(journal, units)
    await timed("10 runs of a unit", runs.page(OFTEN, page_request(run_order(OFTEN), first=10)))
    await whole(logs)


async def whole(logs: UnitLogs) -> None:
    begin, count = time.perf_counter(), 0
    async for piece in await logs.whole(OFTEN):
        count += len(piece)
    took = time.perf_counter() - begin
    print(f"  {f'whole log of {count:,} lines':<58}{count / took:9,.0f} lines/s")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        await timed(
            "systemd-journal-remote writes the journal",
            asyncio.to_thread(write, Path(folder)),
            budget=None,
        )
        journal, units = SystemdJournal(HostPaths(Path(folder))), SystemdUnits(NO_BUS)
        try:
            await units_gone(units)
            await measure(journal, units)
        finally:
            await asyncio.gather(journal.aclose(), units.aclose())


async def units_gone(units: SystemdUnits) -> None:
    """Lets the other child start before anything is measured."""
    with contextlib.suppress(ProvisionerError):
        await units.probe()


if __name__ == "__main__":
    if TOOL.exists():
        asyncio.run(main())
    else:
        print("skipped: install the Debian package systemd-journal-remote")
