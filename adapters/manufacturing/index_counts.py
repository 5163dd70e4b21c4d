"""Counts and look-ups out of the record index."""

import sqlite3
from collections.abc import Collection, Sequence

from adapters.manufacturing.criteria import Alternative, Condition, Criteria, all_of, in_numbers
from adapters.manufacturing.projection import NO_TIME
from domain.manufacturing.statistics import (
    MOST_BUCKETS,
    Bucket,
    StatisticsBy,
    StatisticsQuestion,
    bucket_start,
)

AT_ONCE = 500

_NAMES = {
    StatisticsBy.BOARD: "coalesce(v.boardname, '')",
    StatisticsBy.IMAGE: "coalesce(v.os_image_filename, '')",
}


def count(connection: sqlite3.Connection, criteria: Criteria) -> int:
    """Returns how many rows satisfy the criteria; at once where no row needs a look."""
    return sum(_count(connection, criteria, one) for one in criteria.alternatives)


def _count(connection: sqlite3.Connection, criteria: Criteria, one: Alternative) -> int:
    if not one.conditions and not criteria.times:
        return criteria.rows_of(one)
    where = _where(one, *criteria.times)
    # S608: constants and `?`.
    sql = f"SELECT count(*) FROM {_source(one)} WHERE {where.sql}"  # noqa: S608
    return int(connection.execute(sql, where.parameters).fetchone()[0])


def newest_ids(connection: sqlite3.Connection, boards: Collection[str]) -> dict[str, int]:
    """Returns the highest id of each board."""
    keys, found = list(boards), dict[str, int]()
    for first in range(0, len(keys), AT_ONCE):
        some = keys[first : first + AT_ONCE]
        # S608: only `?`.
        sql = f"SELECT board, max(id) FROM rows WHERE board IN ({', '.join('?' * len(some))})"  # noqa: S608
        found.update(connection.execute(f"{sql} GROUP BY board", some))
    return found


def ids_of_duid(connection: sqlite3.Connection, duid: str) -> list[int]:
    """Returns the ids of the records with exactly this DUID, descending."""
    found = connection.execute("SELECT id FROM rows WHERE duid = ? ORDER BY id DESC", (duid,))
    return [id for (id,) in found]


def has_odd_times(connection: sqlite3.Connection) -> bool:
    """Whether a time is not written as `current_timestamp` writes it."""
    return bool(connection.execute("SELECT odd FROM state").fetchone()[0])


def statistics(
    connection: sqlite3.Connection, criteria: Criteria, question: StatisticsQuestion
) -> list[Bucket]:
    """Returns one bucket more than may be told, where there are more."""
    step = question.by.step
    group, order, more = _NAMES.get(question.by, ""), "2 DESC, 1", [*criteria.times]
    if step is not None:
        offset, seconds = int(question.utc_offset.total_seconds()), int(step.total_seconds())
        group, order = f"(r.at + {offset}) / {seconds}", "1 DESC"
        more += [Condition("r.at > ?", (NO_TIME,)), _recent(connection, seconds)]
    wheres = [_where(one, *more) for one in criteria.alternatives]
    # S608: constants, numbers and `?`.
    rows = " UNION ALL ".join(
        f"SELECT r.at, r.board, r.variant FROM {_source(one)} WHERE {where.sql}"  # noqa: S608
        for one, where in zip(criteria.alternatives, wheres, strict=True)
    )
    found = connection.execute(
        f"SELECT {group}, count(*), count(DISTINCT r.board), sum(v.secure IS 1), "  # noqa: S608
        f"sum(v.secure IS 0), sum(v.connect_registered IS 0) FROM ({rows}) AS r "
        f"JOIN variants AS v ON v.id = r.variant GROUP BY 1 ORDER BY {order} "
        f"LIMIT {MOST_BUCKETS + 1}",
        [value for where in wheres for value in where.parameters],
    )
    return [_bucket(question, row) for row in found]


def _recent(connection: sqlite3.Connection, seconds: int) -> Condition:
    """Older hours and days than these could not be told in one answer."""
    newest = connection.execute("SELECT max(at) FROM rows").fetchone()[0] or 0
    return Condition("r.at > ?", (newest - (MOST_BUCKETS + 1) * seconds,))


def _bucket(question: StatisticsQuestion, row: Sequence[int | str]) -> Bucket:
    group, records, boards, secure, not_secure, failed = row
    timely = isinstance(group, int)
    return Bucket(
        start=bucket_start(group, question) if isinstance(group, int) else None,
        name=None if timely else str(group) or None,
        records=int(records),
        boards=int(boards),
        secure=int(secure),
        not_secure=int(not_secure),
        connect_failed=int(failed),
    )


def _source(one: Alternative) -> str:
    access = {"": "", "id": " NOT INDEXED"}.get(one.access, f" INDEXED BY {one.access}")
    text = " CROSS JOIN texts AS t ON t.id = r.id" if one.searched else ""
    return f"rows AS r{access}{text}"


def _where(one: Alternative, *more: Condition) -> Condition:
    conditions = [*one.conditions, *more]
    if one.variants is not None:
        conditions.append(in_numbers("r.variant", one.variants))
    return all_of([*conditions, Condition("TRUE")])
