"""The audit log on disk: nothing acknowledged is lost, and old readers understand it."""

import asyncio
import contextlib
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from adapters.audit.log import SqliteAuditLog
from adapters.audit.log_file import LogFile, Written
from adapters.audit.verifying import verify_file
from domain.audit.chain import Head
from domain.audit.entries import AuditEntry, EventType, StoredEntry
from domain.audit.log import AuditInterrupted, AuditUnavailable
from tests.adapters.audit.files import (
    announcement,
    change,
    entry,
    found,
    paths,
    select,
    write,
    write_old,
)

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


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "srv/audit.db"


@pytest.fixture
async def log(file: Path) -> AsyncIterator[SqliteAuditLog]:
    opened = SqliteAuditLog(lambda: file)
    await opened.open()
    yield opened
    await opened.aclose()


async def _written(log: SqliteAuditLog, *written: str) -> None:
    log.record(*(entry(path) for path in written))
    await log.durable()


async def _until_all_is_written(log: SqliteAuditLog) -> None:
    async with asyncio.timeout(10):
        while log.waiting:
            with contextlib.suppress(AuditUnavailable):
                await log.durable()


async def test_durable_rows_are_on_the_disk_in_their_order(log: SqliteAuditLog, file: Path) -> None:
    await _written(log, *(f"/{number}" for number in range(100)))
    assert paths(file) == [f"/{number}" for number in range(100)]
    assert log.waiting == 0


async def test_the_table_begins_with_the_contracts_columns(log: SqliteAuditLog, file: Path) -> None:
    await _written(log, "/")
    names = [row[1] for row in select(file, "pragma table_info(audit_log)")]
    indexes = {row[1] for row in select(file, "pragma index_list(audit_log)")}
    assert names[: len(CONTRACT)] == CONTRACT
    assert "idx_timestamp" in indexes
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


async def test_the_file_keeps_its_journal_mode(log: SqliteAuditLog, file: Path) -> None:
    await _written(log, "/")
    assert select(file, "pragma journal_mode")[0][0] in ("delete", "truncate")


async def test_an_old_file_gets_the_new_columns_and_a_chain_from_here_on(file: Path) -> None:
    file.parent.mkdir()
    write_old(file, "/old", "/older")
    log = SqliteAuditLog(lambda: file)
    await log.open()
    await _written(log, "/new")
    await log.aclose()
    report = verify_file(file)
    assert paths(file)[:2] + paths(file)[3:] == ["/old", "/older", "/new"]
    assert (
        "entries up to 2 were there" in select(file, "select additional_info from audit_log")[2][0]
    )
    assert (report.is_whole, report.uncovered, report.verified) == (True, 2, 2)


async def test_an_old_file_gets_its_indexes_by_and_by(file: Path) -> None:
    file.parent.mkdir()
    write_old(file, *(f"/{number}" for number in range(3000)))
    log = SqliteAuditLog(lambda: file)
    await log.open()
    async with asyncio.timeout(10):
        while len(select(file, "pragma index_list(audit_log)")) < 10:
            await asyncio.sleep(0.02)
    await log.aclose()
    assert select(file, "select sum(entries) from audit_blocks")[0][0] == 3001


async def test_what_is_recorded_is_written_at_the_close(file: Path) -> None:
    log = SqliteAuditLog(lambda: file)
    await log.open()
    log.record(*(entry("/x") for _ in range(1000)))
    await log.aclose()
    assert len(paths(file)) == 1000


async def test_names_that_are_no_unicode_are_written_readably(
    log: SqliteAuditLog, file: Path
) -> None:
    await _written(log, "/a\udcffb", "/ü\0")
    assert paths(file) == ["/a?b", "/ü\0"]
    assert found(file) == []


async def test_a_log_that_cannot_be_written_says_why_and_recovers(file: Path) -> None:
    file.mkdir(parents=True)
    log = SqliteAuditLog(lambda: file)
    await log.open()
    log.record(entry("/kept"))
    with pytest.raises(AuditUnavailable):
        await log.durable()
    with pytest.raises(AuditUnavailable) as raised:
        await log.probe()
    file.rmdir()
    await _until_all_is_written(log)
    await log.probe()
    await log.aclose()
    assert paths(file) == ["/kept"]
    assert str(file.parent) not in raised.value.message


