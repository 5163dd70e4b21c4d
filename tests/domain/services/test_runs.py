"""What systemd's lines tell of a run."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.services.journal import JournalLine
from domain.services.runs import (
    ENDED,
    EXITED,
    FAILED,
    NOT_STARTED,
    STARTED,
    STARTING,
    STOPPED,
    STOPPING,
    RunOutcome,
    UnitRun,
    completed,
    live_run,
    told_run,
)
from domain.services.units import Unit, UnitState
from tests.fakes.journal import NOON

BOOT, LATER_BOOT, RUN = "a" * 32, "b" * 32, "1" * 32
FIRST = JournalLine(cursor="c", microseconds=0, at=NOON, message="first", boot=BOOT)


def line(second: float, message_id: str, message: str = "", **facts: str) -> JournalLine:
    at = NOON + timedelta(seconds=second)
    said = {"MESSAGE_ID": message_id, **facts}
    return replace(FIRST, at=at, message=message, facts=said, by_systemd=True)


def told(*about: JournalLine, boot_now: str | None = BOOT) -> UnitRun:
    return told_run(RUN, FIRST, about, boot_now=boot_now)


def test_a_run_that_ended_well() -> None:
    run = told(line(1, STARTING), line(2, STARTED, JOB_RESULT="done"), line(5.5, ENDED))
    assert (run.outcome, run.result, run.job_result) == (RunOutcome.SUCCEEDED, "success", "done")
    assert (run.exit_code, run.exit_status, run.failure) == ("exited", 0, None)
    assert run.seconds == 4.5
    assert run.ready_at == NOON + timedelta(seconds=2)


def test_a_run_that_failed() -> None:
    run = told(
        line(1, STARTING),
        line(3, EXITED, "Control process exited", EXIT_CODE="exited", EXIT_STATUS="1"),
        line(3, EXITED, "Main process exited, x", EXIT_CODE="killed", EXIT_STATUS="9"),
        line(4, FAILED, "Failed with result 'signal'.", UNIT_RESULT="signal"),
        line(4, NOT_STARTED, JOB_RESULT="failed"),
    )
    assert (run.outcome, run.result, run.job_result) == (RunOutcome.FAILED, "signal", "failed")
    assert (run.exit_code, run.exit_status) == ("killed", 9)
    assert (run.failure, run.seconds) == ("Main process exited, x", 3)


def test_a_failure_without_an_exit_has_systemds_other_sentence() -> None:
    run = told(line(2, FAILED, "Failed with result 'timeout'.", UNIT_RESULT="timeout"))
    assert (run.exit_status, run.failure) == (None, "Failed with result 'timeout'.")


def test_a_run_that_was_told_to_stop_has_no_proven_status() -> None:
    run = told(line(1, STARTING), line(2, STOPPING), line(3, ENDED), line(3, STOPPED))
    assert (run.outcome, run.exit_code, run.exit_status) == (RunOutcome.SUCCEEDED, None, None)


def test_a_run_without_an_end_is_unknown_while_the_boot_lasts() -> None:
    run = told(line(1, STARTING))
    assert (run.outcome, run.ended_at, run.seconds) == (RunOutcome.UNKNOWN, None, None)


def test_a_run_without_an_end_is_interrupted_after_another_boot() -> None:
    assert told(line(1, STARTING), boot_now=LATER_BOOT).outcome is RunOutcome.INTERRUPTED


def test_without_a_line_of_its_start_the_first_line_begins_a_run() -> None:
    assert told().started_at == FIRST.at


@pytest.mark.parametrize("status", ["", "HUP", "²", "-1"])
def test_an_odd_exit_status_is_none(status: str) -> None:
    run = told(line(3, EXITED, "Main process", EXIT_STATUS=status), line(4, FAILED))
    assert (run.exit_status, run.outcome) == (None, RunOutcome.FAILED)


def live(active_state: str, result: str = "success") -> UnitState:
    unit = Unit("x.service", "", "loaded", active_state, "")
    return UnitState(unit, result, 7, RUN, NOON, NOON + timedelta(seconds=9))


def test_systemd_completes_what_the_journal_does_not_tell() -> None:
    run = completed(told(line(1, STARTING)), live_run(live("failed", "exit-code")))
    assert (run.outcome, run.result, run.exit_status) == (RunOutcome.FAILED, "exit-code", 7)
    assert run.seconds == 8


def test_a_run_that_systemd_sees_running_runs() -> None:
    run = completed(told(line(1, STARTING)), live_run(live("active")))
    assert (run.outcome, run.ended_at, run.result) == (RunOutcome.RUNNING, None, None)


def test_what_the_journal_tells_of_an_end_stands() -> None:
    ended = told(line(2, FAILED, UNIT_RESULT="timeout"))
    assert completed(ended, live_run(live("active"))) == ended


def test_another_run_completes_nothing() -> None:
    other = live_run(replace(live("active"), invocation_id="2" * 32))
    begun = told(line(1, STARTING))
    assert completed(begun, other) == begun


def test_a_unit_that_never_ran_has_no_live_run() -> None:
    assert live_run(replace(live("inactive", ""), invocation_id="")) is None
