"""The simulated host's journal is one that systemd's own readers read."""

import asyncio
import json
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.inotify import names_changed
from server.demo.configuration import MACHINE_ID
from server.demo.journal_file import (
    PACKAGE,
    TOOL,
    JournalFile,
    can_write_journals,
    journal_file,
    write_entries,
)
from server.demo.outcomes import FINISHED, SILENT_STOP
from server.demo.station import build_station, write_past
from tests.server.demo.bench import NOW, Bench, build_bench

LIMIT = 10.0
needs_tool = pytest.mark.skipif(
    not can_write_journals(), reason=f"{TOOL} is absent: install the Debian package {PACKAGE}"
)
Line = dict[str, str]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    built = build_bench(tmp_path)
    journal_file(built.paths).parent.mkdir(parents=True)
    return built


def _read(root: Path, *matches: str) -> list[Line]:
    folder = root / "var/log/journal" / MACHINE_ID
    command = ["journalctl", "-D", str(folder), "-o", "json", *matches]
    done = subprocess.run(command, capture_output=True, check=True, timeout=LIMIT)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _verify(root: Path) -> str:
    command = ["journalctl", "--verify", "-D", str(root / "var/log/journal" / MACHINE_ID)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
    return done.stderr


def test_lines_of_a_script_name_its_unit_run_and_program(bench: Bench) -> None:
    attempt = bench.plan(FINISHED)
    bench.play(attempt)
    unit = f"rpi-sb-triage@{attempt.board.serial}.service"
    own = [entry for entry in bench.journal() if entry.get("_SYSTEMD_UNIT") == unit]
    assert {entry["SYSLOG_IDENTIFIER"] for entry in own} == {"rpi-sb-triage.sh"}
    assert {entry["_COMM"] for entry in own} == {"rpi-sb-triage.s"}
    assert {entry["PRIORITY"] for entry in own} == {"6"}
    assert len({(entry["_PID"], entry["_SYSTEMD_INVOCATION_ID"]) for entry in own}) == 1
    assert own[0]["MESSAGE"] == f"+ record_state {attempt.board.serial} TRIAGE-STARTED 1-1.1"


def test_both_ends_of_a_run_share_its_invocation(bench: Bench) -> None:
    attempt = bench.plan(SILENT_STOP)
    bench.play(attempt)
    unit = f"rpi-sb-provisioner@{attempt.board.serial}.service"
    entries = bench.journal()
    own = {e["_SYSTEMD_INVOCATION_ID"] for e in entries if e.get("_SYSTEMD_UNIT") == unit}
    about = [entry for entry in entries if entry.get("UNIT") == unit]
    assert {entry["INVOCATION_ID"] for entry in about} == own
    assert [e["UNIT_RESULT"] for e in about if "UNIT_RESULT" in e] == ["exit-code"]


def test_times_only_grow_and_count_from_the_boot(bench: Bench) -> None:
    bench.play(bench.plan(FINISHED))
    bench.at -= timedelta(seconds=30)
    bench.play(bench.plan(FINISHED))
    entries = bench.journal()
    times = [int(entry["__REALTIME_TIMESTAMP"]) for entry in entries]
    assert times == sorted(set(times))
    uptimes = [int(entry["__MONOTONIC_TIMESTAMP"]) for entry in entries]
    assert uptimes[0] == 0
    assert {time - uptime for time, uptime in zip(times, uptimes, strict=True)} == {times[0]}


def test_each_boot_has_an_id_that_the_kernel_tells_too(bench: Bench) -> None:
    bench.host.boot(at=NOW)
    boots = [entry["_BOOT_ID"] for entry in bench.journal()]
    told = bench.paths.real("/proc/sys/kernel/random/boot_id").read_text()
    assert len(set(boots)) == 2
    assert told.strip().replace("-", "") == boots[-1]


@pytest.mark.real
@needs_tool
def test_journalctl_reads_and_verifies_the_past(tmp_path: Path) -> None:
    station = build_station(tmp_path, now=NOW)
    write_past(station)
    lines = _read(tmp_path, "_PID=1")
    failed = {line["UNIT"] for line in lines if line.get("UNIT_RESULT") == "exit-code"}
    assert len({line["_BOOT_ID"] for line in lines}) == 2
    assert len([unit for unit in failed if unit.startswith("rpi-sb-provisioner@")]) == 4
    assert "FAIL" not in _verify(tmp_path)
    assert station.host.journal.take_waiting() == b""


@pytest.mark.real
@needs_tool
async def test_entries_are_in_the_file_while_they_come(bench: Bench, tmp_path: Path) -> None:
    write_entries(bench.paths, bench.host.journal.take_waiting())
    file = journal_file(bench.paths)
    journal = await JournalFile.open(bench.paths)
    changes = names_changed(file.parent, lambda name: name == file.name)
    attempt = bench.plan(FINISHED)
    unit = f"UNIT=rpi-sb-provisioner@{attempt.board.serial}.service"
    try:
        bench.host.journal.feed_to(journal.feed)
        async with asyncio.timeout(LIMIT):
            # Followers hear of what is written through inotify, as from journald.
            heard = asyncio.ensure_future(anext(changes))
            await asyncio.sleep(0)
            await asyncio.to_thread(bench.play, attempt)
            while len(_read(tmp_path, unit)) < 3:
                await heard
                heard = asyncio.ensure_future(anext(changes))
    finally:
        heard.cancel()
        await journal.aclose()
    assert "FAIL" not in _verify(tmp_path)


@pytest.mark.real
@needs_tool
async def test_a_tool_that_dies_costs_the_journal_alone(bench: Bench) -> None:
    journal = await JournalFile.open(bench.paths)
    bench.host.journal.feed_to(journal.feed)
    await asyncio.to_thread(bench.play, bench.plan(FINISHED), moves=4)
    journal.kill()
    await asyncio.to_thread(bench.play, bench.plan(SILENT_STOP))
    await asyncio.sleep(0)
    await journal.aclose()
    assert bench.rows()[-1][-1] == "SB-PROVISIONER-STARTED"
