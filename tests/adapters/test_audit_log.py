"""The audit log on disk: nothing acknowledged is lost, and old readers understand it."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.audit_log import SqliteAuditLog
from domain.audit import AuditEntry, AuditUnavailable, EventType

CONTRACT = [
    "id",
    "timestamp",
    "event_type",
    "client_ip",
    "user_agent",
    "handler_path",
    "operation",
    "target_path",
    "success",
    "username",
    "additional_info",
]


def _entry(path: str) -> AuditEntry:
    return AuditEntry(EventType.HANDLER_ACCESS, datetime.now(UTC), handler_path=path)


def _paths(file: Path) -> list[str]:
    with sqlite3.connect(file) as connection:
        return [
            row[0] for row in connection.execute("select handler_path from audit_log order by id")
        ]


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteAuditLog]:
    opened = SqliteAuditLog(lambda: tmp_path / "srv/audit.db")
    await opened.open()
    yield opened
    await opened.aclose()


async def test_durable_rows_are_on_the_disk_in_their_order(
    log: SqliteAuditLog, tmp_path: Path
) -> None:
    for number in range(100):
        log.record(_entry(f"/{number}"))
    await log.durable()
    assert _paths(tmp_path / "srv/audit.db") == [f"/{number}" for number in range(100)]
    assert log.waiting == 0


async def test_the_table_begins_with_the_contracts_columns(
    log: SqliteAuditLog, tmp_path: Path
) -> None:
    log.record(_entry("/"))
    await log.durable()
    file = tmp_path / "srv/audit.db"
    with sqlite3.connect(file) as connection:
        names = [row[1] for row in connection.execute("pragma table_info(audit_log)")]
        indexes = [row[1] for row in connection.execute("pragma index_list(audit_log)")]
    assert names[: len(CONTRACT)] == CONTRACT
    assert indexes == ["idx_timestamp"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


async def test_an_old_file_gets_the_new_columns_at_its_end(tmp_path: Path) -> None:
    file = tmp_path / "audit.db"
    with sqlite3.connect(file) as connection:
        connection.execute(
            "CREATE TABLE audit_log (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL,"
            " event_type TEXT NOT NULL, client_ip TEXT, user_agent TEXT, handler_path TEXT,"
            " operation TEXT, target_path TEXT, success INTEGER, username TEXT,"
            " additional_info TEXT)"
        )
        connection.execute(
            "insert into audit_log(timestamp,event_type,handler_path) values('x','y','/old')"
        )
    log = SqliteAuditLog(lambda: file)
    await log.open()
    log.record(_entry("/new"))
    await log.durable()
    await log.aclose()
    assert _paths(file) == ["/old", "/new"]


async def test_what_is_recorded_is_written_at_the_close(tmp_path: Path) -> None:
    log = SqliteAuditLog(lambda: tmp_path / "audit.db")
    await log.open()
    log.record(*(_entry("/x") for _ in range(1000)))
    await log.aclose()
    assert len(_paths(tmp_path / "audit.db")) == 1000


async def test_a_deleted_file_comes_back_with_its_table(
    log: SqliteAuditLog, tmp_path: Path
) -> None:
    log.record(_entry("/before"))
    await log.durable()
    (tmp_path / "srv/audit.db").unlink()
    log.record(_entry("/after"))
    await log.durable()
    assert _paths(tmp_path / "srv/audit.db") == ["/after"]


async def test_a_log_that_cannot_be_written_says_why_and_recovers(tmp_path: Path) -> None:
    place = tmp_path / "audit.db"
    place.mkdir()
    log = SqliteAuditLog(lambda: place)
    await log.open()
    log.record(_entry("/kept"))
    with pytest.raises(AuditUnavailable):
        await log.durable()
    with pytest.raises(AuditUnavailable):
        await log.probe()
    place.rmdir()
    async with asyncio.timeout(10):
        while log.waiting:
            await asyncio.sleep(0.05)
    await log.probe()
    await log.aclose()
    assert _paths(place) == ["/kept"]


async def test_acknowledged_rows_survive_kill_9(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from adapters.audit_log import SqliteAuditLog
from domain.audit import AuditEntry, EventType

async def run():
    log = SqliteAuditLog(lambda: Path(sys.argv[1]))
    await log.open()
    for number in range(10_000):
        at = datetime.now(UTC)
        log.record(AuditEntry(EventType.HANDLER_ACCESS, at, handler_path=f"/{number}"))
        await log.durable()
        print(number, flush=True)

asyncio.run(run())
"""
    file = tmp_path / "audit.db"
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child.stdout:
        told = [int(child.stdout.readline()) for _ in range(30)]
        child.kill()
        told += [int(line) for line in child.stdout.read().split()]
    child.wait()
    assert set(_paths(file)) >= {f"/{number}" for number in told}
