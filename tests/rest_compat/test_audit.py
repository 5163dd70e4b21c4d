"""Numbers and dates of `GET /auditlog`, as SQLite and the contract read them (audit section 2)."""

import sqlite3
from contextlib import closing

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rest_compat.audit import limit_of, moment_of


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("5", 5),
        ("+5", 5),
        (" 5 ", 5),
        ("5.0", 5),
        ("5.", 5),
        ("1e1", 10),
        ("10e-1", 1),
        ("0", 0),
        ("-0", 0),
        ("-1", None),
        ("-5e3", None),
        ("9223372036854775807", 2**63 - 1),
        ("", 100),
        ("abc", 100),
        ("5abc", 100),
        ("5.5", 100),
        ("0x5", 100),
        ("9223372036854775808", 100),
        ("1e400", 100),
        ("1e99999", 100),
        ("²", 100),
        ("5\0", 100),
        ("5\u00a0", 100),
        ("9" * 100_000, 100),
    ],
)
def test_a_limit_is_what_sqlite_makes_of_it_else_a_hundred(text: str, limit: int | None) -> None:
    assert limit_of(text) == limit


@given(st.text("0123456789+-. eE\t", max_size=12))
@example("1e-0")
@example(".e1")
@example("+.5e1")
def test_sqlite_agrees(text: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            rows = connection.execute(
                "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 50)"
                " SELECT x FROM n LIMIT ?",
                (text,),
            ).fetchall()
        except sqlite3.Error:
            assert limit_of(text) == 100
            return
    limit = limit_of(text)
    assert len(rows) == (50 if limit is None else min(limit, 50))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("", None),
        ("2025-01-25", "2025-01-25"),
        ("2025-01-25 14:30:05", "2025-01-25 14:30:05"),
        ("2025-01-25T14:30", "2025-01-25 14:30:00"),
        ("2025-01-25 14:30", "2025-01-25 14:30:00"),
        ("2025-01-25T14:30:05.250", "2025-01-25 14:30:05"),
        ("2025", "2025"),
        ("yesterday", "yesterday"),
        ("2025-13-45T99:99Z", "2025-13-45T99:99Z"),
        ("0001-01-01T00:00+14:00", "0001-01-01T00:00+14:00"),
    ],
)
def test_both_forms_of_a_time_are_one(text: str, moment: str | None) -> None:
    assert moment_of(text) == moment


def test_an_offset_is_turned_into_local_time() -> None:
    assert moment_of("2025-01-25T14:30Z") == moment_of("2025-01-25T16:30:00+02:00")
