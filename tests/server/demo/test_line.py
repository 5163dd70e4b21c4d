"""The simulated line does what boards, scripts and operators do, and nothing else."""

import asyncio
import contextlib
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.demo.actor import RECORDED, STATE_CHANGED
from server.demo.attempts import OUTCOMES, Action, Outcome
from server.demo.line import Line
from server.demo.station import JIG, DemoStation, build_station

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
LIMIT = 20.0
# What may follow what, from contract devices sections 4 and 5; "" is the end without a row.
LEGAL = {
    "BOOTSTRAP-STARTED": {"bootstrap-firmware-updated", "BOOTSTRAP-ABORTED", ""},
    "bootstrap-firmware-updated": {"bootstrap-fastboot-initialisation-started", ""},
    "bootstrap-fastboot-initialisation-started": {"BOOTSTRAP-FINISHED", ""},
    "BOOTSTRAP-FINISHED": {"TRIAGE-STARTED", ""},
    "TRIAGE-STARTED": {"TRIAGE-FINISHED", "TRIAGE-ABORTED", ""},
    "TRIAGE-FINISHED": {"SB-PROVISIONER-STARTED", ""},
    "SB-PROVISIONER-STARTED": {"SB-PROVISIONER-FINISHED", "SB-PROVISIONER-ABORTED", ""},
    "SB-PROVISIONER-ABORTED": {"SB-PROVISIONER-ABORTED", ""},
    "SB-PROVISIONER-FINISHED": {""},
    "BOOTSTRAP-ABORTED": {""},
    "TRIAGE-ABORTED": {""},
}


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
    clock.line = Line(station, clock=clock, **more)
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


async def test_two_hundred_steps_write_only_legal_sequences(station: DemoStation) -> None:
    last = _rows(station, "state", "select max(id) from devices")[0][0]
    standing = {attempt.board.rom_serial for attempt in station.under_way}
    await _steps(_line(station), 200)
    by_board: dict[str, list[str]] = {}
    query = f"select substr(serial, -8), state from devices where id > {last} order by id"
    for board, state in _rows(station, "state", query):
        by_board.setdefault(board, []).append(state)
    assert len(by_board) > 8
    for board, states in by_board.items():
        assert board in standing or states[0] == "BOOTSTRAP-STARTED"
        assert all(b in LEGAL[a] for a, b in zip(states, [*states[1:], ""], strict=True)), states


async def test_serials_are_short_in_bootstrap_and_long_after(station: DemoStation) -> None:
    await _steps(_line(station), 200)
    query = "select distinct length(serial), lower(state) like 'bootstrap%' from devices "
    found = _rows(station, "state", query + "where state <> 'PORT-EXCLUDED'")
    assert set(found) == {(8, 1), (16, 0)}


async def test_the_board_under_way_goes_on_to_its_end(station: DemoStation) -> None:
    [board] = [a.board for a in station.under_way if len(a.moves) > 1]
    await _steps(_line(station), 100)
    query = f"select state from devices where serial = '{board.serial}' order by id desc"
    assert _rows(station, "state", query)[0] == ("SB-PROVISIONER-FINISHED",)
    query = f"select count(*) from devices where serial = '{board.serial}'"
    assert _rows(station, "manufacturing", query) == [(1,)]


@pytest.mark.parametrize("outcome", [outcome.name for outcome in OUTCOMES])
async def test_a_record_is_inserted_exactly_for_finished_boards(
    station: DemoStation, outcome: str
) -> None:
    begun = _rows(station, "manufacturing", "select count(*) from devices")[0][0]
    line = _line(station, outcomes=_only(outcome))
    await _steps(line, 150)
    finished = _rows(
        station, "state", "select count(*) from devices where state like '%PROVISIONER-FINISHED'"
    )[0][0]
    recorded = _rows(station, "manufacturing", "select count(*) from devices")[0][0]
    assert recorded - begun in (finished - 7, finished - 6)
    assert (finished > 8) == (outcome == "finished")