async def test_a_locked_file_delays_and_loses_nothing(log: SqliteAuditLog, file: Path) -> None:
    await _written(log, "/before")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        log.record(entry("/while"))
        waiting = asyncio.create_task(log.durable())
        await asyncio.wait([waiting], timeout=0.1)
        is_done_meanwhile = waiting.done()
        other.execute("COMMIT")
    await waiting
    assert (is_done_meanwhile, paths(file)) == (False, ["/before", "/while"])


async def test_the_writer_outlives_what_nobody_expected(file: Path) -> None:
    class Odd(LogFile):
        failures = 1

        def append(self, entries: Sequence[AuditEntry]) -> Written:
            if Odd.failures:
                Odd.failures -= 1
                raise ValueError("something odd")
            return super().append(entries)

    log = SqliteAuditLog(lambda: file, opened=Odd)
    await log.open()
    log.record(entry("/kept"))
    with pytest.raises(AuditUnavailable):
        await log.durable()
    await _until_all_is_written(log)
    await log.aclose()
    assert paths(file) == ["/kept"]


async def test_each_batch_is_told_once_it_is_on_the_disk(file: Path) -> None:
    told = list[StoredEntry]()

    def check(head: Head, entries: Callable[[], Sequence[StoredEntry]]) -> None:
        assert len(paths(file)) >= (head.id or 0) == entries()[-1].id
        told.extend(entries())

    log = SqliteAuditLog(lambda: file, told=check)
    await log.open()
    await _written(log, "/1", "/2")
    await _written(log, "/3")
    await log.aclose()
    assert [(one.id, one.handler_path) for one in told] == [(1, "/1"), (2, "/2"), (3, "/3")]


