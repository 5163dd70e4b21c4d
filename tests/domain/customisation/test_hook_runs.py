"""What the journal tells of the runs of hooks."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import pytest

from domain.customisation.hook_lines import HookRun
from domain.customisation.hook_logs import FOLDER, HookLogs
from domain.customisation.hook_runs import ORDER, HookRuns
from domain.customisation.hooks import find_hook
from domain.host_paths import HostPaths
from domain.paging import page_request
from domain.services.journal import JournalUnavailable
from tests.fakes.journal import Entry, FakeJournal, own

UNIT = "rpi-sb-provisioner@10000000a0b0c0d0.service"
OTHER = "rpi-naked-provisioner@10000000feedface.service"
BOOTSTRAP = "rpi-sb-bootstrap@dev-bus-usb-001-005.service"
RULE = "=" * 40
A, B = "a" * 32, "b" * 32
PAGE = page_request(ORDER)


def begun(unit: str, stage: str, second: float, run: str = A) -> list[Entry]:
    provisioner = unit.partition("@")[0].removeprefix("rpi-").replace("bootstrap", "provisioner")
    text = f"Starting Running customisation script for {provisioner} at stage {stage}"
    return [own(unit, said, second, invocation=run) for said in (RULE, text, RULE)]


@pytest.fixture
def journal() -> FakeJournal:
    journal = FakeJournal()
    say = "customisation script"
    name = "sb-provisioner-post-flash.sh"
    for entry in (
        own(UNIT, f"No {say} found for sb-provisioner at stage provision-started", 1, invocation=A),
        *begun(UNIT, "post-flash", 2),
        own(UNIT, "what it prints", 3, invocation=A),
        own(UNIT, f"Stopping Customisation script {name} completed successfully", 4, invocation=A),
        *begun(UNIT, "post-flash", 10, B),
        own(
            UNIT,
            f"Stopping Customisation script {name} failed with exit code 7",
            11.5,
            invocation=B,
        ),
        own(UNIT, RULE, 11.5, invocation=B),
        # The scripts say it twice.
        own(
            UNIT, f"ERROR: Customisation script {name} failed with exit code 7", 11.6, invocation=B
        ),
        *begun(UNIT, "provision-failed", 12, B),
        *begun(OTHER, "bootfs-mounted", 20),
        own(
            OTHER,
            f"Skipping disabled {say}: naked-provisioner-bootfs-mounted.sh",
            20.5,
            invocation=A,
        ),
        *begun(BOOTSTRAP, "bootstrap", 30),
        own(UNIT, f"No {say} found for sb-provisioner at stage nonsense", 31, invocation=B),
        own("rpi-sb-image-bootimg-generator@x.service", f"Running {say} for a at stage b", 40),
    ):
        journal.write(entry)
    return journal


@pytest.fixture
def logs(tmp_path: Path) -> HookLogs:
    return HookLogs(HostPaths(tmp_path))


def write_log(root: Path, serial: str, *lines: str) -> None:
    file = root / FOLDER.lstrip("/") / serial / "provisioner.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")


def facts(runs: Iterable[HookRun]) -> list[tuple[object, ...]]:
    return [
        (run.hook.name, run.serial, run.outcome and run.outcome.value, run.exit_status, run.seconds)
        for run in runs
    ]


async def test_runs_are_told_newest_first_with_how_they_ended(
    journal: FakeJournal, logs: HookLogs
) -> None:
    found = await HookRuns(journal, logs).list_page(PAGE)
    one, other = "10000000a0b0c0d0", "10000000feedface"
    assert facts(found.items) == [
        ("sb-provisioner-bootstrap", None, None, None, None),
        ("naked-provisioner-bootfs-mounted", other, "SKIPPED", None, 0.5),
        ("sb-provisioner-provision-failed", one, None, None, None),
        ("sb-provisioner-post-flash", one, "FAILED", 7, 1.5),
        ("sb-provisioner-post-flash", one, "SUCCEEDED", 0, 2.0),
    ]
    assert [run.invocation for run in found.items[2:]] == [B, B, A]


async def test_runs_are_of_one_hook_and_of_one_board_by_either_serial(
    journal: FakeJournal, logs: HookLogs
) -> None:
    runs, hook = HookRuns(journal, logs), find_hook("sb-provisioner-post-flash")
    of_hook = await runs.list_page(PAGE, hook=hook)
    of_board = await runs.list_page(PAGE, serial="FEEDFACE")
    assert [run.hook.stage.value for run in of_hook.items] == ["post-flash"] * 2
    assert [run.unit for run in of_board.items] == [OTHER]
    assert (await runs.list_page(PAGE, serial="deadbeef")).items == []


async def test_every_hook_of_a_board_has_its_newest_run_or_none(
    journal: FakeJournal, logs: HookLogs
) -> None:
    states = await HookRuns(journal, logs).of_device("a0b0c0d0")
    assert len(states) == 21
    told = {s.hook.name: s.last_run.outcome for s in states if s.last_run is not None}
    assert {name: outcome and outcome.value for name, outcome in told.items()} == {
        "sb-provisioner-post-flash": "FAILED",
        "sb-provisioner-provision-failed": None,
    }


async def test_a_run_whose_beginning_is_gone_is_told_by_its_end(
    journal: FakeJournal, logs: HookLogs
) -> None:
    journal.vacuum(4)
    found = await HookRuns(journal, logs).list_page(PAGE)
    last = found.items[-1]
    assert (last.started_at, last.seconds) == (None, None)
    assert last.outcome is not None
    assert last.ended_at is not None


async def test_a_page_goes_on_where_it_stopped(journal: FakeJournal, logs: HookLogs) -> None:
    runs = HookRuns(journal, logs)
    first = await runs.list_page(page_request(ORDER, first=2))
    rest = await runs.list_page(page_request(ORDER, first=9, after=first.cursors[-1]))
    assert len(rest.items) == 3
    assert (first.total, first.has_next, rest.has_next) == (5, True, False)


async def test_without_a_journal_nobody_can_tell(journal: FakeJournal, logs: HookLogs) -> None:
    journal.reason = "the disk is gone"
    with pytest.raises(JournalUnavailable):
        await HookRuns(journal, logs).of_device("a0b0c0d0")


SAID = "[2026-08-01 12:00:0{}] {}"
STARTED = "Starting Running customisation script for sb-provisioner at stage {}"
DONE = "Stopping Customisation script sb-provisioner-{}.sh completed successfully"


async def test_the_provisioners_own_log_tells_of_runs_too(
    journal: FakeJournal, logs: HookLogs, tmp_path: Path
) -> None:
    write_log(
        tmp_path,
        "10000000cafecafe",
        "x" * 300_000,
        SAID.format("1.250", STARTED.format("post-flash")),
        SAID.format("3.500", DONE.format("post-flash")),
        "Starting Running customisation script for sb-provisioner at stage bootstrap",
        SAID.format("9.999", STARTED.format("rootfs-mounted")),
    )
    journal.reason = "the disk is gone"
    found = await HookRuns(journal, logs).list_page(PAGE, serial="cafecafe")
    serial = "10000000cafecafe"
    assert facts(found.items) == [
        ("sb-provisioner-rootfs-mounted", serial, None, None, None),
        ("sb-provisioner-post-flash", serial, "SUCCEEDED", 0, 2.25),
    ]
    run = found.items[1]
    assert run.unit == f"rpi-sb-provisioner@{serial}.service"
    assert run.started_at == datetime(2026, 8, 1, 12, 0, 1, 250_000).astimezone()


@pytest.mark.parametrize("name", ["away", "circle", "folder", "bad"])
async def test_a_log_that_cannot_be_read_tells_nothing(
    journal: FakeJournal, logs: HookLogs, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / FOLDER.lstrip("/") / "10000000cafecafe"
    folder.mkdir(parents=True)
    log = folder / "provisioner.log"
    if name == "away":
        (tmp_path / "secret").write_text(SAID.format("1.000", STARTED.format("post-flash")))
        log.symlink_to("/secret")
    elif name == "circle":
        log.symlink_to("provisioner.log")
    elif name == "folder":
        log.mkdir()
    else:
        said = f"[2026-13-41 12:00:01.000] {STARTED.format('post-flash')}\n"
        log.write_bytes(said.encode() + b"\0\xff")
    assert (await HookRuns(journal, logs).list_page(PAGE, serial="cafecafe")).items == []
