"""Every way that an attempt can go leaves the rows, units, logs and lines that the station's
scripts leave (contract devices sections 3 to 5)."""

import json
from pathlib import Path

import pytest

from domain.devices.stages import Word, read_state
from server.demo.actor import RECORDED, STATE_CHANGED
from server.demo.attempts import Action, Outcome
from server.demo.outcomes import (
    BOOTSTRAP_ABORTED,
    EXCLUDED,
    EXCLUDED_LATE,
    EXCLUSIONS,
    FASTBOOT_NOT_SENT,
    FINISHED,
    LOST_BEFORE_TRIAGE,
    NAMELESS,
    NEVER_WOKE,
    OUTCOMES,
    PROVISIONER_ABORTED,
    PROVISIONER_TIMED_OUT,
    SILENT_STOP,
    SPEECHLESS,
    SWAPPED,
    SWAPPED_EARLY,
    TRIAGE_ABORTED,
    VANISHED,
    WRONG_FAMILY,
)
from tests.server.demo.bench import PORT, Bench, build_bench

LOGS = "/var/log/rpi-sb-provisioner"
EXCLUDED_PORT = "1-2"
BOOTSTRAP = [
    "BOOTSTRAP-STARTED",
    "bootstrap-firmware-updated",
    "bootstrap-fastboot-initialisation-started",
    "BOOTSTRAP-FINISHED",
]
TRIAGE = [*BOOTSTRAP, "TRIAGE-STARTED", "TRIAGE-FINISHED"]
STARTED = [*TRIAGE, "SB-PROVISIONER-STARTED"]
GOOD = [*STARTED, "SB-PROVISIONER-FINISHED"]
ABORTED = "SB-PROVISIONER-ABORTED"
ROWS: list[tuple[Outcome, list[str], str]] = [
    (FINISHED, GOOD, ""),
    (SWAPPED, GOOD, ""),
    (NAMELESS, GOOD, ""),
    (SPEECHLESS, GOOD, ""),
    (BOOTSTRAP_ABORTED, ["BOOTSTRAP-STARTED", "BOOTSTRAP-ABORTED"], "rpi-sb-bootstrap"),
    (FASTBOOT_NOT_SENT, [*BOOTSTRAP[:3], "BOOTSTRAP-ABORTED"], "rpi-sb-bootstrap"),
    (WRONG_FAMILY, ["BOOTSTRAP-ABORTED"], "rpi-sb-bootstrap"),
    (NEVER_WOKE, BOOTSTRAP, ""),
    (TRIAGE_ABORTED, [*BOOTSTRAP, "TRIAGE-STARTED", "TRIAGE-ABORTED"], "rpi-sb-triage"),
    (LOST_BEFORE_TRIAGE, [*BOOTSTRAP, "PORT-EXCLUDED"], ""),
    (PROVISIONER_ABORTED, [*STARTED, ABORTED], "rpi-sb-provisioner"),
    (PROVISIONER_TIMED_OUT, [*STARTED, ABORTED, ABORTED], "rpi-sb-provisioner"),
    (SILENT_STOP, STARTED, "rpi-sb-provisioner"),
    (VANISHED, STARTED, "rpi-sb-provisioner"),
    (SWAPPED_EARLY, STARTED, "rpi-sb-provisioner"),
]
"""An outcome, the states of its rows, and the service whose unit stays as failed."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return build_bench(tmp_path)


def test_every_outcome_is_in_the_table() -> None:
    assert {outcome.name for outcome, _, _ in ROWS} == {outcome.name for outcome in OUTCOMES}


@pytest.mark.parametrize(("outcome", "states", "_"), ROWS, ids=[row[0].name for row in ROWS])
def test_it_writes_exactly_these_rows(
    bench: Bench, outcome: Outcome, states: list[str], _: str
) -> None:
    bench.play(bench.plan(outcome))
    assert bench.rows("select state from devices") == [(state,) for state in states]
    assert bench.told.count(STATE_CHANGED) == len(states)
    assert bench.told.count(RECORDED) == ("SB-PROVISIONER-FINISHED" in states)
    assert len(bench.records()) == bench.told.count(RECORDED)


@pytest.mark.parametrize(("outcome", "_", "failed"), ROWS, ids=[row[0].name for row in ROWS])
async def test_only_the_unit_that_failed_stays(
    bench: Bench, outcome: Outcome, _: list[str], failed: str
) -> None:
    attempt = bench.plan(outcome)
    bench.play(attempt)
    rivals = [move for move in attempt.moves if move.action is Action.RIVAL]
    found = [state for name, state in (await bench.states()).items()]
    assert {(state.result, state.exit_status) for state in found} <= {("exit-code", 1)}
    names = sorted(state.unit.name.partition("@")[0] for state in found)
    assert names == sorted([*(["rpi-sb-bootstrap"] * len(rivals)), *([failed] if failed else [])])


@pytest.mark.parametrize("outcome", [*OUTCOMES, *EXCLUSIONS], ids=lambda outcome: outcome.name)
def test_the_port_is_empty_at_the_end_and_no_lock_is_held(bench: Bench, outcome: Outcome) -> None:
    port = EXCLUDED_PORT if outcome in EXCLUSIONS else PORT
    bench.play(bench.plan(outcome, port=port))
    assert not bench.paths.real(f"/sys/bus/usb/devices/{port}").exists()
    locks = bench.paths.real("/var/lock/rpi-sb-bootstrap")
    # What is left of a nameless board's lock are the folders above it, as the script leaves them.
    assert [lock for lock in locks.rglob("*") if lock.name.isdigit() and len(lock.name) > 3] == []


@pytest.mark.parametrize("outcome", [*OUTCOMES, *EXCLUSIONS], ids=lambda outcome: outcome.name)
def test_every_word_is_one_of_the_contract(bench: Bench, outcome: Outcome) -> None:
    attempt = bench.plan(outcome)
    states = [move.state for move in attempt.moves if move.state]
    assert Word.UNKNOWN not in {read_state(state).word for state in states}
    assert not [move for move in attempt.moves if "{" in move.state]


def test_a_good_run_grows_its_serial_and_knows_its_type_after_the_first_rpiboot(
    bench: Bench,
) -> None:
    attempt = bench.plan(FINISHED)
    bench.play(attempt)
    short, long = attempt.board.rom_serial, attempt.board.serial
    found = bench.rows("select serial, endpoint, image, ip_address, board_type from devices")
    assert found == [
        (short, PORT, "lite.img", "", ""),
        *[(short, PORT, "lite.img", "", "18")] * 3,
        *[(long, PORT, "lite.img", "", "")] * 4,
    ]


def test_an_abort_after_the_first_rpiboot_knows_the_type(bench: Bench) -> None:
    bench.play(bench.plan(FASTBOOT_NOT_SENT))
    assert bench.rows("select board_type from devices")[-1] == ("18",)


def test_the_metadata_are_what_bootstrap_can_read(bench: Bench) -> None:
    attempt = bench.plan(FINISHED)
    bench.play(attempt)
    folder = f"{LOGS}/{attempt.board.serial}/metadata"
    file = bench.paths.real(f"{folder}/{attempt.board.rom_serial}.json")
    revision = json.loads(file.read_text())["USER_BOARDREV"]
    # As extract_board_type of rpi-sb-bootstrap.sh reads it: hex digits without 0x.
    assert f"{int(revision, 16) >> 4 & 0xFF:02x}" == attempt.board.model.board_type


@pytest.mark.parametrize(("outcome", "told"), [(NAMELESS, "Broadcom"), (SPEECHLESS, None)])
def test_a_nameless_board_is_called_by_its_device_node(
    bench: Bench, outcome: Outcome, told: str | None
) -> None:
    attempt = bench.play(bench.plan(outcome), moves=1)
    file = bench.paths.real(f"/sys/bus/usb/devices/{PORT}/serial")
    assert (file.read_text().strip() if file.exists() else None) == told
    bench.play(attempt)
    rows = bench.rows()
    node = rows[0][0]
    assert node.startswith("/dev/bus/usb/001/")
    assert [row[0] for row in rows[:4]] == [node] * 4
    assert rows[4] == (attempt.board.serial, PORT, "TRIAGE-STARTED")


def test_the_log_of_a_nameless_board_goes_to_its_port(bench: Bench) -> None:
    bench.play(bench.plan(NAMELESS))
    log = bench.paths.entry(f"{LOGS}/{PORT}/bootstrap.log")
    assert log.is_file()
    assert not log.is_symlink()


def test_a_board_that_comes_back_meets_a_second_bootstrap_that_gives_up(bench: Bench) -> None:
    bench.play(bench.plan(FINISHED))
    entries = bench.journal()
    said = [e for e in entries if e["MESSAGE"].startswith("Bootstrap already in progress for ")]
    [unit] = {entry["_SYSTEMD_UNIT"] for entry in said}
    results = {e["UNIT"]: e.get("UNIT_RESULT") for e in entries if "UNIT_RESULT" in e}
    assert results == {unit: "exit-code"}


def test_an_excluded_port_is_recorded_under_the_stage(bench: Bench) -> None:
    early = bench.plan(EXCLUDED, port=EXCLUDED_PORT)
    late = bench.plan(EXCLUDED_LATE, port=EXCLUDED_PORT)
    bench.play(early)
    bench.play(late)
    assert bench.rows("select serial, endpoint, state, image from devices") == [
        (early.board.rom_serial, "bootstrap", "PORT-EXCLUDED", ""),
        # Triage has read the configuration by then, bootstrap has not.
        (late.board.serial, "triage", "PORT-EXCLUDED", "lite.img"),
    ]


def test_an_excluded_port_gets_no_links_to_its_log(bench: Bench) -> None:
    bench.play(bench.plan(EXCLUDED, port=EXCLUDED_PORT))
    assert [path.name for path in bench.paths.real(LOGS).iterdir()] == ["early"]


def test_a_board_that_is_away_when_triage_looks_is_taken_for_excluded(bench: Bench) -> None:
    attempt = bench.plan(LOST_BEFORE_TRIAGE)
    bench.play(attempt)
    assert bench.rows()[-1] == (attempt.board.serial, "triage", "PORT-EXCLUDED")
    log = bench.paths.real(f"{LOGS}/{attempt.board.serial}/triage.log").read_text()
    assert "port could not be determined; skipping triage" in log


def test_a_swapped_board_and_the_next_one_share_the_port(bench: Bench) -> None:
    first, second = bench.plan(SWAPPED_EARLY), bench.plan(FINISHED)
    leaves = next(i for i in range(len(first.moves)) if first.after(i).leaves_for_good)
    rest = bench.play(first, moves=leaves + 1)
    left = bench.play_until(second, "BOOTSTRAP-STARTED")
    bench.play(rest)
    serial = bench.paths.real(f"/sys/bus/usb/devices/{PORT}/serial").read_text().strip()
    assert serial == second.board.rom_serial
    bench.play(left)
    assert bench.rows()[-1] == (second.board.serial, PORT, "SB-PROVISIONER-FINISHED")


def test_the_reason_of_an_abort_is_in_the_journal_alone(bench: Bench) -> None:
    attempt = bench.plan(PROVISIONER_TIMED_OUT)
    bench.play(attempt)
    log = bench.paths.real(f"{LOGS}/{attempt.board.serial}/provisioner.log").read_text()
    assert "(exit code 124)" not in log
    unit = f"rpi-sb-provisioner@{attempt.board.serial}.service"
    own = [e["MESSAGE"] for e in bench.journal() if e.get("_SYSTEMD_UNIT") == unit]
    assert own[-1].endswith("FAILED: Timed out after 30 seconds (exit code 124).")


def test_a_hook_of_the_administrator_is_told_in_the_log(bench: Bench) -> None:
    hook = bench.paths.real("/etc/rpi-sb-provisioner/scripts/sb-provisioner-post-flash.sh")
    hook.parent.mkdir(parents=True)
    hook.touch(mode=0o644)
    attempt = bench.plan(FINISHED)
    bench.play(attempt)
    log = bench.paths.real(f"{LOGS}/{attempt.board.serial}/provisioner.log").read_text()
    assert "Skipping disabled customisation script: sb-provisioner-post-flash.sh" in log
    assert "No customisation script found for sb-provisioner at stage provision-started" in log
