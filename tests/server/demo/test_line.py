"""The simulated line does what boards, scripts and operators do, and nothing else."""

import asyncio
import contextlib
import itertools
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.demo.actor import RECORDED, STATE_CHANGED
from server.demo.attempts import Action, Outcome
from server.demo.history import EXCLUDED_PORT
from server.demo.line import RESTART_SECONDS, Line
from server.demo.outcomes import OUTCOMES
from server.demo.station import JIG, DemoStation, build_station

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
LIMIT = 20.0
# What may follow what, from contract devices sections 4 and 5; "" is the end without a row.
LEGAL = {
    # A nameless board shows its serial to triage first.
    "": {"BOOTSTRAP-STARTED", "BOOTSTRAP-ABORTED", "PORT-EXCLUDED", "TRIAGE-STARTED"},
    "BOOTSTRAP-STARTED": {"bootstrap-firmware-updated", "BOOTSTRAP-ABORTED", ""},
    "bootstrap-firmware-updated": {"bootstrap-fastboot-initialisation-started", ""},
    "bootstrap-fastboot-initialisation-started": {"BOOTSTRAP-FINISHED", "BOOTSTRAP-ABORTED", ""},
    "BOOTSTRAP-FINISHED": {"TRIAGE-STARTED", "PORT-EXCLUDED", ""},
    "TRIAGE-STARTED": {"TRIAGE-FINISHED", "TRIAGE-ABORTED", ""},
    "TRIAGE-FINISHED": {"SB-PROVISIONER-STARTED", ""},
    "SB-PROVISIONER-STARTED": {"SB-PROVISIONER-FINISHED", "SB-PROVISIONER-ABORTED", ""},
    "SB-PROVISIONER-ABORTED": {"SB-PROVISIONER-ABORTED", ""},
    "SB-PROVISIONER-FINISHED": {""},
    "BOOTSTRAP-ABORTED": {""},
    "TRIAGE-ABORTED": {""},
    "PORT-EXCLUDED": {""},
}
# A board that failed is tried again, from the beginning.
AGAIN = {"BOOTSTRAP-STARTED", "BOOTSTRAP-ABORTED"}


class Steady:
    """A clock that follows the line's own seconds."""

    def __init__(self) -> None:
        self.line: Line | None = None

    def __call__(self) -> datetime:
        return NOW + timedelta(seconds=self.line.seconds if self.line else 0)


@pytest.fixture
def station(tmp_path: Path) -> DemoStation:
    return build_station(tmp_path, now=NOW)


def _line(station: DemoStation, **more: Any) -> Line:
    clock = Steady()
    clock.line = Line(station, clock=clock, **{"restarts": None, **more})
    return clock.line


def _only(name: str) -> tuple[Outcome, ...]:
    return tuple(outcome for outcome in OUTCOMES if outcome.name == name)


def _rows(station: DemoStation, name: str, query: str) -> list[Any]:
    file = station.paths.real(f"/srv/rpi-sb-provisioner/{name}.db")
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


async def _steps(line: Line, count: int) -> None:
    for _ in range(count):
        await line.step()


async def test_six_hundred_steps_write_only_legal_sequences(station: DemoStation) -> None:
    last = _rows(station, "state", "select max(id) from devices")[0][0]
    standing = {attempt.board.rom_serial for attempt in station.under_way}
    await _steps(_line(station), 600)
    by_board: dict[str, list[str]] = {}
    query = f"select substr(serial, -8), state from devices where id > {last} "
    for board, state in _rows(station, "state", query + "and serial not like '/%' order by id"):
        by_board.setdefault(board, [] if board in standing else [""]).append(state)
    assert len(by_board) > 8
    for states in by_board.values():
        for before, state in itertools.pairwise(states):
            assert state in LEGAL[before] or ("" in LEGAL[before] and state in AGAIN), states


async def test_serials_are_short_or_nodes_in_bootstrap_and_long_after(
    station: DemoStation,
) -> None:
    await _steps(_line(station), 600)
    query = "select distinct length(serial), lower(state) like 'bootstrap%' from devices "
    found = _rows(station, "state", query + "where state <> 'PORT-EXCLUDED'")
    assert set(found) == {(8, 1), (16, 0), (len("/dev/bus/usb/001/002"), 1)}


