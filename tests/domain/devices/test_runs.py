"""Runs: where one attempt ends and the next begins, told by rows alone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.devices.attempts import Outcome, attempt_of, ending_of
from domain.devices.projection import Projection
from domain.devices.states import StateRow

A16, A8, B16, B8 = "10000000aaaaaaaa", "aaaaaaaa", "10000000bbbbbbbb", "bbbbbbbb"
NODE = "/dev/bus/usb/001/004"
T0 = datetime(2026, 8, 1, tzinfo=UTC)
GOOD = (
    (A8, "1-1", "BOOTSTRAP-STARTED"),
    (A8, "1-1", "bootstrap-firmware-updated"),
    (A8, "1-1", "bootstrap-fastboot-initialisation-started"),
    (A8, "1-1", "BOOTSTRAP-FINISHED"),
    (A16, "1-1", "TRIAGE-STARTED"),
    (A16, "1-1", "TRIAGE-FINISHED"),
    (A16, "1-1", "SB-PROVISIONER-STARTED"),
    (A16, "1-1", "SB-PROVISIONER-FINISHED"),
)
Told = tuple[str, str, str]


def rows_of(*told: Told) -> list[StateRow]:
    return [
        StateRow(number, serial, port, state, "", "", "", T0 + timedelta(seconds=number))
        for number, (serial, port, state) in enumerate(told, 1)
    ]


def folded(*told: Told) -> Projection:
    projection = Projection()
    projection.take(rows_of(*told))
    return projection


def outcomes(projection: Projection, key: str) -> list[tuple[int, Outcome]]:
    runs = projection.runs.by_board.get(key, [])
    return [(run.rows, ending_of(run, None).outcome) for run in runs]


def test_a_whole_way_is_one_attempt() -> None:
    projection = folded(*GOOD)
    assert outcomes(projection, A8) == [(8, Outcome.FINISHED)]
    (run,) = projection.runs.all
    attempt = attempt_of(projection.runs, run, ending_of(run, None))
    assert [(stage.stage.value, stage.seconds) for stage in attempt.stages] == [
        ("BOOTSTRAP", 3.0),
        ("TRIAGE", 1.0),
        ("PROVISIONING", 1.0),
    ]
    assert (attempt.serial, attempt.serials, attempt.seconds) == (A16, (A8, A16), 7.0)


STARTED = (A16, "1-1", "SB-PROVISIONER-STARTED")
ABORTED = (A16, "1-1", "SB-PROVISIONER-ABORTED")
F, X, S, U, R = (
    Outcome.FINISHED, Outcome.FAILED, Outcome.STALLED, Outcome.UNKNOWN, Outcome.RUNNING
)  # fmt: skip


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param([*GOOD, GOOD[0]], [(8, F), (1, R)], id="a finished board begins again"),
        pytest.param([GOOD[0], GOOD[0]], [(1, S), (1, R)], id="a stuck one begins again"),
        pytest.param([GOOD[0], *GOOD], [(1, S), (8, F)], id="interrupted, then good"),
        pytest.param([*GOOD[:6], STARTED, ABORTED, ABORTED], [(9, X)], id="aborted twice"),
        pytest.param([*GOOD, ABORTED], [(9, X)], id="aborted after finished"),
        pytest.param([*GOOD[:7], ABORTED, GOOD[7]], [(9, X)], id="finished after aborted"),
        pytest.param([GOOD[4], GOOD[4]], [(1, S), (1, R)], id="triage starts twice"),
        pytest.param([*GOOD[:3], GOOD[4], GOOD[3]], [(5, R)], id="the scripts overlap"),
        pytest.param([GOOD[0], STARTED, GOOD[7]], [(3, F)], id="rows between are lost"),
        pytest.param([GOOD[7]], [(1, F)], id="only the last row is there"),
        pytest.param([*GOOD, GOOD[1]], [(8, F), (1, R)], id="its start is lost, it works again"),
        pytest.param([*GOOD, GOOD[3]], [(8, F), (1, R)], id="only its bootstrap's end is there"),
        pytest.param(
            [*GOOD, (A8, "1-1", "BOOTSTRAP-ABORTED")], [(8, F), (1, X)], id="aborted before start"
        ),
        pytest.param(
            [GOOD[0], (A16, "1-2", "TRIAGE-STARTED")], [(1, S), (1, R)], id="at another port"
        ),
        pytest.param(
            [GOOD[4], (A16, "unknown-usb-path", "SB-PROVISIONER-ABORTED")],
            [(2, X)],
            id="aborted without a path",
        ),
        pytest.param(
            [GOOD[4], (A16, "unknown-usb-path", "")], [(2, X)], id="triage lost its path"
        ),
        pytest.param([GOOD[0], (A8, "1-1", "?")], [(2, R)], id="an unknown row goes on"),
        pytest.param([*GOOD, (A8, "1-1", "?")], [(8, F), (1, U)], id="unknown after the end"),
        pytest.param(
            [(A8, "bootstrap", "PORT-EXCLUDED"), (A8, "bootstrap", "PORT-EXCLUDED")],
            [(1, Outcome.SKIPPED), (1, Outcome.SKIPPED)],
            id="excluded each time",
        ),
    ],
)  # fmt: skip
def test_rows_make_these_attempts(
    told: Sequence[Told], expected: list[tuple[int, Outcome]]
) -> None:
    assert outcomes(folded(*told), A8) == expected


def test_another_board_at_the_port_ends_the_attempt_of_the_first() -> None:
    projection = folded(*GOOD[:5], (B8, "1-1", "BOOTSTRAP-STARTED"))
    assert outcomes(projection, A8) == [(5, S)]
    assert projection.runs.at_port["1-1"].key == B8


def test_what_is_written_late_of_a_board_does_not_give_it_its_port_back() -> None:
    projection = folded(*GOOD[:7], (B8, "1-1", "BOOTSTRAP-STARTED"), ABORTED)
    assert outcomes(projection, A8) == [(8, X)]
    assert projection.runs.at_port["1-1"].key == B8


def test_the_board_that_lost_its_port_is_told_to_have_changed() -> None:
    projection = folded(*GOOD[:5])
    (row,) = rows_of((B8, "1-1", "BOOTSTRAP-STARTED"))
    assert projection.take([row]) == {A8, B8}


@pytest.mark.parametrize("name", ["", "Broadcom", NODE])
def test_a_nameless_board_is_the_one_that_goes_on_at_its_port(name: str) -> None:
    nameless = [(name, "1-1", state) for _, _, state in GOOD[:4]]
    projection = folded(*nameless, *GOOD[4:])
    assert outcomes(projection, A8) == [(8, F)]
    (device,) = projection.devices.values()
    assert (device.key, device.changes, device.first_seen_at) == (
        A8,
        8,
        T0 + timedelta(seconds=1),
    )


def test_a_nameless_row_is_not_of_a_board_that_began_elsewhere() -> None:
    projection = folded((A8, "1-2", "?"), (A8, "1-1", "BOOTSTRAP-STARTED"), ("", "1-2", "?"))
    assert outcomes(projection, A8) == [(1, U), (1, R)]
    assert outcomes(projection, "port:1-2") == [(1, U)]


def test_a_nameless_failure_is_not_the_next_boards() -> None:
    projection = folded(
        (NODE, "1-1", "BOOTSTRAP-STARTED"), (NODE, "1-1", "BOOTSTRAP-ABORTED"), *GOOD
    )
    assert outcomes(projection, A8) == [(8, F)]
    assert outcomes(projection, "port:1-1") == [(2, X)]


def test_a_nameless_board_takes_the_port() -> None:
    projection = folded(*GOOD[:5], (NODE, "1-1", "BOOTSTRAP-STARTED"))
    assert outcomes(projection, A8) == [(5, S)]
    assert set(projection.devices) == {A8, "port:1-1"}


def test_two_nameless_boards_without_a_port_stay_two() -> None:
    other = "/dev/bus/usb/001/009"
    projection = folded((NODE, "bootstrap", "PORT-EXCLUDED"), (other, "bootstrap", "PORT-EXCLUDED"))
    assert set(projection.devices) == {f"port:{NODE}", f"port:{other}"}


def test_rows_without_a_time_or_in_the_future_are_folded() -> None:
    rows = rows_of(*GOOD)
    odd = [StateRow(9, A8, "1-1", "BOOTSTRAP-STARTED", "", "", "", None)]
    far = [
        StateRow(10, A8, "1-1", "BOOTSTRAP-FINISHED", "", "", "", datetime.max.replace(tzinfo=UTC))
    ]
    projection = Projection()
    projection.take([*rows, *odd, *far])
    marks = list(projection.runs.marks(projection.runs.all[-1]))
    assert [mark.at and mark.at.year for mark in marks] == [None, 9999]


SERIALS = [A16, A8, A16.upper(), B16, B8, "", NODE, "Broadcom", "odd"]
PORTS = ["1-1", "1-2", "", "unknown-usb-path", "bootstrap"]
STATES = sorted({state for _, _, state in GOOD} | {
    "BOOTSTRAP-ABORTED", "TRIAGE-ABORTED", "SB-PROVISIONER-ABORTED", "FDE-PROVISIONER-STARTED",
    "PORT-EXCLUDED", "", "?",
})  # fmt: skip
TOLD = st.lists(
    st.tuples(st.sampled_from(SERIALS), st.sampled_from(PORTS), st.sampled_from(STATES)),
    max_size=40,
)


@given(told=TOLD, cuts=st.sets(st.integers(0, 40)))
def test_folding_in_pieces_is_folding_at_once(told: list[Told], cuts: set[int]) -> None:
    rows, whole, pieces = rows_of(*told), folded(*told), Projection()
    places = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    for first, last in pairwise(places):
        pieces.take(rows[first:last])
    assert pieces == whole


@given(told=TOLD)
def test_every_row_is_in_one_attempt_and_every_device_has_one(told: list[Told]) -> None:
    projection = folded(*told)
    assert sum(run.rows for run in projection.runs.all) == len(told)
    assert [run.id for run in projection.runs.all] == sorted(run.id for run in projection.runs.all)
    for key, device in projection.devices.items():
        run = projection.runs.latest(key)
        assert run is not None
        assert run.key == key
        assert run.last_id == device.newest_id
    newest = [device.newest_id for device in projection.devices.values()]
    assert newest == sorted(newest)
