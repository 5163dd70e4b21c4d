"""The databases, logs and ports of the simulated station tell one consistent past."""

import contextlib
import re
import shutil
import sqlite3
import stat
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest

from server.demo.station import DemoStation, build_station

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
LOGS = "/var/log/rpi-sb-provisioner"
STATE_COLUMNS = "id serial endpoint state image ip_address board_type ts"
RECORD_COLUMNS = (
    "id boardname serial eth_mac wifi_mac bt_mac mmc_size mmc_cid rpi_duid board_revision "
    "processor memory manufacturer secure jtag_locked eeprom_write_protected pubkey_programmed "
    "devkey_revoked signed_boot_enabled os_image_filename os_image_sha256 connect_registered "
    "connect_device_id eeprom_size eeprom_jedec eeprom_unique_id bootloader_build_timestamp "
    "customer_key_fingerprint customer_key_label provision_ts"
)


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> DemoStation:
    return build_station(tmp_path_factory.mktemp("station"), now=NOW)


def _rows(station: DemoStation, name: str, query: str) -> list[Any]:
    file = station.paths.real(f"/srv/rpi-sb-provisioner/{name}.db")
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize(
    ("name", "columns"), [("state", STATE_COLUMNS), ("manufacturing", RECORD_COLUMNS)]
)
def test_tables_have_exactly_the_columns_of_the_contract(
    station: DemoStation, name: str, columns: str
) -> None:
    found = _rows(station, name, "pragma table_info(devices)")
    assert [row[1] for row in found] == columns.split()


def test_constraints_are_those_of_the_contract(station: DemoStation) -> None:
    kinds = {row[1]: row[2:5] for row in _rows(station, "state", "pragma table_info(devices)")}
    assert kinds["board_type"] == ("TEXT", 1, "''")
    assert kinds["ts"] == ("timestamp", 0, "current_timestamp")
    kinds = {
        row[1]: row[2:5] for row in _rows(station, "manufacturing", "pragma table_info(devices)")
    }
    assert (kinds["secure"][0].lower(), *kinds["secure"][1:]) == ("integer", 1, "1")
    assert kinds["serial"] == ("char(8)", 1, None)
    assert kinds["os_image_sha256"] == ("char(64)", 0, "NULL")


