"""Reading the audit rows: SQL answers what the filter says, quickly and whatever the file is."""

import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.audit.log_file import LogFile
from adapters.audit.reader import Effort
from adapters.audit.rows import SqliteAuditRows
from adapters.audit.table import NAMES, stored_of
from domain.audit.entries import AuditEntry, EventType, StoredEntry
from domain.audit.filters import AuditFilter
from domain.audit.trail import (
    LARGEST_ID,
    AuditDatabaseNotOpen,
    AuditDatabaseNotRead,
    AuditQueryTooSlow,
    NewestFirst,
)
from tests.adapters.audit.files import AT, change, entry, write, write_old

HOUR = timedelta(hours=1)
KINDS = (None, *EventType)
CALLERS = ("local", "ann", "bea")


def _entry(chance: random.Random, number: int) -> AuditEntry:
    # The clock jumps back now and then, as without a battery.
    at = AT + timedelta(minutes=number - 300 * (number // 700), milliseconds=chance.randrange(1000))
    if chance.random() < 0.6:
        path = chance.choice(("/devices", "/devices/a%b_c", "/services", "/graphql#devices"))
        outcome = chance.choice(("OK", "OK", "NOT_FOUND", None))
        return AuditEntry(
            EventType.HANDLER_ACCESS,
            at,
            client_ip=f"10.0.0.{chance.randrange(4)}",
            user_agent=chance.choice(("Mozilla ÄÖ", "curl", "")),
            handler_path=path,
            caller=chance.choice(CALLERS),
            correlation_id=f"c{number}",
            surface=chance.choice(("rest", "graphql")),
            outcome=outcome,
        )
    return AuditEntry(
        chance.choice((EventType.FILE_ACCESS, EventType.SYSTEMD_LOG_ACCESS)),
        at,
        operation=chance.choice(("READ", "WRITE")),
        target_path=chance.choice(("/etc/config", "/devices/x.service")),
        success=chance.choice((True, False, None)),
        additional_info=chance.choice(("", "50% of A_B", "error")),
        caller=chance.choice((*CALLERS, None)),
        correlation_id=f"c{number - 1}",
    )


FILTERS = (
    AuditFilter(),
    *(AuditFilter(event_type=kind) for kind in EventType),
    AuditFilter(operation="WRITE"),
    AuditFilter(path="/devices"),
    AuditFilter(path="/etc/config"),
    AuditFilter(path_prefix="/devices"),
    AuditFilter(path_prefix="/devices", success=False, caller="ann"),
    AuditFilter(path_prefix="/none"),
    AuditFilter(address="10.0.0.3"),
    AuditFilter(caller="bea", surface="rest"),
    AuditFilter(success=True),
    AuditFilter(success=False),
    AuditFilter(outcome="OK"),
    AuditFilter(outcome="NOT_FOUND"),
    AuditFilter(correlation_id="c42"),
    AuditFilter(text="a_b"),
    AuditFilter(text="50%"),
    AuditFilter(text="MOZILLA Ä"),
    AuditFilter(text="'; drop table audit_log; --"),
    AuditFilter(since=AT + 3 * HOUR),
    AuditFilter(until=AT + 3 * HOUR),
    AuditFilter(since=AT + 3 * HOUR, until=AT + 9 * HOUR, caller="ann"),
    AuditFilter(since=AT - 9 * HOUR, until=AT - 8 * HOUR),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Old rows, then three thousand of ours in batches, then some of the old service again."""
    place = tmp_path_factory.mktemp("rows") / "audit.db"
    write_old(place, *("/devices",) * 50, at=AT - 2 * HOUR)
    chance, log = random.Random(7), LogFile(place)
    for start in range(0, 3000, 100):
        log.append([_entry(chance, number) for number in range(start, start + 100)])
    write_old(place, "/devices", "/old")
    log.append([entry("/last")])
    for _ in log.upkeep():
        pass
    log.close()
    return place


@pytest.fixture
async def rows(file: Path) -> AsyncIterator[SqliteAuditRows]:
    opened = SqliteAuditRows(lambda: file)
    yield opened
    await opened.aclose()


@pytest.fixture(scope="module")
def everything(file: Path) -> list[StoredEntry]:
    with closing(sqlite3.connect(file)) as connection:
        query = f"SELECT {', '.join(NAMES)} FROM audit_log ORDER BY id"
        return [stored_of(row) for row in connection.execute(query)]


@pytest.mark.parametrize("wanted", FILTERS, ids=range(len(FILTERS)))
async def test_sql_finds_what_the_filter_matches(
    rows: SqliteAuditRows, everything: list[StoredEntry], wanted: AuditFilter
) -> None:
    matching = [row for row in everything if wanted.matches(row)]
    middle = len(everything) // 2
    older = [row for row in matching if row.id < middle][::-1]
    newer = [row for row in matching if row.id > middle]
    assert await rows.older(wanted, below=LARGEST_ID, most=5000) == matching[::-1]
    assert await rows.older(wanted, below=middle, most=7) == older[:7]
    assert await rows.newer(wanted, above=middle, most=7) == newer[:7]
    assert await rows.count(wanted) == len(matching)


@pytest.mark.parametrize("wanted", FILTERS, ids=range(len(FILTERS)))
async def test_a_walk_in_many_windows_finds_the_same(
    file: Path, everything: list[StoredEntry], wanted: AuditFilter
) -> None:
    rows = SqliteAuditRows(lambda: file, Effort(first_window=3, largest_window=100, candidates=10))
    matching = [row for row in everything if wanted.matches(row)]
    newer = await rows.newer(wanted, above=0, most=5000)
    older = await rows.older(wanted, below=LARGEST_ID, most=5000)
    count = await rows.count(wanted)
    await rows.aclose()
    assert (newer, older[::-1], count) == (matching, matching, len(matching))


async def test_counting_goes_on_from_the_last_count(tmp_path: Path) -> None:
    file, wanted = tmp_path / "audit.db", AuditFilter(caller="ann")
    rows, log = SqliteAuditRows(lambda: file), LogFile(file)
    counts = list[int | None]()
    ann = AuditEntry(EventType.HANDLER_ACCESS, AT, handler_path="/", caller="ann")
    for _ in range(3):
        log.append([ann, entry("/of nobody"), ann])
        counts += [await rows.count(wanted), await rows.count(AuditFilter())]
    log.prune(3, 100)
    counts += [await rows.count(wanted), await rows.count(AuditFilter())]
    log.close()
    await rows.aclose()
    assert counts == [2, 3, 4, 6, 6, 9, 4, 6]


async def test_too_long_a_walk_is_stopped_and_told(file: Path) -> None:
    rows, wanted = SqliteAuditRows(lambda: file, Effort(seconds=-1)), AuditFilter(text="nowhere")
    with pytest.raises(AuditQueryTooSlow):
        await rows.older(wanted, below=LARGEST_ID, most=10)
    count = await rows.count(wanted)
    await rows.aclose()
    assert count is None


async def test_the_newest_are_sorted_by_time_then_id(
    rows: SqliteAuditRows, everything: list[StoredEntry]
) -> None:
    wanted = sorted(everything, key=lambda row: (row.timestamp, row.id), reverse=True)
    got, after = list[StoredEntry](), None
    while batch := await rows.newest(NewestFirst(), after=after, most=999):
        got += batch
        after = batch[-1]
    assert got == wanted


@pytest.mark.parametrize(
    ("asked", "matches"),
    [
        (NewestFirst(event_type="FILE_ACCESS"), lambda row: row.event_type == "FILE_ACCESS"),
        (NewestFirst(event_type="HANDLER_ACCESS"), lambda row: row.event_type == "HANDLER_ACCESS"),
        (NewestFirst(event_type="NOPE"), lambda row: False),
        (NewestFirst(start="2026-08-02"), lambda row: row.timestamp >= "2026-08-02"),
        (
            NewestFirst("FILE_ACCESS", "2026-08-02", "2026-08-03"),
            lambda row: (
                row.event_type == "FILE_ACCESS" and "2026-08-02" <= row.timestamp <= "2026-08-03"
            ),
        ),
    ],
)
async def test_the_newest_are_narrowed_as_texts(
    rows: SqliteAuditRows,
    everything: list[StoredEntry],
    asked: NewestFirst,
    matches: Callable[[StoredEntry], bool],
) -> None:
    got = await rows.newest(asked, after=None, most=5000)
    assert {row.id for row in got} == {row.id for row in everything if matches(row)}


async def test_the_last_entry_before_a_moment_has_only_older_ones_before_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "audit.db"
    write(file, 100)
    rows = SqliteAuditRows(lambda: file)
    lasts = [await rows.last_before(AT + timedelta(seconds=seconds)) for seconds in (0, 1, 50, 500)]
    extent = await rows.extent()
    await rows.aclose()
    assert lasts == [0, 0, 49, 100]
    assert (extent.oldest, extent.newest) == (1, 100)
    assert 0 < extent.used_bytes <= file.stat().st_size


async def test_a_table_of_the_existing_service_is_read_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "audit.db"
    write_old(file, "/old")
    rows = SqliteAuditRows(lambda: file)
    wanted = AuditFilter(path="/old", since=AT, until=AT)
    found = await rows.older(wanted, below=LARGEST_ID, most=10)
    total = await rows.count(AuditFilter())
    await rows.aclose()
    assert [(row.handler_path, row.caller, row.at) for row in found] == [("/old", None, AT)]
    assert total == 1


async def test_texts_that_are_no_unicode_are_shown_readably(tmp_path: Path) -> None:
    file = tmp_path / "audit.db"
    write_old(file, "/x")
    change(file, "update audit_log set user_agent = cast(x'ff41' as text), success = 'odd'")
    rows = SqliteAuditRows(lambda: file)
    found = await rows.older(AuditFilter(), below=LARGEST_ID, most=10)
    await rows.aclose()
    assert (found[0].user_agent, found[0].success) == ("�A", True)


async def test_a_replaced_file_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "audit.db"
    write(file, 3)
    rows = SqliteAuditRows(lambda: file)
    before = await rows.count(AuditFilter())
    file.unlink()
    write(file, 5)
    after = await rows.count(AuditFilter())
    await rows.aclose()
    assert (before, after) == (3, 5)


def _nothing(file: Path) -> None:
    del file


def _folder(file: Path) -> None:
    file.mkdir()


def _garbage(file: Path) -> None:
    file.write_bytes(b"this is no database" * 1000)


def _empty(file: Path) -> None:
    file.touch()


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (_nothing, AuditDatabaseNotOpen),
        (_folder, AuditDatabaseNotOpen),
        (_garbage, AuditDatabaseNotRead),
        (_empty, AuditDatabaseNotRead),
    ],
)
async def test_what_is_no_log_is_told_without_its_real_path(
    tmp_path: Path, make: Callable[[Path], None], error: type[Exception]
) -> None:
    file = tmp_path / "audit.db"
    make(file)
    rows = SqliteAuditRows(lambda: file)
    with pytest.raises(error) as raised:
        await rows.older(AuditFilter(), below=LARGEST_ID, most=1)
    await rows.aclose()
    assert str(tmp_path) not in str(raised.value)


async def test_a_time_of_a_row_is_told_in_utc(rows: SqliteAuditRows) -> None:
    last = (await rows.older(AuditFilter(), below=LARGEST_ID, most=1))[0]
    assert last.at is not None
    assert abs(last.at - datetime.now(UTC)) < HOUR
