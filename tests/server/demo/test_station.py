"""The simulated station is laid out as a real one, and its line writes only legal histories."""

import hashlib
import itertools
import json
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.demo.attempts import OUTCOMES
from server.demo.line import Line
from server.demo.station import DemoStation, build_station, things_to_try

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)


@pytest.fixture
def station(tmp_path: Path) -> DemoStation:
    return build_station(tmp_path, now=NOW)


def _rows(station: DemoStation, name: str, query: str) -> list[Any]:
    file = station.paths.real(f"/srv/rpi-sb-provisioner/{name}.db")
    with sqlite3.connect(file) as connection:
        return connection.execute(query).fetchall()


def test_there_are_forty_records_and_a_dozen_boards(station: DemoStation) -> None:
    assert _rows(station, "manufacturing", "select count(*) from devices") == [(40,)]
    serials = {row[0][-8:] for row in _rows(station, "state", "select serial from devices")}
    assert len(serials) == 13


def test_every_finished_board_has_its_record(station: DemoStation) -> None:
    query = "select serial from devices where state like '%PROVISIONER-FINISHED'"
    finished = set(_rows(station, "state", query))
    assert finished
    assert finished <= set(_rows(station, "manufacturing", "select serial from devices"))


def test_the_sqlite3_program_reads_both(station: DemoStation) -> None:
    for name in ("state", "manufacturing"):
        file = station.paths.real(f"/srv/rpi-sb-provisioner/{name}.db")
        check = ["sqlite3", str(file), "pragma integrity_check; pragma journal_mode"]
        found = subprocess.run(check, capture_output=True, text=True, check=True).stdout
        assert found.split() == ["ok", "wal"]


def test_sh_sources_the_configuration(station: DemoStation) -> None:
    defaults = station.paths.real(station.paths.defaults)
    config = station.paths.real(station.paths.config)
    script = f'. {defaults}; . {config}; echo "$PROVISIONING_STYLE $RPI_DEVICE_FAMILY"'
    found = subprocess.run(["sh", "-eu", "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "secure-boot 5\n"


def test_the_gold_master_matches_its_side_file(station: DemoStation) -> None:
    image = station.batches["current"].image
    content = station.paths.real(image.path).read_bytes()
    side = station.paths.real(image.path + ".sha256").read_text().strip()
    assert hashlib.sha256(content).hexdigest() == side == image.sha256
    assert content[510:512] == b"\x55\xaa"


def test_the_registry_names_the_active_key(station: DemoStation) -> None:
    text = station.paths.real("/etc/rpi-sb-provisioner/keys/registry.json").read_text()
    registry = json.loads(text)
    active = registry["keys"][0]
    assert registry["activeKeyId"] == active["id"]
    assert (active["keySize"], active["isFitForPurpose"]) == (2048, True)
    assert station.paths.real(active["path"]).stat().st_mode & 0o777 == 0o400


def test_the_line_writes_only_histories_that_the_scripts_write(station: DemoStation) -> None:
    last = _rows(station, "state", "select max(id) from devices")[0][0]
    line = Line(station, seed=3)
    for second in range(300):
        line.step(NOW + timedelta(seconds=second))
    query = f"select serial, endpoint, state from devices where id > {last} order by id"
    by_board: dict[str, list[str]] = {}
    for serial, _, state in _rows(station, "state", query):
        by_board.setdefault(serial[-8:], []).append(state)
    legal = [[m.state.format(style="SB") for m in o.moves if m.state] for o in OUTCOMES]
    begun = [states[:n] for states in legal for n in range(len(states) + 1)]
    assert len(by_board) > 5
    assert all(states in begun for states in by_board.values())


def test_the_line_empties_and_fills_the_ports(station: DemoStation) -> None:
    line = Line(station, seed=4)
    seen = set()
    for second, _ in zip(range(200), itertools.repeat(None), strict=False):
        place = line.step(NOW + timedelta(seconds=second))
        seen.add(station.usb.free(place.port))
    assert seen == {True, False}


def test_three_things_to_try_name_the_address() -> None:
    tried = things_to_try("http://127.0.0.1:3142")
    assert len(tried) == 3
    assert all("http://127.0.0.1:3142" in line for line in tried)