async def test_a_deleted_file_comes_back_and_the_loss_is_said(
    log: SqliteAuditLog, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await _written(log, "/before")
    await log.whole()
    head = log.head
    file.unlink()
    await _written(log, "/after")
    with pytest.raises(AuditInterrupted, match="up to 1"):
        await log.whole()
    assert paths(file) == ["None", "/after"]
    assert (
        f"The last head was {head}" in select(file, "select additional_info from audit_log")[0][0]
    )
    assert found(file) == []
    assert "deleted" in caplog.text


async def test_a_file_that_was_replaced_by_a_copy_goes_on_without_a_word(
    log: SqliteAuditLog, file: Path
) -> None:
    await _written(log, "/before")
    copy = file.with_name("copy")
    copy.write_bytes(file.read_bytes())
    copy.replace(file)
    await _written(log, "/after")
    await log.whole()
    assert paths(file) == ["/before", "/after"]
    assert found(file) == []


async def test_a_tail_that_is_cut_while_the_service_runs_is_noticed(
    log: SqliteAuditLog, file: Path
) -> None:
    await _written(log, "/1", "/2", "/3")
    change(
        file,
        "delete from audit_log where id > 1",
        "delete from audit_chain where id > 1",
        "update sqlite_sequence set seq = 1",
    )
    await _written(log, "/4")
    with pytest.raises(AuditInterrupted, match="up to 3"):
        await log.whole()
    await _written(log, "/5")
    infos = select(file, "select additional_info from audit_log where event_type = 'FILE_ACCESS'")
    assert "up to 3" in infos[0][0]


async def test_a_chain_that_is_dropped_begins_anew_and_is_noticed(
    log: SqliteAuditLog, file: Path
) -> None:
    await _written(log, "/1")
    change(file, "drop table audit_chain", "drop table audit_checkpoint")
    log.record(entry("/2"))
    await _until_all_is_written(log)
    with pytest.raises(AuditInterrupted):
        await log.whole()
    assert "/2" in paths(file)


async def test_an_idle_writer_makes_a_deleted_file_again(log: SqliteAuditLog, file: Path) -> None:
    await _written(log, "/1")
    file.unlink()
    async with asyncio.timeout(20):
        while not file.exists():
            await asyncio.sleep(0.05)
    async with asyncio.timeout(10):
        while not _is_interrupted(log):
            await asyncio.sleep(0.05)


def _is_interrupted(log: SqliteAuditLog) -> bool:
    return bool(log._interruption)


async def test_two_writers_on_one_file_keep_one_chain(file: Path) -> None:
    one, other = SqliteAuditLog(lambda: file), SqliteAuditLog(lambda: file)
    await one.open()
    await other.open()
    for number in range(20):
        await _written((one, other)[number % 2], f"/{number}")
    await one.aclose()
    await other.aclose()
    assert paths(file) == [f"/{number}" for number in range(20)]
    assert found(file) == []


async def test_rows_of_the_existing_service_are_seen_as_inserted(file: Path) -> None:
    file.parent.mkdir()
    write(file, 3)
    write_old(file, "/old", "/old")
    write(file, 2, first=6)
    assert found(file) == [("inserted", 4, 5)]
    assert verify_file(file).verified == 5
    assert select(file, "select sum(entries) from audit_blocks")[0][0] == 7


async def test_the_existing_service_reads_by_position_as_before(
    log: SqliteAuditLog, file: Path
) -> None:
    await _written(log, "/devices")
    row = select(file, "select * from audit_log")[0]
    assert (row[0], row[2], row[3], row[5]) == (1, "HANDLER_ACCESS", "127.0.0.1", "/devices")
    assert row[6:11] == (None,) * 5


async def test_pruning_keeps_the_rest_verifiable(log: SqliteAuditLog, file: Path) -> None:
    await _written(log, *(f"/{number}" for number in range(1, 3001)))
    log.record(announcement(2000))
    await log.durable()
    await log.prune(2000, most=500)
    await log.prune(2000, most=5000)
    await _written(log, "/3001")
    report = verify_file(file)
    assert paths(file)[0] == "/2001"
    assert (report.findings, report.verified, report.checkpoint.pruned) == ((), 1002, 2000)
    assert select(file, "select sum(entries) from audit_blocks")[0][0] == 1002
    assert select(file, "select count(*) from audit_chain")[0][0] == 1002


async def test_pruning_an_old_file_leaves_the_beginning_of_its_chain(file: Path) -> None:
    file.parent.mkdir()
    write_old(file, *("/old",) * 10)
    log = LogFile(file)
    log.append([entry("/new"), announcement(4)])
    log.prune(4, 100)
    old = verify_file(file)
    log.append([announcement(10)])
    log.prune(10, 100)
    log.close()
    assert (old.findings, old.uncovered, old.verified) == ((), 6, 2)
    assert (verify_file(file).findings, verify_file(file).uncovered) == ((), 0)


async def test_everything_may_be_pruned_and_the_chain_goes_on(file: Path) -> None:
    file.parent.mkdir()
    log = LogFile(file)
    log.append([entry("/1"), entry("/2")])
    log.append([announcement(3)])
    log.prune(3, 100)
    log.close()
    unannounced = verify_file(file)
    log = LogFile(file)
    log.append([announcement(3)])
    log.close()
    report = verify_file(file)
    assert [str(one) for one in unannounced.findings] == ["rows 1 to 3 were taken out"]
    assert (report.findings, report.verified, report.head.id) == ((), 1, 4)


async def test_a_disk_that_is_full_refuses_and_keeps(file: Path) -> None:
    class Full(LogFile):
        is_full = True

        def append(self, entries: Sequence[AuditEntry]) -> Written:
            if Full.is_full:
                raise sqlite3.OperationalError("database or disk is full")
            return super().append(entries)

    log = SqliteAuditLog(lambda: file, opened=Full)
    await log.open()
    log.record(entry("/kept"))
    with pytest.raises(AuditUnavailable, match="full"):
        await log.durable()
    Full.is_full = False
    await _until_all_is_written(log)
    await log.aclose()
    assert paths(file) == ["/kept"]


def test_only_the_three_kinds_exist() -> None:
    assert [kind.value for kind in EventType] == [
        "HANDLER_ACCESS",
        "FILE_ACCESS",
        "SYSTEMD_LOG_ACCESS",
    ]
