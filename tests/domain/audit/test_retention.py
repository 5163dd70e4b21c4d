"""Retention: off by default, by age, number and size, in small steps, and said in the log."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.audit.retention import Pruning, Retention, RetentionInvalid
from tests.fakes.audit import FakeAuditLog, FakeAuditRows, stored

NOW = datetime(2026, 8, 1, tzinfo=UTC)


def _log(count: int = 5000) -> FakeAuditLog:
    hours = timedelta(hours=1)
    rows = [stored(id, NOW - hours * (count - id)) for id in range(1, count + 1)]
    return FakeAuditLog(FakeAuditRows(rows, row_bytes=1000))


async def _pruned(log: FakeAuditLog, kept: Retention) -> tuple[int, int]:
    gone = await Pruning(kept, log.kept, log, place="/audit.db", pause_seconds=0).run(now=NOW)
    return gone, log.kept.rows[0].id


async def test_everything_is_kept_by_default() -> None:
    log = _log()
    assert await _pruned(log, Retention()) == (0, 1)
    assert log.entries == []


@pytest.mark.parametrize(
    ("kept", "oldest"),
    [
        (Retention(days=100), 5000 - 2400),
        (Retention(rows=3000), 2001),
        (Retention(megabytes=4), 1001),
        (Retention(days=100, rows=3000), 5000 - 2400),
        (Retention(rows=9999, days=9999, megabytes=9), 1),
        (Retention(rows=1), 4001),
    ],
)
async def test_each_limit_is_kept_and_the_newest_thousand_always(
    kept: Retention, oldest: int
) -> None:
    assert await _pruned(_log(), kept) == (oldest - 1, oldest)


async def test_rows_go_in_small_steps_and_their_end_is_an_entry() -> None:
    log = _log()
    await _pruned(log, Retention(rows=2000))
    assert log.steps == [500] * 6
    assert [(e.operation, e.target_path) for e in log.entries] == [("DELETE", "/audit.db")]
    assert "1 to 3000" in (log.entries[0].additional_info or "")


async def test_an_empty_log_is_left_alone() -> None:
    log = FakeAuditLog(FakeAuditRows())
    assert await Pruning(Retention(rows=1), log.kept, log, place="/x").run(now=NOW) == 0


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(RetentionInvalid):
        Retention(days=-1)
