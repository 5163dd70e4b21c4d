"""The rule: which facts make which status; that nothing contradicted is ever complete."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.devices.evidence import (
    BoardPresence,
    Facts,
    PresenceSight,
    RecordSight,
    RunRecord,
    Source,
    Stance,
    UnitReport,
    UnitSight,
    list_evidence,
)
from domain.devices.next_actions import Action, next_action
from domain.devices.runs import Mark
from domain.devices.stages import Stage, Style, Word, read_state
from domain.devices.status import (
    DEADLINES,
    FINISHING,
    GRACE,
    NEXT_STAGE,
    REBOOT_GRACE,
    Cause,
    Status,
    judge,
)

AT = datetime(2026, 8, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)
UNIT = "rpi-sb-provisioner@10000000aaaaaaaa.service"
B, T, P = Stage.BOOTSTRAP, Stage.TRIAGE, Stage.PROVISIONING
DONE, STARTED = "SB-PROVISIONER-FINISHED", "SB-PROVISIONER-STARTED"


def facts(text: str = DONE, *, at: datetime | None = AT, quiet: float = 60.0) -> Facts:
    """What is known when the rows end with `text` and nobody else can be asked."""
    reading = read_state(text)
    return Facts(
        newest=Mark(reading, at),
        entered_at=at,
        stage=reading.stage,
        style=reading.style,
        finished=reading.finishes,
        aborted=reading.word is Word.ABORTED,
        displaced=False,
        unit=UnitReport(UnitSight.UNASKED),
        presence=BoardPresence(PresenceSight.UNKNOWN),
        record=RunRecord(RecordSight.UNREAD),
        quiet=quiet,
    )


def unit(sight: UnitSight, *, seconds: float = 60.0) -> UnitReport:
    failed = sight is UnitSight.FAILED
    result, status, at = ("exit-code", 7, LATER) if failed else ("", None, None)
    return UnitReport(sight, UNIT, result, status, at, seconds)


PRESENT = BoardPresence(PresenceSight.PRESENT, "1-1")
AWAY = BoardPresence(PresenceSight.ABSENT, seconds=60.0)
JUST_AWAY = BoardPresence(PresenceSight.ABSENT, seconds=1.0)
FOUND = RunRecord(RecordSight.FOUND, secure=True, at=AT)
MISSING = RunRecord(RecordSight.MISSING)


@pytest.mark.parametrize(
    ("text", "status", "stage"),
    [
        ("BOOTSTRAP-STARTED", Status.ACTIVE, B),
        ("bootstrap-firmware-updated", Status.ACTIVE, B),
        ("bootstrap-fastboot-initialisation-started", Status.ACTIVE, B),
        ("BOOTSTRAP-FINISHED", Status.ACTIVE, B),
        ("BOOTSTRAP-ABORTED", Status.FAILED, B),
        ("TRIAGE-STARTED", Status.ACTIVE, T),
        ("TRIAGE-FINISHED", Status.ACTIVE, T),
        ("TRIAGE-ABORTED", Status.FAILED, T),
        *((f"{style}-PROVISIONER-STARTED", Status.ACTIVE, P) for style in Style),
        *((f"{style}-PROVISIONER-ABORTED", Status.FAILED, P) for style in Style),
        *((f"{style}-PROVISIONER-FINISHED", Status.COMPLETE, Stage.COMPLETE) for style in Style),
        ("PORT-EXCLUDED", Status.SKIPPED, None),
        ("", Status.UNKNOWN, None),
        ("complete", Status.UNKNOWN, None),
    ],
)
def test_the_last_row_alone(text: str, status: Status, stage: Stage | None) -> None:
    verdict = judge(facts(text))
    assert (verdict.status, verdict.stage, verdict.since) == (status, stage, AT)
    style = text.partition("-")[0] if "PROVISIONER" in text else None
    assert verdict.style == style


FINISHED = facts()
CONTRADICTIONS = [
    (replace(FINISHED, aborted=True), Status.FAILED, Cause.ABORTED),
    (replace(FINISHED, unit=unit(UnitSight.FAILED)), Status.FAILED, Cause.UNIT_FAILED),
    (replace(FINISHED, unit=unit(UnitSight.RUNNING)), Status.ACTIVE, Cause.FINISHING),
    (
        replace(FINISHED, unit=unit(UnitSight.RUNNING), quiet=FINISHING),
        Status.STALLED,
        Cause.TOO_LONG,
    ),
    (replace(FINISHED, record=replace(FOUND, secure=False)), Status.FAILED, Cause.NOT_SECURE),
    (replace(FINISHED, record=MISSING), Status.UNKNOWN, Cause.RECORD_MISSING),
    (replace(FINISHED, record=MISSING, quiet=1.0), Status.ACTIVE, Cause.CHECKING),
    (replace(FINISHED, checking=True), Status.ACTIVE, Cause.CHECKING),
    (
        replace(FINISHED, newest=Mark(read_state(STARTED), AT)),
        Status.UNKNOWN,
        Cause.STATE_UNKNOWN,
    ),
]


@pytest.mark.parametrize(("known", "status", "cause"), CONTRADICTIONS)
def test_finished_but_contradicted(known: Facts, status: Status, cause: Cause) -> None:
    verdict = judge(known)
    assert (verdict.status, verdict.cause) == (status, cause)
    assert verdict.stage is P
    assert verdict.reason


@pytest.mark.parametrize(
    "known",
    [
        FINISHED,
        replace(FINISHED, unit=unit(UnitSight.ENDED), record=FOUND),
        replace(FINISHED, unit=unit(UnitSight.GONE), record=RunRecord(RecordSight.NONE_KEPT)),
        replace(FINISHED, presence=AWAY, record=FOUND),
        replace(FINISHED, presence=PRESENT, record=replace(FOUND, secure=None)),
        replace(FINISHED, displaced=True, booted_at=LATER, quiet=1e9),
        replace(facts("NAKED-PROVISIONER-FINISHED"), record=replace(FOUND, secure=False)),
        replace(facts("FDE-PROVISIONER-FINISHED", at=None), record=FOUND),
    ],
)
def test_finished_and_nothing_denies_it(known: Facts) -> None:
    assert judge(known).status is Status.COMPLETE
    assert not [one for one in list_evidence(known) if one.stance is Stance.CONTRADICTS]


def test_a_source_that_cannot_be_asked_is_told_to_be_silent() -> None:
    silent = {one.source for one in list_evidence(FINISHED) if one.stance is Stance.SILENT}
    assert silent == {Source.UNIT, Source.USB, Source.MANUFACTURING_RECORD}


def started(text: str = STARTED, **known: Any) -> Facts:
    return replace(facts(text), **known)


@pytest.mark.parametrize(
    ("known", "status", "cause"),
    [
        (started(unit=unit(UnitSight.FAILED)), Status.FAILED, Cause.UNIT_FAILED),
        (started(unit=unit(UnitSight.GONE)), Status.STALLED, Cause.UNIT_GONE),
        (started(unit=unit(UnitSight.ENDED)), Status.STALLED, Cause.UNIT_GONE),
        (started(unit=unit(UnitSight.GONE), quiet=GRACE - 1), Status.ACTIVE, None),
        (started(unit=unit(UnitSight.ENDED, seconds=GRACE - 1)), Status.ACTIVE, None),
        (started(unit=unit(UnitSight.RUNNING)), Status.ACTIVE, None),
        (started(presence=AWAY), Status.STALLED, Cause.BOARD_GONE),
        (started(presence=JUST_AWAY), Status.ACTIVE, None),
        (started(presence=replace(PRESENT, lost=True)), Status.STALLED, Cause.BOARD_GONE),
        (started(presence=AWAY, unit=unit(UnitSight.RUNNING)), Status.STALLED, Cause.BOARD_GONE),
        (started(displaced=True), Status.STALLED, Cause.PORT_TAKEN),
        (started(booted_at=LATER), Status.STALLED, Cause.HOST_RESTARTED),
        (started(booted_at=LATER, unit=unit(UnitSight.RUNNING)), Status.ACTIVE, None),
        (started(quiet=DEADLINES[P]), Status.STALLED, Cause.TOO_LONG),
        (started(quiet=DEADLINES[P] - 1), Status.ACTIVE, None),
        (started("BOOTSTRAP-STARTED", quiet=DEADLINES[B]), Status.STALLED, Cause.TOO_LONG),
        (started("TRIAGE-STARTED", quiet=DEADLINES[T]), Status.STALLED, Cause.TOO_LONG),
        (started("BOOTSTRAP-FINISHED", quiet=NEXT_STAGE), Status.STALLED, Cause.NO_NEXT_STAGE),
        (started("TRIAGE-FINISHED", quiet=NEXT_STAGE), Status.STALLED, Cause.NO_NEXT_STAGE),
        (started("TRIAGE-FINISHED", quiet=NEXT_STAGE - 1), Status.ACTIVE, None),
        (
            started("TRIAGE-FINISHED", quiet=NEXT_STAGE, unit=unit(UnitSight.RUNNING)),
            Status.ACTIVE,
            None,
        ),
        (started("TRIAGE-FINISHED", unit=unit(UnitSight.FAILED)), Status.FAILED, Cause.UNIT_FAILED),
        (started("TRIAGE-FINISHED", unit=unit(UnitSight.GONE)), Status.ACTIVE, None),
        (started("TRIAGE-FINISHED", unit=unit(UnitSight.ENDED)), Status.ACTIVE, None),
    ],
)
def test_begun_and_what_stands_behind_it(known: Facts, status: Status, cause: Cause | None) -> None:
    verdict = judge(known)
    assert (verdict.status, verdict.cause) == (status, cause)
    assert (verdict.look_again is not None) == (status is Status.ACTIVE)


@pytest.mark.parametrize(
    ("text", "sight", "grace"),
    [
        ("BOOTSTRAP-STARTED", UnitSight.UNASKED, GRACE),
        ("BOOTSTRAP-STARTED", UnitSight.RUNNING, REBOOT_GRACE),
        ("bootstrap-fastboot-initialisation-started", UnitSight.UNASKED, REBOOT_GRACE),
        ("BOOTSTRAP-FINISHED", UnitSight.UNASKED, REBOOT_GRACE),
        ("TRIAGE-STARTED", UnitSight.RUNNING, GRACE),
    ],
)
def test_how_long_a_board_may_be_away(text: str, sight: UnitSight, grace: float) -> None:
    away = [BoardPresence(PresenceSight.ABSENT, seconds=grace + by) for by in (-0.5, 0.0)]
    known = [replace(facts(text), presence=presence, unit=unit(sight)) for presence in away]
    assert [judge(one).status for one in known] == [Status.ACTIVE, Status.STALLED]
    assert judge(known[0]).look_again == 0.5


def test_a_failed_unit_says_its_exit_code_and_when() -> None:
    verdict = judge(started(unit=unit(UnitSight.FAILED)))
    assert verdict.reason == f"{UNIT} failed: exit-code 7."
    assert verdict.since == LATER


def test_the_stage_that_never_began_is_the_one_that_failed() -> None:
    verdict = judge(started("TRIAGE-FINISHED", unit=unit(UnitSight.FAILED)))
    assert verdict.stage is P


@pytest.mark.parametrize(
    ("known", "action"),
    [
        (started(), Action.WAIT),
        (replace(FINISHED, presence=PRESENT), Action.TAKE_OUT),
        (replace(FINISHED, presence=AWAY), None),
        (FINISHED, None),
        (facts("SB-PROVISIONER-ABORTED"), Action.PLUG_AGAIN),
        (replace(facts("SB-PROVISIONER-ABORTED"), failures=1), Action.SET_ASIDE),
        (started(presence=AWAY), Action.CHECK_CABLE),
        (started(booted_at=LATER), Action.PLUG_AGAIN),
        (facts("PORT-EXCLUDED"), Action.USE_ANOTHER_PORT),
        (replace(FINISHED, record=MISSING), Action.SET_ASIDE),
        (replace(FINISHED, aborted=True), Action.SET_ASIDE),
        (replace(FINISHED, unit=unit(UnitSight.FAILED)), Action.SET_ASIDE),
        (facts("?"), None),
    ],
)
def test_what_to_do_next(known: Facts, action: Action | None) -> None:
    found = next_action(judge(known))
    assert (found and found.action) == action


REPORTS = st.builds(
    UnitReport,
    sight=st.sampled_from(UnitSight),
    name=st.just(UNIT),
    result=st.sampled_from(["", "exit-code", "timeout"]),
    exit_status=st.none() | st.integers(0, 255),
    at=st.none() | st.just(LATER),
    seconds=st.floats(0, 1e9),
)
PRESENCES = st.builds(
    BoardPresence,
    sight=st.sampled_from(PresenceSight),
    port=st.none() | st.just("1-1"),
    lost=st.booleans(),
    seconds=st.floats(0, 1e9),
)
RECORDS = st.builds(
    RunRecord, sight=st.sampled_from(RecordSight), secure=st.none() | st.booleans(), at=st.none()
)
TEXTS = st.sampled_from(
    [
        "BOOTSTRAP-STARTED",
        "BOOTSTRAP-FINISHED",
        "TRIAGE-FINISHED",
        STARTED,
        DONE,
        "NAKED-PROVISIONER-FINISHED",
        "SB-PROVISIONER-ABORTED",
        "PORT-EXCLUDED",
        "",
    ]
)
MARKS = st.builds(
    Mark, reading=TEXTS.map(read_state), at=st.none() | st.datetimes(timezones=st.just(UTC))
)
ANY = st.builds(
    Facts,
    newest=MARKS,
    entered_at=st.none(),
    stage=st.sampled_from([B, T, P]),
    style=st.none() | st.sampled_from(Style),
    finished=st.booleans(),
    aborted=st.booleans(),
    displaced=st.booleans(),
    mixed=st.booleans(),
    unit=REPORTS,
    presence=PRESENCES,
    record=RECORDS,
    booted_at=st.none() | st.just(LATER),
    failures=st.integers(0, 3),
    checking=st.booleans(),
    quiet=st.floats(0, 1e12),
)


@given(known=ANY)
def test_what_anything_contradicts_is_never_complete(known: Facts) -> None:
    verdict, evidence = judge(known), list_evidence(known)
    if verdict.status is Status.COMPLETE:
        assert not [one for one in evidence if one.stance is Stance.CONTRADICTS]
        # The same said without the evidence: by the facts themselves.
        assert known.finished
        assert known.newest.reading.finishes
        assert not known.aborted
        assert not known.mixed
        assert not known.checking
        assert known.unit.sight not in (UnitSight.FAILED, UnitSight.RUNNING)
        assert known.record.sight is not RecordSight.MISSING
        assert not (known.style is Style.SB and known.record.secure is False)
    assert (verdict.cause is None) == (not verdict.reason)
    next_action(verdict)


@given(known=ANY)
def test_what_needs_no_cause_goes_as_it_should(known: Facts) -> None:
    verdict = judge(known)
    if verdict.cause is None:
        assert verdict.status in (Status.ACTIVE, Status.COMPLETE)
    if verdict.status is Status.ACTIVE:
        assert verdict.look_again is not None
        assert verdict.look_again > 0
