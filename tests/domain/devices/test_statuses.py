"""Statuses: rows, units, USB and records joined while a station runs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain.devices.attempts import Outcome
from domain.devices.device_filters import DeviceFilter
from domain.devices.evidence import Source, Stance, list_evidence
from domain.devices.explanations import LOOK_SECONDS, WATCHED_SECONDS
from domain.devices.stages import Stage, Style
from domain.devices.status import DEADLINES, GRACE, REBOOT_GRACE, Cause, Status
from domain.devices.statuses import DeviceStatusChanged
from domain.events import Subscription
from domain.manufacturing.records import RecordsNotOpen
from domain.paging import page_request
from tests.fakes.judging import KEY, NOW, PORT, SERIAL, JudgedStation

TRIAGE = f"rpi-sb-triage@{SERIAL}.service"
PROVISIONER = f"rpi-sb-provisioner@{SERIAL}.service"
BOOTSTRAP = "rpi-sb-bootstrap@-dev-bus-usb-001-004.service"
WAY = ("BOOTSTRAP-STARTED", "BOOTSTRAP-FINISHED", "TRIAGE-STARTED", "TRIAGE-FINISHED")
STARTED, FINISHED = "SB-PROVISIONER-STARTED", "SB-PROVISIONER-FINISHED"
OTHER = "10000000ffffffff"


@pytest.fixture
def station(tmp_path: Path) -> JudgedStation:
    made = JudgedStation(tmp_path)
    made.presence.plug(PORT, SERIAL)
    return made


async def begun(station: JudgedStation) -> JudgedStation:
    """A station that has looked at its empty database, and then provisions a board."""
    await station.statuses.ready()
    station.start_unit(PROVISIONER)
    station.write(*WAY, STARTED)
    return station


async def test_a_board_that_is_worked_on_is_active(station: JudgedStation) -> None:
    await begun(station)
    view = await station.view()
    assert (view.verdict.status, view.verdict.stage, view.verdict.style) == (
        Status.ACTIVE,
        Stage.PROVISIONING,
        Style.SB,
    )
    said = {one.source: one.stance for one in list_evidence(view.verdict.facts)}
    assert said[Source.UNIT] is Stance.SUPPORTS
    assert said[Source.USB] is Stance.SUPPORTS


async def test_a_failing_unit_fails_the_board_with_its_exit_code(station: JudgedStation) -> None:
    await begun(station)
    await station.view()
    station.end_unit(PROVISIONER, result="exit-code", status=7)
    await station.hear(PROVISIONER, "failed", "failed", "exit-code")
    verdict = (await station.view()).verdict
    assert (verdict.status, verdict.cause) == (Status.FAILED, Cause.UNIT_FAILED)
    assert verdict.reason == f"{PROVISIONER} failed: exit-code 7."


async def test_a_unit_that_ends_without_a_word_stalls_the_board_after_the_grace(
    station: JudgedStation,
) -> None:
    await begun(station)
    await station.view()
    station.end_unit(PROVISIONER)
    await station.hear(PROVISIONER, "inactive", "dead", "success")
    assert await station.status() == (Status.ACTIVE, None)
    station.clock.seconds += GRACE
    assert await station.status() == (Status.STALLED, Cause.UNIT_GONE)


async def test_finished_is_complete_once_the_unit_has_ended(station: JudgedStation) -> None:
    await begun(station)
    station.records.add(SERIAL, secure=True, at=NOW)
    await station.view()
    station.write(FINISHED)
    assert await station.status() == (Status.ACTIVE, Cause.FINISHING)
    station.end_unit(PROVISIONER)
    await station.hear(PROVISIONER, "inactive", "dead", "success")
    assert await station.status() == (Status.COMPLETE, None)


async def test_a_unit_that_fails_after_the_last_row_takes_complete_back(
    station: JudgedStation,
) -> None:
    await begun(station)
    station.write(FINISHED)
    station.end_unit(PROVISIONER, result="exit-code", status=1)
    assert await station.status() == (Status.FAILED, Cause.UNIT_FAILED)
    del station.units.loaded[PROVISIONER]  # systemctl reset-failed
    station.clock.seconds += 3600
    await station.witnesses.refresh()
    assert await station.status() == (Status.FAILED, Cause.UNIT_FAILED)


async def test_a_failure_outlives_the_service_and_the_memory_of_systemd(
    station: JudgedStation,
) -> None:
    await begun(station)
    await station.view()
    station.write(FINISHED)
    station.end_unit(PROVISIONER, result="exit-code", status=1)
    assert await station.status() == (Status.FAILED, Cause.UNIT_FAILED)
    station.units.loaded.clear()
    station.begin()
    verdict = (await station.view()).verdict
    assert (verdict.status, verdict.reason.endswith("exit-code 1.")) == (Status.FAILED, True)


async def test_a_kept_failure_is_not_of_another_databases_run(station: JudgedStation) -> None:
    await begun(station)
    station.end_unit(PROVISIONER, result="exit-code", status=1)
    await station.view()
    station.units.loaded.clear()
    station.rows.replace()
    station.clock.seconds += 3600
    station.write(*WAY, STARTED, FINISHED)
    station.begin()
    assert await station.status() == (Status.COMPLETE, None)


async def test_a_store_that_fails_is_tried_again_with_the_next_failure(
    station: JudgedStation,
) -> None:
    await begun(station)
    station.failures.failure = RecordsNotOpen("locked")
    station.end_unit(PROVISIONER, result="exit-code", status=1)
    assert await station.status() == (Status.FAILED, Cause.UNIT_FAILED)
    station.failures.failure = None
    station.write(*WAY, STARTED)
    station.units.at = station.clock.now()
    station.start_unit(PROVISIONER)
    await station.view()
    station.end_unit(PROVISIONER, result="timeout")
    await station.hear(PROVISIONER, "failed", "failed", "timeout")
    await station.view()
    assert [kept.result for kept in station.failures.kept.values()] == ["exit-code", "timeout"]


async def test_the_next_run_is_not_blamed_for_the_failure_of_the_last(
    station: JudgedStation,
) -> None:
    await begun(station)
    station.end_unit(PROVISIONER, result="exit-code", status=1)
    assert await station.status() == (Status.FAILED, Cause.UNIT_FAILED)
    station.clock.seconds += 60
    station.write(*WAY)
    assert await station.status() == (Status.ACTIVE, None)
    failed, running = (await station.attempts.of_board(KEY, page_request("x", last=2))).items
    assert [failed.outcome.value, running.outcome.value] == ["RUNNING", "FAILED"]


async def test_a_board_that_finished_without_its_record_is_not_complete(
    station: JudgedStation,
) -> None:
    await station.statuses.ready()
    station.records.add(OTHER, at=NOW - timedelta(days=1))
    station.write(*WAY, STARTED, FINISHED, serial=OTHER, port="1-9")
    station.write(*WAY, STARTED, FINISHED)
    await station.statuses.ready()
    assert await station.status(OTHER) == (Status.ACTIVE, Cause.CHECKING)
    station.clock.seconds += GRACE
    assert await station.status() == (Status.UNKNOWN, Cause.RECORD_MISSING)


async def test_a_record_of_any_board_shows_that_records_are_kept(station: JudgedStation) -> None:
    await station.statuses.ready()
    station.records.add("10000000deadbeef", at=NOW - timedelta(days=1))
    station.write(*WAY, STARTED, FINISHED)
    await station.statuses.ready()
    station.clock.seconds += GRACE
    assert await station.status() == (Status.UNKNOWN, Cause.RECORD_MISSING)


async def test_a_station_that_keeps_no_records_completes_its_boards(
    station: JudgedStation,
) -> None:
    await begun(station)
    station.write(FINISHED)
    station.end_unit(PROVISIONER)
    station.clock.seconds += GRACE
    assert await station.status() == (Status.COMPLETE, None)


async def test_records_that_cannot_be_read_are_weaker_evidence(station: JudgedStation) -> None:
    await begun(station)
    station.records.failure = RecordsNotOpen("no")
    station.write(FINISHED)
    station.end_unit(PROVISIONER)
    view = await station.view()
    record = [
        one
        for one in list_evidence(view.verdict.facts)
        if one.source is Source.MANUFACTURING_RECORD
    ]
    assert (view.verdict.status, record[0].stance) == (Status.COMPLETE, Stance.SILENT)


async def test_an_insecure_record_denies_secure_boot(station: JudgedStation) -> None:
    await begun(station)
    station.records.add(SERIAL, secure=False, at=NOW)
    station.write(FINISHED)
    station.end_unit(PROVISIONER)
    assert await station.status() == (Status.FAILED, Cause.NOT_SECURE)


async def test_a_record_that_denied_a_run_counts_while_records_cannot_be_read(
    station: JudgedStation,
) -> None:
    await begun(station)
    station.records.add(SERIAL, secure=False, at=NOW)
    station.write(FINISHED)
    station.end_unit(PROVISIONER)
    await station.view()
    station.records.failure = RecordsNotOpen("no")
    station.begin()
    assert await station.status() == (Status.FAILED, Cause.NOT_SECURE)


async def test_records_that_were_moved_away_change_no_verdict(station: JudgedStation) -> None:
    await station.statuses.ready()
    station.records.add("10000000deadbeef", at=NOW - timedelta(days=1))
    good, insecure, unrecorded = SERIAL, OTHER, "10000000e1e1e1e1"
    for place, serial in enumerate((good, insecure, unrecorded), 1):
        station.write(*WAY, STARTED, FINISHED, serial=serial, port=f"1-{place}")
    station.records.add(good, secure=True, at=NOW)
    station.records.add(insecure, secure=False, at=NOW)
    expected = {
        good: (Status.COMPLETE, None),
        insecure: (Status.FAILED, Cause.NOT_SECURE),
        unrecorded: (Status.UNKNOWN, Cause.RECORD_MISSING),
    }

    async def told() -> dict[str, tuple[Status, Cause | None]]:
        keys = [serial[8:] for serial in expected]
        await station.witnesses.records.read(keys)
        station.statuses.doubt(keys)
        return {serial: await station.status(serial) for serial in expected}

    await station.statuses.ready()
    station.clock.seconds += GRACE
    assert await told() == expected
    station.records.replace()
    assert await told() == expected
    station.begin()
    assert await told() == expected
    station.records.add("10000000feedbeef", at=NOW + timedelta(days=1))
    assert await told() == expected
    station.begin()
    assert await told() == expected


@pytest.mark.parametrize("secure", [False, None])
async def test_what_the_records_denied_stays_so_after_the_next_run_and_a_restart(
    station: JudgedStation, *, secure: bool | None
) -> None:
    station.records.add(OTHER, at=NOW - timedelta(days=1))
    await begun(station)
    if secure is not None:
        station.records.add(SERIAL, secure=secure, at=NOW)
    station.write(FINISHED)
    station.end_unit(PROVISIONER)
    await station.view()
    station.clock.seconds += GRACE
    await station.view()
    station.clock.seconds += 60
    station.write(*WAY)
    station.begin()
    (ended,) = (await station.attempts.of_board(KEY, page_request("x", last=1))).items
    assert (ended.outcome, ended.cause) == (
        (Outcome.UNKNOWN, Cause.RECORD_MISSING)
        if secure is None
        else (Outcome.FAILED, Cause.NOT_SECURE)
    )


async def test_a_record_that_comes_late_speaks_for_the_run(station: JudgedStation) -> None:
    station.records.add(OTHER, at=NOW - timedelta(days=1))
    await begun(station)
    station.write(FINISHED)
    station.end_unit(PROVISIONER)
    await station.view()
    station.clock.seconds += GRACE
    assert await station.status() == (Status.UNKNOWN, Cause.RECORD_MISSING)
    assert [kept.cause for kept in station.failures.kept.values()] == [Cause.RECORD_MISSING]
    station.records.add(SERIAL, secure=True, at=NOW)
    await station.witnesses.records.read([KEY])
    assert await station.status() == (Status.COMPLETE, None)
    assert station.failures.kept == {}


async def test_a_failure_from_before_a_run_is_not_believed_of_it(station: JudgedStation) -> None:
    await begun(station)
    station.end_unit(PROVISIONER, result="exit-code", status=1)
    await station.view()
    ((place, kept),) = station.failures.kept.items()
    station.failures.kept[place] = replace(kept, failed_at=NOW - timedelta(seconds=30))
    station.units.loaded.clear()
    station.write(FINISHED)
    station.begin()
    assert await station.status() == (Status.COMPLETE, None)


async def test_rows_of_two_ways_of_provisioning_in_one_run_are_not_believed(
    station: JudgedStation,
) -> None:
    await begun(station)
    station.write("FDE-PROVISIONER-FINISHED")
    station.end_unit(PROVISIONER)
    verdict = (await station.view()).verdict
    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.STATE_UNKNOWN)
    assert "two ways" in verdict.reason
    station.write(*WAY)
    (ended,) = (await station.attempts.of_board(KEY, page_request("x", last=1))).items
    station.begin()
    (anew,) = (await station.attempts.of_board(KEY, page_request("x", last=1))).items
    assert ended.outcome is anew.outcome is Outcome.UNKNOWN


async def test_a_provisioner_that_fails_before_its_first_row(station: JudgedStation) -> None:
    await station.statuses.ready()
    station.write(*WAY)
    await station.view()
    station.start_unit(PROVISIONER)
    station.end_unit(PROVISIONER, result="exit-code", status=2)
    await station.hear(PROVISIONER, "failed", "failed", "exit-code")
    verdict = (await station.view()).verdict
    assert (verdict.status, verdict.stage) == (Status.FAILED, Stage.PROVISIONING)


async def test_an_old_failure_is_not_taken_for_the_awaited_units(station: JudgedStation) -> None:
    station.start_unit(PROVISIONER)
    station.end_unit(PROVISIONER, result="exit-code", status=2)
    station.clock.seconds += 600
    await station.statuses.ready()
    station.write(*WAY)
    assert await station.status() == (Status.ACTIVE, None)


async def test_a_board_that_is_pulled_out_stalls_and_comes_back_in_time(
    station: JudgedStation,
) -> None:
    await begun(station)
    await station.view()
    station.presence.unplug(PORT)
    assert await station.status() == (Status.ACTIVE, None)
    station.clock.seconds += GRACE
    assert await station.status() == (Status.STALLED, Cause.BOARD_GONE)
    station.presence.plug(PORT, SERIAL)
    assert await station.status() == (Status.ACTIVE, None)


async def test_a_board_that_was_away_for_long_has_lost_its_run(station: JudgedStation) -> None:
    await begun(station)
    await station.view()
    station.presence.unplug(PORT)
    await station.view()
    station.clock.seconds += REBOOT_GRACE
    await station.view()
    station.presence.plug(PORT, None)
    assert await station.status() == (Status.STALLED, Cause.BOARD_GONE)
    station.write("BOOTSTRAP-STARTED")
    assert await station.status() == (Status.ACTIVE, None)


async def test_a_board_may_be_away_for_longer_while_it_boots(station: JudgedStation) -> None:
    await station.statuses.ready()
    station.write("BOOTSTRAP-STARTED", "BOOTSTRAP-FINISHED", serial=KEY)
    await station.view()
    station.presence.unplug(PORT)
    await station.view()
    station.clock.seconds += REBOOT_GRACE - 1
    assert await station.status() == (Status.ACTIVE, None)
    station.clock.seconds += 1
    assert await station.status() == (Status.STALLED, Cause.BOARD_GONE)


async def test_another_board_in_the_port_is_not_this_one(station: JudgedStation) -> None:
    await begun(station)
    await station.view()
    station.presence.plug(PORT, OTHER)
    await station.view()
    station.clock.seconds += GRACE
    assert await station.status() == (Status.STALLED, Cause.BOARD_GONE)


async def test_a_boot_rom_without_a_serial_is_the_board_of_its_port(
    station: JudgedStation,
) -> None:
    await station.statuses.ready()
    station.presence.plug(PORT, None)
    station.write("BOOTSTRAP-STARTED", serial=KEY)
    station.clock.seconds += 60
    view = await station.view()
    assert (view.verdict.status, view.verdict.facts.presence.port) == (Status.ACTIVE, PORT)


async def test_without_usb_and_systemd_the_deadline_decides(tmp_path: Path) -> None:
    station = JudgedStation(tmp_path, installed=False, usb=False)
    await begun(station)
    del station.units.loaded[PROVISIONER]
    assert await station.status() == (Status.ACTIVE, None)
    station.clock.seconds += DEADLINES[Stage.PROVISIONING]
    assert await station.status() == (Status.STALLED, Cause.TOO_LONG)


def _long_ago(station: JudgedStation) -> None:
    station.clock.seconds += DEADLINES[Stage.PROVISIONING]


def _clock_set_forward(station: JudgedStation) -> None:
    station.clock.error = timedelta(days=200)


def _clock_set_back(station: JudgedStation) -> None:
    station.clock.error = timedelta(days=-20000)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_long_ago, Status.STALLED),
        (_clock_set_back, Status.ACTIVE),
    ],
)
async def test_rows_from_before_the_service_are_judged_by_the_clock(
    tmp_path: Path, change: Callable[[JudgedStation], None], expected: Status
) -> None:
    station = JudgedStation(tmp_path, installed=False, usb=False)
    station.write(*WAY, STARTED)
    change(station)
    assert (await station.status())[0] is expected


@pytest.mark.parametrize("change", [_clock_set_forward, _clock_set_back])
async def test_a_clock_that_is_set_changes_no_status_of_what_was_seen(
    tmp_path: Path, change: Callable[[JudgedStation], None]
) -> None:
    station = JudgedStation(tmp_path, installed=False, usb=False)
    await begun(station)
    await station.view()
    change(station)
    (tmp_path / "proc").mkdir()
    boot = int(station.clock.now().timestamp()) - 100
    (tmp_path / "proc/stat").write_text(f"cpu 1 2\nbtime {boot}\n")
    await station.witnesses.refresh()
    assert await station.status() == (Status.ACTIVE, None)


async def test_a_running_unit_outweighs_a_clock_that_was_set(station: JudgedStation) -> None:
    station.write(*WAY, STARTED)
    station.start_unit(PROVISIONER)
    _clock_set_forward(station)
    (station.root / "proc").mkdir()
    boot = int(station.clock.now().timestamp()) - 100
    (station.root / "proc/stat").write_text(f"btime {boot}\n")
    assert await station.status() == (Status.ACTIVE, None)


async def test_a_restart_of_the_station_stalls_what_it_interrupted(tmp_path: Path) -> None:
    station = JudgedStation(tmp_path, installed=False)
    station.presence.plug(PORT, SERIAL)
    station.write(*WAY, STARTED)
    station.clock.seconds += 300
    (tmp_path / "proc").mkdir()
    boot = int(station.clock.now().timestamp()) - 100
    (tmp_path / "proc/stat").write_text(f"btime {boot}\n")
    assert await station.status() == (Status.STALLED, Cause.HOST_RESTARTED)


@pytest.mark.parametrize("ts", [None, "1970-01-01 00:00:05", "9999-12-31 23:59:59"])
async def test_rows_with_odd_times_are_judged(tmp_path: Path, ts: str | None) -> None:
    station = JudgedStation(tmp_path, installed=False, usb=False)
    await station.statuses.ready()
    station.write(*WAY, STARTED, ts=ts)
    assert await station.status() == (Status.ACTIVE, None)


async def test_a_bootstrap_unit_is_bound_by_the_link_to_its_log(station: JudgedStation) -> None:
    link = station.root / f"var/log/rpi-sb-provisioner/{KEY}/bootstrap.log"
    link.parent.mkdir(parents=True)
    link.symlink_to("/var/log/rpi-sb-provisioner/early/dev/bus/usb/001/004/bootstrap.log")
    await station.statuses.ready()
    station.start_unit(BOOTSTRAP)
    station.write("BOOTSTRAP-STARTED", serial=KEY)
    assert (await station.view()).verdict.facts.unit.name == BOOTSTRAP
    station.end_unit(BOOTSTRAP, result="timeout")
    await station.hear(BOOTSTRAP, "failed", "failed", "timeout")
    verdict = (await station.view()).verdict
    assert (verdict.status, verdict.reason) == (Status.FAILED, f"{BOOTSTRAP} failed: timeout.")


async def test_a_bootstrap_unit_without_proof_is_nobodys(station: JudgedStation) -> None:
    await station.statuses.ready()
    station.start_unit(BOOTSTRAP)
    station.write("BOOTSTRAP-STARTED", serial=KEY)
    await station.view()
    station.end_unit(BOOTSTRAP, result="exit-code", status=1)
    await station.hear(BOOTSTRAP, "failed", "failed", "exit-code")
    station.clock.seconds += 60
    assert await station.status() == (Status.ACTIVE, None)


async def test_the_failure_of_a_node_before_the_run_is_another_boards(
    station: JudgedStation,
) -> None:
    station.start_unit(BOOTSTRAP)
    station.end_unit(BOOTSTRAP, result="exit-code", status=1)
    await station.statuses.ready()
    station.clock.seconds += 60
    node = "/dev/bus/usb/001/004"
    station.write("BOOTSTRAP-STARTED", serial=node)
    view = await station.statuses.get(port=PORT)
    assert view.verdict.status is Status.ACTIVE


async def test_the_failure_of_a_node_after_another_board_had_it_is_that_ones(
    station: JudgedStation,
) -> None:
    for key in (KEY, OTHER[8:]):
        link = station.root / f"var/log/rpi-sb-provisioner/{key}/bootstrap.log"
        link.parent.mkdir(parents=True)
        link.symlink_to("/var/log/rpi-sb-provisioner/early/dev/bus/usb/001/004/bootstrap.log")
    await station.statuses.ready()
    station.start_unit(BOOTSTRAP)
    station.write("BOOTSTRAP-STARTED", serial=KEY)
    assert (await station.view()).verdict.facts.unit.name == BOOTSTRAP
    station.clock.seconds += 60
    station.write("BOOTSTRAP-STARTED", serial=OTHER[8:], port="1-1.3")
    await station.statuses.ready()
    station.end_unit(BOOTSTRAP, result="exit-code", status=1)
    await station.hear(BOOTSTRAP, "failed", "failed", "exit-code")
    station.statuses.doubt({KEY, OTHER[8:]})
    await station.statuses.ready()
    found = [station.statuses.find(key) for key in (KEY, OTHER[8:])]
    failed = [view is not None and view.verdict.cause is Cause.UNIT_FAILED for view in found]
    assert failed == [False, True]


async def test_a_failure_is_explained_by_the_last_line_of_its_log(station: JudgedStation) -> None:
    station.log(f"{SERIAL}/provisioner.log", b"begin\nERROR: \xff mmcblk0 is too small\n")
    await begun(station)
    station.write("SB-PROVISIONER-ABORTED")
    view = await station.view()
    assert await station.statuses.explain(view) == "ERROR: \ufffd mmcblk0 is too small"


async def test_the_error_of_an_earlier_run_explains_nothing(station: JudgedStation) -> None:
    earlier = (NOW - timedelta(hours=3)).astimezone().strftime("%Y-%m-%d %H:%M:%S.000")
    station.log(f"{SERIAL}/provisioner.log", f"[{earlier}] ERROR: no room\n".encode())
    await begun(station)
    station.write("SB-PROVISIONER-ABORTED")
    assert await station.statuses.explain(await station.view()) is None


async def test_a_reason_that_is_written_late_is_found(station: JudgedStation) -> None:
    await begun(station)
    station.write("SB-PROVISIONER-ABORTED")
    told = [await station.statuses.explain(await station.view())]
    for text in (b"Starting\n", b"Starting\nERROR: no such eeprom\n"):
        station.log(f"{SERIAL}/provisioner.log", text)
        told.append(await station.statuses.explain(await station.view()))
    assert told == [None, "Starting", "ERROR: no such eeprom"]


async def test_a_board_is_told_when_its_reason_comes(station: JudgedStation) -> None:
    await begun(station)
    station.write("SB-PROVISIONER-ABORTED")
    view = await station.view()
    await station.statuses.explain(view)
    with station.hub.subscribe(DeviceStatusChanged) as subscription:
        await station.statuses.look_for_reasons()
        station.log(f"{SERIAL}/provisioner.log", b"ERROR: no such eeprom\n")
        # Somebody else's question must not keep it from those who watch.
        await station.statuses.explain(view)
        await station.statuses.look_for_reasons()
        assert told(subscription) == [frozenset({KEY})]


@pytest.mark.parametrize(("seconds", "count"), [(LOOK_SECONDS, 1), (WATCHED_SECONDS, 0)])
async def test_a_reason_is_looked_for_a_while(
    station: JudgedStation, seconds: float, count: int
) -> None:
    await begun(station)
    station.write("SB-PROVISIONER-ABORTED")
    await station.statuses.explain(await station.view())
    station.log(f"{SERIAL}/provisioner.log", b"ERROR: no such eeprom\n")
    station.clock.seconds += seconds
    with station.hub.subscribe(DeviceStatusChanged) as subscription:
        await station.statuses.look_for_reasons()
        assert len(told(subscription)) == count


async def test_what_goes_well_needs_no_explanation(station: JudgedStation) -> None:
    station.log(f"{SERIAL}/provisioner.log", b"ERROR: of an earlier board\n")
    await begun(station)
    assert await station.statuses.explain(await station.view()) is None


def told(subscription: Subscription) -> list[frozenset[str]]:
    events = [published.event for published in subscription._waiting]
    return [event.keys for event in events if isinstance(event, DeviceStatusChanged)]


async def test_a_row_tells_its_board_and_no_other(station: JudgedStation) -> None:
    await begun(station)
    station.write(*WAY, serial=OTHER, port="1-9")
    await station.statuses.ready()
    with station.hub.subscribe(DeviceStatusChanged) as subscription:
        station.write("SB-PROVISIONER-ABORTED")
        await station.statuses.ready()
        assert set().union(*told(subscription)) == {KEY}


async def test_what_stays_as_it_was_is_not_told(station: JudgedStation) -> None:
    await begun(station)
    await station.view()
    with station.hub.subscribe(DeviceStatusChanged) as subscription:
        station.clock.seconds += 1
        await station.view()
        assert told(subscription) == []


async def test_another_database_is_told_as_everything(station: JudgedStation) -> None:
    await begun(station)
    await station.view()
    with station.hub.subscribe(DeviceStatusChanged) as subscription:
        station.rows.replace()
        await station.statuses.ready()
        assert told(subscription) == [frozenset()]
    assert station.verdicts.unsettled() == set()


async def test_boards_are_filtered_by_how_they_stand(station: JudgedStation) -> None:
    await begun(station)
    station.write("BOOTSTRAP-ABORTED", serial=OTHER, port="1-9", image="kiosk.img")
    everything = page_request("devices:newest", first=10)

    async def found(wanted: DeviceFilter) -> list[str]:
        page = await station.statuses.list_page(everything, wanted)
        return [view.device.key for view in page.items]

    assert await found(DeviceFilter()) == ["ffffffff", KEY]
    assert await found(DeviceFilter(statuses=frozenset({Status.FAILED}))) == ["ffffffff"]
    assert await found(DeviceFilter(stages=frozenset({Stage.PROVISIONING}))) == [KEY]
    assert await found(DeviceFilter(styles=frozenset({Style.SB, Style.FDE}))) == [KEY]
    assert await found(DeviceFilter(port="1-9")) == ["ffffffff"]
    assert await found(DeviceFilter(text="KIOSK")) == ["ffffffff"]
    assert await found(DeviceFilter(since=NOW, until=NOW + timedelta(days=1))) == ["ffffffff", KEY]
    assert await found(DeviceFilter(until=NOW)) == []
