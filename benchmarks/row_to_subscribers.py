"""A state row that the sqlite3 program writes, until the last subscriber has heard of it.

Run: .venv/bin/python -m benchmarks.row_to_subscribers [ROWS]. The program serves a station with
127 USB devices; the clients are a process of their own (benchmarks/crowd.py). Prints the time until
all have their frame of `topologyChanges`: from the program's word that the row is written, against
the budgets of 50 ms at 100 subscribers and 250 ms at 1,000, and from the statement's way into the
program, which is later by what the disk takes to keep a commit.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles

from benchmarks.topology import QUERY, TABLE, build
from tests.e2e.process import Program

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 40
BUDGETS = {100: 50.0, 1_000: 250.0}
PATIENCE = 60.0
QUIET = 0.3
"""Seconds without a frame after which the next row is written."""
STATES = ("TRIAGE-STARTED", "TRIAGE-FINISHED")


@asynccontextmanager
async def process(*command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child that ends with its input."""
    child = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield child
    finally:
        say(child, "")
        await child.wait()


def say(child: asyncio.subprocess.Process, line: str) -> None:
    """Writes a line to the child; the empty text is the end."""
    assert child.stdin is not None
    child.stdin.write(f"{line}\n".encode())
    if not line:
        child.stdin.close()


async def heard(child: asyncio.subprocess.Process, seconds: float) -> int | None:
    """Returns when all had one frame more, None when that takes longer."""
    assert child.stdout is not None
    try:
        async with asyncio.timeout(seconds):
            return int(await child.stdout.readline())
    except TimeoutError:
        return None


async def measure(
    port: int, database: Path, boards: list[str], *, subscribers: int, state: str
) -> tuple[list[float], list[float]]:
    """Returns the milliseconds of each row, since it was written and since the program was told
    to; `state` is another one than the boards have."""
    crowd = (sys.executable, "-m", "benchmarks.crowd", str(port), str(subscribers), "0", QUERY)
    since_written, since_told = [], []
    async with process("sqlite3", str(database)) as shell, process(*crowd) as clients:
        say(shell, ".timeout 5000")
        await heard(clients, PATIENCE)
        for place in range(min(ROWS, len(boards))):
            while await heard(clients, QUIET) is not None:
                pass
            row = f"'{place:08x}', '{boards[place]}', '{state}', 'os.img', '', '18'"
            columns = "serial, endpoint, state, image, ip_address, board_type"
            began = time.monotonic_ns()
            say(shell, f"insert into devices({columns}) values({row}); select 'written';")
            assert shell.stdout is not None
            await shell.stdout.readline()
            written = time.monotonic_ns()
            told = await heard(clients, PATIENCE)
            assert told is not None
            since_written.append(max(0.0, (told - written) / 1e6))
            since_told.append((told - began) / 1e6)
    return since_written, since_told


async def main() -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        boards, database = build(root), root / "srv/rpi-sb-provisioner/state.db"
        database.parent.mkdir(parents=True)
        async with process("sqlite3", str(database)) as shell:
            say(shell, f"pragma journal_mode=wal; {TABLE};")
        with Program(root) as program:
            port = int(program.base.rsplit(":", 1)[1])
            print(f"one row until all are told; {ROWS} rows each, {len(boards)} boards")
            for state, (subscribers, budget) in zip(STATES, BUDGETS.items(), strict=True):
                taken = await measure(port, database, boards, subscribers=subscribers, state=state)
                for what, times in zip(("written", "statement"), taken, strict=True):
                    at = quantiles(times, n=100, method="inclusive")
                    print(
                        f"{subscribers:5} subscribers, since {what:9}  p50 {at[49]:6.1f} ms  "
                        f"p99 {at[98]:6.1f} ms  budget {budget:.0f} ms",
                        flush=True,
                    )


if __name__ == "__main__":
    asyncio.run(main())