async def test_stamps_are_utc_to_the_second(station: DemoStation) -> None:
    line = _line(station)
    await _steps(line, 60)
    [(newest,)] = _rows(station, "state", "select max(ts) from devices")
    at = datetime.strptime(newest, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert timedelta(0) <= at - NOW <= timedelta(seconds=line.seconds)


async def test_the_same_station_gets_the_same_line(tmp_path: Path) -> None:
    told = []
    for name in ("one", "two"):
        station = build_station(tmp_path / name, now=NOW)
        await _steps(_line(station), 120)
        told.append(_rows(station, "state", "select * from devices order by id"))
    assert told[0] == told[1]


async def test_only_the_ports_of_the_jig_are_used(station: DemoStation) -> None:
    last = _rows(station, "state", "select max(id) from devices")[0][0]
    await _steps(_line(station), 200)
    query = f"select distinct endpoint from devices where id > {last}"
    assert {row[0] for row in _rows(station, "state", query)} <= set(JIG)


async def test_each_row_is_told_to_the_address_the_scripts_use(station: DemoStation) -> None:
    told: list[str] = []

    async def hear(address: str) -> None:
        told.append(address)

    line = _line(station, notify=hear)
    moves = [await line.step() for _ in range(100)]
    rows = [move.action for move in moves if move.action in (Action.RECORD, Action.MANUFACTURE)]
    addresses = {Action.RECORD: STATE_CHANGED, Action.MANUFACTURE: RECORDED}
    assert told == [addresses[action] for action in rows]
    assert set(told) == {STATE_CHANGED, RECORDED}


async def test_a_row_is_stored_before_it_is_told(station: DemoStation) -> None:
    counts: list[int] = []

    async def hear(address: str) -> None:
        if address == STATE_CHANGED:
            counts.append(_rows(station, "state", "select count(*) from devices")[0][0])

    begun = _rows(station, "state", "select count(*) from devices")[0][0]
    await _steps(_line(station, notify=hear), 60)
    assert counts == list(range(begun + 1, begun + 1 + len(counts)))


async def test_nobody_home_does_not_stop_the_line(station: DemoStation) -> None:
    async def refuse(address: str) -> None:
        raise ConnectionRefusedError(address)

    begun = _rows(station, "state", "select count(*) from devices")[0][0]
    await _steps(_line(station, notify=refuse), 60)
    assert _rows(station, "state", "select count(*) from devices")[0][0] > begun + 10


async def test_a_database_that_is_gone_does_not_stop_the_line(station: DemoStation) -> None:
    station.paths.real("/srv/rpi-sb-provisioner/manufacturing.db").unlink()
    line = _line(station, outcomes=_only("finished"))
    moves = [await line.step() for _ in range(250)]
    assert sum(move.action is Action.MANUFACTURE for move in moves) > 3
    assert not station.paths.real("/srv/rpi-sb-provisioner/manufacturing.db").exists()


async def test_a_reader_in_another_process_does_not_hinder_it(station: DemoStation) -> None:
    file = station.paths.real("/srv/rpi-sb-provisioner/state.db")
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as reader:
        reader.execute("begin")
        [(before,)] = reader.execute("select count(*) from devices")
        await _steps(_line(station), 40)
        assert list(reader.execute("select count(*) from devices")) == [(before,)]
        reader.rollback()
        assert next(reader.execute("select count(*) from devices"))[0] > before


async def test_locks_are_there_only_while_a_bootstrap_runs(station: DemoStation) -> None:
    locks = station.paths.real("/var/lock/rpi-sb-bootstrap")
    line, seen = _line(station, outcomes=_only("finished")), 0
    for _ in range(200):
        await line.step()
        seen = max(seen, len(list(locks.iterdir())))
    query = "select substr(serial, -8), state from devices group by substr(serial, -8) "
    newest = dict(_rows(station, "state", query + "having id = max(id)"))
    booting = {b for b, s in newest.items() if s.lower().startswith("bootstrap-")}
    assert seen > 1
    assert {lock.name for lock in locks.iterdir()} <= booting


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
