"""The life of the real process: start, answers, SIGTERM, kill -9."""

import json
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from server.demo.station import build_station
from tests.e2e.process import Program

RENAME = 'mutation { renameStation(input: {name: "NAME"}) { __typename } }'


def _rows(root: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(root / "srv/rpi-sb-provisioner/audit.db") as connection:
        return connection.execute("select handler_path, outcome from audit_log").fetchall()


def test_it_answers_on_both_surfaces_and_stops_with_status_0(tmp_path: Path) -> None:
    build_station(tmp_path, now=datetime.now(UTC))
    with Program(tmp_path) as program:
        rows = json.loads(program.get("/devices"))["devices"]
        station = program.graphql("{ station { recordCount ready } }")["station"]
        began = time.monotonic()
        status = program.stop()
        seconds = time.monotonic() - began
    assert len(rows) > 20
    assert station == {"recordCount": 40, "ready": True}
    assert (status, seconds < 5) == (0, True)
    assert ("/devices", "OK") in _rows(tmp_path)


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    with Program(tmp_path) as program:
        program.graphql(RENAME.replace("NAME", "Line 7"))
        program.process.kill()
        program.process.wait()
    with Program(tmp_path) as again:
        assert again.graphql("{ station { name } }") == {"station": {"name": "Line 7"}}
    assert ("/graphql#renameStation", "OK") in _rows(tmp_path)


def test_what_a_start_hashes_is_written_down_before_the_first_request(tmp_path: Path) -> None:
    images = tmp_path / "srv/rpi-sb-provisioner/images"
    images.mkdir(parents=True)
    for place in range(8):
        (images / f"{place}.img").write_bytes(bytes(1 << 20))
    with Program(tmp_path) as program:
        program.get("/devices")
        program.stop()
    with sqlite3.connect(tmp_path / "srv/rpi-sb-provisioner/audit.db") as connection:
        rows = connection.execute("select operation, handler_path from audit_log order by id")
        operations = [operation or path for operation, path in rows]
    assert operations.count("SHA256_COMPLETE") == 8
    assert operations[-1] == "/devices"


def test_every_part_may_be_missing_and_it_still_starts(tmp_path: Path) -> None:
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv/rpi-sb-provisioner").write_text("a file where the folder should be")
    with Program(tmp_path) as program:
        answer = program.graphql("{ station { ready deviceCount parts { name state } } }")
        assert program.get("/healthz") == b"ok\n"
        assert program.stop() == 0
    station = answer["station"]
    assert isinstance(station, dict)
    assert station["ready"] is False


def test_check_names_parts_and_settings(tmp_path: Path) -> None:
    settings = tmp_path / "etc/rpi-sb-provisioner/service.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("port = 4000\n")
    command = [sys.executable, "-m", "server.main", "check", "--root", str(tmp_path)]
    done = subprocess.run(
        [*command, "--address", "::1"], capture_output=True, text=True, check=False
    )
    assert "audit log: ready" in done.stdout
    assert "port = 4000  (/etc/rpi-sb-provisioner/service.toml)" in done.stdout
    assert "address = ::1  (flag)" in done.stdout
    assert done.returncode == 0


def test_a_wrong_setting_is_told_in_one_sentence(tmp_path: Path) -> None:
    settings = tmp_path / "etc/rpi-sb-provisioner/service.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text("prot = 4000\n")
    command = [sys.executable, "-m", "server.main", "serve", "--root", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "there is no setting 'prot'" in done.stderr
    assert "Traceback" not in done.stderr


def test_listening_on_the_network_without_tokens_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "server.main", "serve", "--root", str(tmp_path)]
    done = subprocess.run(
        [*command, "--address", "0.0.0.0"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "provisioner-service token" in done.stderr
