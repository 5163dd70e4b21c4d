"""Attempts: listed, filtered, paged; and what the line did with them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.devices.attempt_list import ORDER
from domain.devices.attempts import AttemptFilter, Outcome
from domain.devices.stages import Stage, Style
from domain.devices.statistics import LineStatistics, Statistics, StatisticsQuestionInvalid
from domain.devices.status import Cause
from domain.paging import CursorInvalid, cursor_of, page_request
from tests.fakes.judging import KEY, NOW, PORT, SERIAL, JudgedStation

OTHER = "10000000ffffffff"
TO_TRIAGE = ("BOOTSTRAP-STARTED", "BOOTSTRAP-FINISHED", "TRIAGE-STARTED", "TRIAGE-FINISHED")


def way(style: str, end: str) -> tuple[str, ...]:
    return (*TO_TRIAGE, f"{style}-PROVISIONER-STARTED", f"{style}-PROVISIONER-{end}")


def write_slowly(station: JudgedStation, *states: str, seconds: float = 10, **row: str) -> None:
    for state in states:
        station.write(state, **row)
        station.clock.seconds += seconds


@pytest.fixture
def station(tmp_path: Path) -> JudgedStation:
    """Four attempts of two boards: failed, finished; stuck; running."""
    made = JudgedStation(tmp_path, installed=False, usb=False)
    write_slowly(made, *way("SB", "ABORTED"), image="kiosk.img")
    made.clock.seconds += 3600
    write_slowly(made, *way("SB", "FINISHED"), image="kiosk.img")
    write_slowly(made, *TO_TRIAGE, serial=OTHER, port="1-9", image="gold.img")
    made.clock.seconds += 86400
    write_slowly(made, *way("FDE", "STARTED")[:5], serial=OTHER, port="1-9", image="gold.img")
    return made


async def ids(station: JudgedStation, wanted: AttemptFilter) -> list[int]:
    page = await station.attempts.list_page(page_request(ORDER, first=10), wanted)
    return [attempt.id for attempt in page.items]


async def test_attempts_come_newest_first_with_how_they_ended(station: JudgedStation) -> None:
    page = await station.attempts.list_page(page_request(ORDER, first=10))
    assert [(one.outcome, one.cause) for one in page.items] == [
        (Outcome.RUNNING, None),
        (Outcome.STALLED, Cause.BEGAN_AGAIN),
        (Outcome.FINISHED, None),
        (Outcome.FAILED, Cause.ABORTED),
    ]
    assert [one.seconds for one in page.items] == [None, None, 50.0, 50.0]
    assert page.total == 4


async def test_an_attempt_says_what_it_was(station: JudgedStation) -> None:
    (running,) = (await station.attempts.list_page(page_request(ORDER, first=1))).items
    assert (running.serial, running.port, running.image) == (OTHER, "1-9", "gold.img")
    assert (running.style, running.stage) == (Style.FDE, Stage.PROVISIONING)
    assert running.ended_at is None


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (AttemptFilter(), [17, 13, 7, 1]),
        (AttemptFilter(serial=SERIAL), [7, 1]),
        (AttemptFilter(serial="FFFFFFFF"), [17, 13]),
        (AttemptFilter(port=PORT), [7, 1]),
        (AttemptFilter(outcomes=frozenset({Outcome.FAILED, Outcome.STALLED})), [13, 1]),
        (AttemptFilter(styles=frozenset({Style.FDE})), [17]),
        (AttemptFilter(image="gold.img"), [17, 13]),
        (AttemptFilter(text="KIOSK"), [7, 1]),
        (AttemptFilter(text="1-9", outcomes=frozenset({Outcome.RUNNING})), [17]),
        (AttemptFilter(since=NOW + timedelta(hours=1)), [17, 13, 7]),
        (AttemptFilter(until=NOW + timedelta(hours=1)), [1]),
        (AttemptFilter(serial="nobody"), []),
    ],
)
async def test_filters(station: JudgedStation, wanted: AttemptFilter, expected: list[int]) -> None:
    assert await ids(station, wanted) == expected


async def test_pages_fit_together_in_both_directions(station: JudgedStation) -> None:
    listed, one = station.attempts.list_page, page_request(ORDER, first=1)
    first = await listed(one)
    rest = await listed(page_request(ORDER, first=5, after=first.cursors[0]))
    last = await listed(page_request(ORDER, last=2))
    before = await listed(page_request(ORDER, last=2, before=last.cursors[0]))
    assert [[one.id for one in page.items] for page in (first, rest, last, before)] == [
        [17],
        [13, 7, 1],
        [7, 1],
        [17, 13],
    ]
    assert [(page.has_previous, page.has_next) for page in (first, rest, last, before)] == [
        (False, True),
        (True, False),
        (True, False),
        (False, True),
    ]


async def test_a_cursor_of_another_kind_is_refused(station: JudgedStation) -> None:
    cursor = cursor_of(("text",), ORDER)
    with pytest.raises(CursorInvalid):
        await station.attempts.list_page(page_request(ORDER, first=1, after=cursor))


async def test_a_board_has_its_own_attempts(station: JudgedStation) -> None:
    page = await station.attempts.of_board(KEY, page_request(ORDER, first=1))
    assert ([one.id for one in page.items], page.total, page.has_next) == ([7], 2, True)


async def test_what_was_seen_of_an_attempt_outlives_its_successor(tmp_path: Path) -> None:
    station = JudgedStation(tmp_path)
    unit = f"rpi-sb-provisioner@{SERIAL}.service"
    await station.statuses.ready()
    station.start_unit(unit)
    station.write(*way("SB", "STARTED")[:5])
    await station.view()
    station.end_unit(unit, result="signal", status=9)
    await station.hear(unit, "failed", "failed", "signal")
    await station.view()
    station.write("BOOTSTRAP-STARTED")
    await station.view()
    page = await station.attempts.of_board(KEY, page_request(ORDER, first=5))
    assert [(one.outcome, one.cause) for one in page.items] == [
        (Outcome.RUNNING, None),
        (Outcome.FAILED, Cause.UNIT_FAILED),
    ]
    assert page.items[1].reason == f"{unit} failed: signal 9."


async def counted(station: JudgedStation, offset: int = 0) -> LineStatistics:
    statistics = Statistics(station.devices, station.statuses, station.attempts)
    return await statistics.count(since=None, until=None, offset_minutes=offset)


async def test_the_line_is_counted_as_a_whole(station: JudgedStation) -> None:
    line = await counted(station)
    whole = line.whole
    assert (whole.finished, whole.failed, whole.stalled, whole.running) == (1, 1, 1, 1)
    assert (whole.total, whole.share) == (3, 1 / 3)
    assert (whole.percentile(50), whole.percentile(95)) == (50.0, 50.0)
    assert (line.boards, line.first_time, line.untimed) == (2, 0, 0)


async def test_the_line_is_counted_by_port_image_stage_and_time(station: JudgedStation) -> None:
    line = await counted(station)
    assert [(one.key, one.tally.total) for one in line.ports] == [(PORT, 2), ("1-9", 1)]
    assert [(one.key, one.tally.total) for one in line.images] == [
        ("kiosk.img", 2),
        ("gold.img", 1),
    ]
    assert [(one.key, one.tally.finished, one.tally.failed) for one in line.stages] == [
        (Stage.BOOTSTRAP, 4, 0),
        (Stage.TRIAGE, 4, 0),
        (Stage.PROVISIONING, 1, 1),
    ]
    assert [one.key.isoformat() for one in line.hours] == [
        "2026-08-01T12:00:00+00:00",
        "2026-08-01T13:00:00+00:00",
        "2026-08-02T13:00:00+00:00",
    ]
    assert [one.tally.total for one in line.days] == [3, 0]


async def test_days_begin_as_local_clocks_say(station: JudgedStation) -> None:
    line = await counted(station, offset=12 * 60)
    assert [one.key for one in line.days] == [
        datetime(2026, 8, 1, 12, tzinfo=UTC),
        datetime(2026, 8, 2, 12, tzinfo=UTC),
    ]


async def test_half_an_hour_off_utc_is_half_an_hour_off(station: JudgedStation) -> None:
    line = await counted(station, offset=330)
    assert line.hours[0].key == datetime(2026, 8, 1, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "offset"), [(NOW, NOW, 0), (NOW, NOW - timedelta(1), 0), (None, None, 841)]
)
async def test_a_question_without_sense_is_refused(
    station: JudgedStation, since: datetime | None, until: datetime | None, offset: int
) -> None:
    statistics = Statistics(station.devices, station.statuses, station.attempts)
    with pytest.raises(StatisticsQuestionInvalid):
        await statistics.count(since=since, until=until, offset_minutes=offset)


async def test_a_range_counts_what_ended_in_it(station: JudgedStation) -> None:
    statistics = Statistics(station.devices, station.statuses, station.attempts)
    until = NOW + timedelta(minutes=30)
    line = await statistics.count(since=NOW, until=until)
    assert (line.whole.failed, line.whole.total) == (1, 1)


async def test_attempts_without_a_time_are_counted_apart(tmp_path: Path) -> None:
    station = JudgedStation(tmp_path, installed=False, usb=False)
    station.write(*way("SB", "FINISHED"), ts=None)
    line = await counted(station)
    assert (line.untimed, line.whole.total) == (1, 0)


async def test_a_clock_that_was_set_makes_no_durations(tmp_path: Path) -> None:
    station = JudgedStation(tmp_path, installed=False, usb=False)
    station.write(*way("SB", "STARTED")[:5], ts="1970-01-01 00:00:09")
    station.write("SB-PROVISIONER-FINISHED")
    line = await counted(station)
    assert (line.whole.finished, line.whole.percentile(50)) == (1, None)
