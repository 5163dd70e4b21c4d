"""What signals, listings and properties mean, without a bus."""

import pytest

from adapters.systemd_pipe import Line, Plain
from adapters.systemd_values import UnitChanges, failure, state_of, units_of
from domain.services.units import (
    Unit,
    UnitChanged,
    UnitNameInvalid,
    UnitRefused,
    UnitsUnavailable,
    UnitUnknown,
)

NAME = "job@1.service"
PATH = "/org/freedesktop/systemd1/unit/job_401_2eservice"
START = Unit(NAME, "a job", "loaded", "activating", "start")


def told(changes: UnitChanges, *signals: Line) -> list[UnitChanged]:
    heard = [changes.hear(signal) for signal in signals]
    return [change for change in heard if change is not None]


def result(word: str) -> Line:
    return {"changed": PATH, "properties": {"Result": word}}


def state(active: str, sub: str) -> Line:
    return {"changed": PATH, "properties": {"ActiveState": active, "SubState": sub}}


def running() -> UnitChanges:
    changes = UnitChanges()
    assert list(changes.catch_up([START])) == []
    return changes


def test_a_job_that_is_only_queued_is_no_success() -> None:
    signals = (result("success"), state("inactive", "dead"))
    assert told(UnitChanges(), *signals) == []


def test_the_start_of_a_run_has_no_result() -> None:
    signals = (result("success"), state("activating", "start"))
    assert told(UnitChanges(), *signals) == [UnitChanged(NAME, "activating", "start", "")]


def test_the_end_of_a_run_has_its_result_once() -> None:
    signals = (result("success"), state("inactive", "dead")) * 2
    assert told(running(), *signals) == [UnitChanged(NAME, "inactive", "dead", "success")]


def test_a_failure_that_is_reset_is_no_success() -> None:
    failed = told(changes := running(), result("exit-code"), state("failed", "failed"))
    reset = told(changes, result("success"), state("inactive", "dead"))
    assert failed == [UnitChanged(NAME, "failed", "failed", "exit-code")]
    assert reset == [UnitChanged(NAME, "inactive", "dead", "")]


def test_a_jobs_end_comes_with_the_state_told_before() -> None:
    job: Line = {"job_of": NAME, "result": "failed"}
    changes = told(running(), state("failed", "failed"), job)
    assert changes[-1] == UnitChanged(NAME, "failed", "failed", "failed")


def test_the_end_of_a_job_of_a_removed_unit_finds_it_inactive() -> None:
    signals: tuple[Line, ...] = ({"removed": NAME}, {"job_of": NAME, "result": "done"})
    assert told(running(), *signals) == [UnitChanged(NAME, "inactive", "dead", "done")]


def test_what_changed_in_a_gap_is_told_without_a_result() -> None:
    listing = [Unit("new.service", "", "loaded", "active", "running")]
    assert set(running().catch_up(listing)) == {
        UnitChanged("new.service", "active", "running", ""),
        UnitChanged(NAME, "inactive", "dead", ""),
    }


def test_a_gap_without_a_change_tells_nothing() -> None:
    assert list(running().catch_up([START])) == []


def test_a_unit_that_systemd_forgot_has_no_result() -> None:
    said: Plain = {"LoadState": "loaded", "Result": "success", "InvocationID": []}
    found = state_of(NAME, said)
    assert (found.result, found.exit_status, found.invocation_id) == ("", None, "")


@pytest.mark.parametrize("answer", [None, [], {}, "text"])
def test_an_answer_without_properties_is_unavailable(answer: Plain) -> None:
    with pytest.raises(UnitsUnavailable):
        state_of(NAME, answer)


@pytest.mark.parametrize("rows", [None, [None], [["only a name"]]])
def test_a_listing_of_another_shape_is_unavailable(rows: Plain) -> None:
    with pytest.raises(UnitsUnavailable):
        units_of(rows)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("org.freedesktop.systemd1.NoSuchUnit", UnitUnknown),
        ("org.freedesktop.systemd1.UnitMasked", UnitRefused),
        ("org.freedesktop.DBus.Error.InvalidArgs", UnitNameInvalid),
        ("org.freedesktop.DBus.Error.ServiceUnknown", UnitsUnavailable),
        ("org.freedesktop.DBus.Error.Spawn.ChildExited", UnitsUnavailable),
        ("System.Error.ENOTCONN", UnitsUnavailable),
    ],
)
def test_each_error_of_the_bus_has_its_kind(error: str, kind: type[Exception]) -> None:
    assert type(failure(error, "why", name=NAME)) is kind


def test_a_refusal_for_want_of_rights_says_root() -> None:
    found = failure("org.freedesktop.DBus.Error.AccessDenied", "Access denied")
    assert found.message.endswith("run it as root (Access denied).")