@pytest.mark.real
@pytest.mark.parametrize("name", ["state", "manufacturing"])
def test_the_sqlite3_program_reads_them(station: DemoStation, name: str) -> None:
    if not shutil.which("sqlite3"):
        pytest.skip("needs the sqlite3 program (Debian package sqlite3)")
    file = station.paths.real(f"/srv/rpi-sb-provisioner/{name}.db")
    check = ["sqlite3", str(file), "pragma integrity_check; pragma journal_mode"]
    found = subprocess.run(check, capture_output=True, text=True, check=True).stdout
    assert found.split() == ["ok", "wal"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_there_are_forty_records_and_twenty_boards(station: DemoStation) -> None:
    assert _rows(station, "manufacturing", "select count(*) from devices") == [(40,)]
    query = "select count(distinct substr(serial, -8)) from devices where serial not like '/%'"
    assert _rows(station, "state", query) == [(20,)]


@pytest.mark.parametrize(("name", "column"), [("state", "ts"), ("manufacturing", "provision_ts")])
def test_later_rows_have_later_times(station: DemoStation, name: str, column: str) -> None:
    times = [row[0] for row in _rows(station, name, f"select {column} from devices order by id")]
    assert times == sorted(times)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", time) for time in times)
    assert times[-1] <= "2026-08-01 12:00:00"


def test_finished_boards_are_exactly_the_records_since(station: DemoStation) -> None:
    query = "select serial, image, ts from devices where state like '%-FINISHED' and {} order by id"
    finished = _rows(station, "state", query.format("state like '%PROVISIONER%'"))
    first = _rows(station, "state", "select min(ts) from devices")[0][0]
    recorded = _rows(
        station,
        "manufacturing",
        "select serial, os_image_filename, provision_ts from devices "
        f"where provision_ts >= '{first}' order by id",
    )
    assert len(finished) == 9
    assert [row[:2] for row in finished] == [row[:2] for row in recorded]
    for (*_, state_time), (*_, record_time) in zip(finished, recorded, strict=True):
        lag = datetime.fromisoformat(state_time) - datetime.fromisoformat(record_time)
        assert lag.total_seconds() in (0, 1)


def test_records_carry_the_hash_that_the_sidecar_holds(station: DemoStation) -> None:
    sides = {image.summary: image.sha256 for image in station.images.values()}
    query = "select distinct os_image_filename, os_image_sha256 from devices"
    assert dict(_rows(station, "manufacturing", query)) == sides


def test_records_name_the_key_only_since_it_is_there(station: DemoStation) -> None:
    query = "select customer_key_fingerprint, provision_ts from devices"
    added = f"{station.key.added_at:%Y-%m-%d %H:%M:%S}"
    for fingerprint, at in _rows(station, "manufacturing", query):
        assert fingerprint == (station.key.fingerprint if at >= added else None)


def test_one_port_shows_the_short_serial_and_then_the_long_one(station: DemoStation) -> None:
    query = "select serial from devices where endpoint = '1-1.1' order by id desc limit 7"
    serials = [row[0] for row in reversed(_rows(station, "state", query))]
    assert [len(serial) for serial in serials] == [8, 8, 8, 16, 16, 16, 16]
    assert {serial[-8:] for serial in serials} == {serials[0]}


def test_only_bootstrap_rows_know_the_board_type(station: DemoStation) -> None:
    query = "select distinct state from devices where board_type <> ''"
    assert {row[0].upper().partition("-")[0] for row in _rows(station, "state", query)} == {
        "BOOTSTRAP"
    }


def test_the_excluded_board_is_on_a_port_that_no_rule_permits(station: DemoStation) -> None:
    query = "select serial, endpoint from devices where state = 'PORT-EXCLUDED'"
    [(serial, endpoint)] = _rows(station, "state", query)
    assert endpoint == "bootstrap"
    sysfs = station.paths.real("/sys/bus/usb/devices")
    [port] = [
        link.parent.name for link in sysfs.glob("*/serial") if link.read_text().strip() == serial
    ]
    rules = station.paths.real("/etc/rpi-sb-provisioner/usb-ports.d/10-jig.conf")
    script = f'while read -r p; do case "{port}" in $p) exit 1;; esac; done < {rules}'
    assert subprocess.run(["sh", "-c", script], check=False).returncode == 0


def test_boards_under_way_are_plugged_in_with_the_serial_of_their_last_row(
    station: DemoStation,
) -> None:
    assert len(station.under_way) == 4
    for attempt in station.under_way:
        file = station.paths.real(f"/sys/bus/usb/devices/{attempt.port}/serial")
        serial = file.read_text().strip()
        query = f"select serial from devices where serial like '%{serial[-8:]}' order by id desc"
        assert _rows(station, "state", query)[0] == (serial,)


def test_log_lines_have_the_form_of_the_scripts(station: DemoStation) -> None:
    form = re.compile(r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] .+|TRIAGE-(STARTED|FINISHED)")
    logs = [path for path in station.paths.real(LOGS).rglob("*.log") if not path.is_symlink()]
    assert {path.name for path in logs} == {"bootstrap.log", "triage.log", "provisioner.log"}
    for log in logs:
        assert all(form.fullmatch(line) for line in log.read_text().splitlines()), log


def test_an_aborted_bootstrap_keeps_its_log_in_early(station: DemoStation) -> None:
    query = "select serial from devices where state = 'BOOTSTRAP-ABORTED'"
    for (serial,) in _rows(station, "state", query):
        link = station.paths.entry(f"{LOGS}/{serial}/bootstrap.log")
        assert str(link.readlink()).startswith(f"{LOGS}/early/dev/bus/usb/")
        log = station.paths.real(station.paths.logical(link))
        assert "Stopping Deleting udev lock" in log.read_text()


def test_a_port_whose_board_reached_triage_has_a_dangling_link(station: DemoStation) -> None:
    assert station.paths.entry(f"{LOGS}/1-1.2/bootstrap.log").is_symlink()
    assert not station.paths.real(f"{LOGS}/1-1.2/bootstrap.log").exists()