async def test_the_board_under_way_goes_on_to_its_end(station: DemoStation) -> None:
    [board] = [a.board for a in station.under_way if len(a.moves) > 10]
    await _steps(_line(station), 400)
    query = f"select state from devices where serial = '{board.serial}' order by id desc"
    assert _rows(station, "state", query)[0] == ("SB-PROVISIONER-FINISHED",)
    query = f"select count(*) from devices where serial = '{board.serial}'"
    assert _rows(station, "manufacturing", query) == [(1,)]


async def test_a_record_is_inserted_exactly_for_finished_boards(station: DemoStation) -> None:
    await _steps(_line(station), 1000)
    query = "select serial from devices where state like '%PROVISIONER-FINISHED' order by serial"
    finished = _rows(station, "state", query)
    since = _rows(station, "state", "select min(ts) from devices")[0][0]
    query = f"select serial from devices where provision_ts >= '{since}' order by serial"
    recorded = _rows(station, "manufacturing", query)
    assert len(finished) > 12
    # The record comes a second before the row: one board may be between them.
    assert len(recorded) - len(finished) in (0, 1)
    assert set(finished) <= set(recorded)


async def test_stamps_are_utc_to_the_second(station: DemoStation) -> None:
    line = _line(station)
    await _steps(line, 200)
    [(newest,)] = _rows(station, "state", "select max(ts) from devices")
    at = datetime.strptime(newest, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert timedelta(0) <= at - NOW <= timedelta(seconds=line.seconds)


async def test_the_same_station_gets_the_same_line(tmp_path: Path) -> None:
    told = []
    for name in ("one", "two"):
        station = build_station(tmp_path / name, now=NOW)
        await _steps(_line(station), 150)
        told.append(_rows(station, "state", "select * from devices order by id"))
    assert told[0] == told[1]


async def test_only_the_ports_of_the_jig_and_the_excluded_one_are_used(
    station: DemoStation,
) -> None:
    line = _line(station)
    await _steps(line, 400)
    assert {attempt.port for attempt in line.under_way} == {*JIG, EXCLUDED_PORT}
    query = "select distinct endpoint from devices"
    assert {row[0] for row in _rows(station, "state", query)} <= {*JIG, "bootstrap", "triage"}


async def test_each_row_is_told_to_the_address_the_scripts_use(station: DemoStation) -> None:
    told: list[str] = []

    async def hear(address: str) -> None:
        told.append(address)

    line = _line(station, notify=hear)
    moves = [await line.step() for _ in range(400)]
    actions = [move.action for move in moves if move]
    rows = [action for action in actions if action in (Action.RECORD, Action.MANUFACTURE)]
    addresses = {Action.RECORD: STATE_CHANGED, Action.MANUFACTURE: RECORDED}
    assert told == [addresses[action] for action in rows]
    assert set(told) == {STATE_CHANGED, RECORDED}


async def test_a_row_is_stored_before_it_is_told(station: DemoStation) -> None:
    counts: list[int] = []

    async def hear(address: str) -> None:
        if address == STATE_CHANGED:
            counts.append(_rows(station, "state", "select count(*) from devices")[0][0])

    begun = _rows(station, "state", "select count(*) from devices")[0][0]
    await _steps(_line(station, notify=hear), 200)
    assert counts == list(range(begun + 1, begun + 1 + len(counts)))


async def test_nobody_home_does_not_stop_the_line(station: DemoStation) -> None:
    async def refuse(address: str) -> None:
        raise ConnectionRefusedError(address)

    begun = _rows(station, "state", "select count(*) from devices")[0][0]
    await _steps(_line(station, notify=refuse), 200)
    assert _rows(station, "state", "select count(*) from devices")[0][0] > begun + 10


async def test_a_database_that_is_gone_does_not_stop_the_line(station: DemoStation) -> None:
    station.paths.real("/srv/rpi-sb-provisioner/manufacturing.db").unlink()
    line = _line(station, outcomes=_only("finished"))
    moves = [await line.step() for _ in range(900)]
    assert sum(move is not None and move.action is Action.MANUFACTURE for move in moves) > 3
    assert not station.paths.real("/srv/rpi-sb-provisioner/manufacturing.db").exists()


async def test_a_reader_in_another_process_does_not_hinder_it(station: DemoStation) -> None:
    file = station.paths.real("/srv/rpi-sb-provisioner/state.db")
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as reader:
        reader.execute("begin")
        [(before,)] = reader.execute("select count(*) from devices")
        await _steps(_line(station), 150)
        assert list(reader.execute("select count(*) from devices")) == [(before,)]
        reader.rollback()
        assert next(reader.execute("select count(*) from devices"))[0] > before


async def test_locks_are_there_only_while_a_bootstrap_runs(station: DemoStation) -> None:
    locks = station.paths.real("/var/lock/rpi-sb-bootstrap")
    line, seen = _line(station, outcomes=_only("finished")), 0
    for _ in range(500):
        await line.step()
        held = {lock.name for lock in locks.iterdir()}
        seen = max(seen, len(held))
        units = [unit.name for unit in await station.host.units.list_units()]
        running = sum(name.startswith("rpi-sb-bootstrap@") for name in units)
        assert len(held) <= running
    assert seen > 1


async def test_it_runs_until_cancelled_and_leaves_no_write_behind(station: DemoStation) -> None:
    enough, told = asyncio.Event(), 0

    async def hear(_: str) -> None:
        nonlocal told
        told += 1
        if told == 5:
            enough.set()

    running = asyncio.create_task(Line(station, speed=100_000, notify=hear).run())
    async with asyncio.timeout(LIMIT):
        await enough.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert _rows(station, "state", "pragma integrity_check") == [("ok",)]
    assert _rows(station, "state", "select count(*) from devices") == _rows(
        station, "state", "select max(id) from devices"
    )


async def test_a_speed_of_nothing_is_refused(station: DemoStation) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Line(station, speed=0)


async def test_a_restart_of_the_host_stops_every_script_where_it_is(station: DemoStation) -> None:
    line = _line(station, restarts=(60, 60))
    while await line.step():
        pass
    before = _rows(station, "state", "select count(*) from devices")
    assert await station.host.units.list_units() == []
    assert list(station.paths.real("/var/lock/rpi-sb-bootstrap").iterdir()) == []
    stat = station.paths.real("/proc/stat").read_text()
    booted = int((NOW + timedelta(seconds=line.seconds)).timestamp())
    assert f"btime {booted}\n" in stat
    assert _rows(station, "state", "select count(*) from devices") == before


async def test_after_a_restart_only_the_operator_touches_the_boards_that_were_there(
    station: DemoStation,
) -> None:
    line = _line(station, restarts=(60, 60))
    begun: set[str] = set()
    while await line.step():
        begun = {attempt.board.serial for attempt in line.under_way if attempt.has_begun}
    left = [attempt for attempt in line.under_way if attempt.board.serial in begun]
    assert left
    assert {tuple(move.action for move in attempt.moves) for attempt in left} == {(Action.LEAVE,)}


async def test_a_restart_takes_its_time(station: DemoStation) -> None:
    line = _line(station, restarts=(60, 60))
    while await line.step():
        pass
    assert line.seconds == 60 + RESTART_SECONDS


async def test_an_operator_in_haste_puts_the_next_board_in_before_the_script_has_noticed(
    station: DemoStation,
) -> None:
    line = _line(station, outcomes=_only("swapped early"))
    both: set[str] = set()
    for _ in range(900):
        await line.step()
        ports = [attempt.port for attempt in line.under_way if attempt.has_begun]
        both |= {port for port in ports if ports.count(port) > 1}
    assert both <= set(JIG)
    assert len(both) > 3


async def test_a_board_that_failed_is_tried_again_at_times(station: DemoStation) -> None:
    line = _line(station, outcomes=_only("bootstrap aborted"))
    await _steps(line, 500)
    query = "select count(*) from devices where state = 'BOOTSTRAP-ABORTED' group by serial"
    tries = [row[0] for row in _rows(station, "state", query)]
    assert max(tries) > 1
    assert min(tries) == 1


async def test_a_tree_that_is_gone_costs_attempts_and_never_the_line(
    station: DemoStation, caplog: pytest.LogCaptureFixture
) -> None:
    line = _line(station)
    await _steps(line, 50)
    shutil.rmtree(station.paths.root / "sys")
    await _steps(line, 200)
    assert "could not write" in caplog.text
    assert {attempt.port for attempt in line.under_way} == {*JIG, EXCLUDED_PORT}


async def test_a_database_that_cannot_be_opened_costs_rows_and_never_the_line(
    station: DemoStation, caplog: pytest.LogCaptureFixture
) -> None:
    file = station.paths.real("/srv/rpi-sb-provisioner/state.db")
    file.unlink()
    file.mkdir()
    line = _line(station)
    moves = [await line.step() for _ in range(100)]
    lost = sum(move is not None and move.action is Action.RECORD for move in moves)
    assert lost > 5
    assert caplog.text.count("could not write") == lost
