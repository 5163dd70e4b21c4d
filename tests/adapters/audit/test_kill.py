"""A writer that is killed at any moment: no acknowledged row is lost, and the chain holds."""

import random
import subprocess
import sys
from pathlib import Path

from adapters.audit.verifying import verify_file
from tests.adapters.audit.files import paths

KILLS = 20
PROGRAM = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from adapters.audit.log import SqliteAuditLog
from domain.audit.entries import AuditEntry, EventType
from tests.adapters.audit.files import announcement

async def change(log, name):
    for number in range(100_000):
        at = datetime.now(UTC)
        log.record(AuditEntry(EventType.HANDLER_ACCESS, at, handler_path=f"/{name}-{number}"))
        await log.durable()
        print(f"/{name}-{number}", flush=True)

async def prune(log):
    while True:
        up_to = max(log.head.id - int(sys.argv[3]), 0)
        log.record(announcement(up_to))
        await log.durable()
        await log.prune(up_to, most=50)
        await asyncio.sleep(0.001)

async def run():
    log = SqliteAuditLog(lambda: Path(sys.argv[1]))
    await log.open()
    await asyncio.gather(prune(log), *(change(log, f"{sys.argv[2]}-{n}") for n in range(5)))

asyncio.run(run())
"""


def _killed(file: Path, run: int, *, after: int, kept: int) -> list[str]:
    """Runs a writer that keeps the newest `kept` rows, kills it when it has acknowledged `after`
    rows and some, and returns what it had acknowledged."""
    command = [sys.executable, "-c", PROGRAM, str(file), str(run), str(kept)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout:
        told = [child.stdout.readline().strip() for _ in range(after)]
        child.kill()
        told += child.stdout.read().split()
    child.wait()
    return told


def test_twenty_kills_lose_no_acknowledged_row_and_break_no_link(tmp_path: Path) -> None:
    file, told, chance = tmp_path / "audit.db", list[str](), random.Random(4)
    for run in range(KILLS):
        told += _killed(file, run, after=chance.randrange(1, 200), kept=10**9)
        assert verify_file(file).findings == ()
    assert len(told) > KILLS
    assert set(told) <= set(paths(file))


def test_a_kill_in_the_middle_of_pruning_breaks_no_link(tmp_path: Path) -> None:
    file, chance = tmp_path / "audit.db", random.Random(5)
    for run in range(KILLS // 2):
        told = _killed(file, run, after=chance.randrange(100, 300), kept=100)
        report = verify_file(file)
        assert report.findings == ()
        assert told[-1] in paths(file)
    assert report.checkpoint.pruned > 100
