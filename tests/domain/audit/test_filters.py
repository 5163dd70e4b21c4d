"""Filters: what makes no sense is refused, the rest narrows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.audit.entries import EventType
from domain.audit.filters import AuditFilter, AuditFilterInvalid
from tests.fakes.audit import stored

AT = datetime(2026, 8, 1, 12, tzinfo=UTC)
ROW = stored(1, AT, "/devices/1000000000a0b000", user_agent="Curl/8 ünï")
FAILED = replace(ROW, outcome="DEVICE_NOT_FOUND")
FILE = replace(
    ROW,
    event_type="FILE_ACCESS",
    handler_path=None,
    outcome=None,
    target_path="/etc/x",
    operation="WRITE",
    success=True,
)
OLD = replace(ROW, outcome=None, utc=None, caller=None)


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        (AuditFilter(), True),
        (AuditFilter(event_type=EventType.HANDLER_ACCESS), True),
        (AuditFilter(event_type=EventType.FILE_ACCESS), False),
        (AuditFilter(path="/devices/1000000000a0b000"), True),
        (AuditFilter(path="/devices"), False),
        (AuditFilter(path_prefix="/devices"), True),
        (AuditFilter(path_prefix="/Devices"), False),
        (AuditFilter(caller="local", address="127.0.0.1", surface="rest"), True),
        (AuditFilter(caller="ann"), False),
        (AuditFilter(text="cURL"), True),
        (AuditFilter(text="ünï"), True),
        (AuditFilter(text="ÜNÏ"), False),
        (AuditFilter(text="%"), False),
        (AuditFilter(success=True), True),
        (AuditFilter(success=False), False),
        (AuditFilter(since=AT, until=AT), True),
        (AuditFilter(since=AT + timedelta(milliseconds=1)), False),
        (AuditFilter(until=AT - timedelta(milliseconds=1)), False),
    ],
)
def test_every_member_narrows(wanted: AuditFilter, *, matches: bool) -> None:
    assert wanted.matches(ROW) is matches


def test_success_is_the_outcome_of_a_request_and_what_a_file_access_says() -> None:
    failed, well = AuditFilter(success=False), AuditFilter(success=True)
    assert (failed.matches(FAILED), well.matches(FAILED)) == (True, False)
    assert (failed.matches(FILE), well.matches(FILE)) == (False, True)
    assert (failed.matches(OLD), well.matches(OLD)) == (False, False)


def test_an_old_row_is_found_by_its_local_time() -> None:
    assert AuditFilter(since=AT, until=AT).matches(OLD)
    assert not AuditFilter(since=AT + timedelta(seconds=1)).matches(OLD)


@pytest.mark.parametrize(
    ("made", "field"),
    [
        (lambda: AuditFilter(text=""), "text"),
        (lambda: AuditFilter(caller="x" * 1001), "caller"),
        (lambda: AuditFilter(correlation_id=""), "correlationId"),
        (lambda: AuditFilter(path="/a", path_prefix="/"), "pathPrefix"),
        (lambda: AuditFilter(since=AT, until=AT - timedelta(seconds=1)), "since"),
        (lambda: AuditFilter(text="a\0b"), "text"),
    ],
)
def test_what_makes_no_sense_is_refused(made: Callable[[], AuditFilter], field: str) -> None:
    with pytest.raises(AuditFilterInvalid) as raised:
        made()
    assert raised.value.field == field
