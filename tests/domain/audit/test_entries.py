"""Entries: who is named in them, and when they happened."""

from dataclasses import replace
from datetime import UTC, datetime

from domain.audit.entries import AuditEntry, EventType, access_entry, file_entry, unit_log_entry
from domain.caller import Caller, Role
from tests.fakes.audit import stored

AT = datetime(2026, 8, 1, 12, tzinfo=UTC)
ANN = Caller("ann", Role.ENGINEER, "10.1.2.3", "10.0.0.1", "curl", "/auditlog", "rest", "c1")


def test_a_request_names_its_client_and_no_file() -> None:
    entry = access_entry(ANN, at=AT, outcome="OK")
    assert entry == AuditEntry(
        EventType.HANDLER_ACCESS,
        AT,
        client_ip="10.1.2.3",
        user_agent="curl",
        handler_path="/auditlog",
        caller="ann",
        correlation_id="c1",
        surface="rest",
        outcome="OK",
        peer_ip="10.0.0.1",
    )


def test_a_file_access_names_the_login_but_not_the_nameless_local_caller() -> None:
    local = replace(ANN, name="local")
    names = [file_entry(who, "READ", "/x", at=AT).username for who in (ANN, local, None)]
    assert names == ["ann", "", ""]


def test_a_unit_log_is_viewed_under_the_name_that_was_asked_for() -> None:
    entry = unit_log_entry(ANN, "a@b.service", at=AT)
    assert (entry.event_type, entry.operation) == (EventType.SYSTEMD_LOG_ACCESS, "VIEW")
    assert (entry.target_path, entry.success, entry.additional_info) == ("a@b.service", None, None)


def test_the_moment_of_an_old_row_is_its_local_time() -> None:
    old = replace(stored(1, AT), utc=None)
    assert old.at == AT


def test_a_text_that_is_no_time_has_no_moment() -> None:
    assert replace(stored(1, AT), utc="soon").at is None
    assert replace(stored(1, AT), utc=None, timestamp="").at is None
