"""The demo as its users start it: one cycle of a board on every surface at once, and its end."""

import asyncio
import json
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from server.demo.journal_file import can_write_journals
from server.demo.station import things_to_try
from tests.e2e.demo import Demo
from tests.surfaces.repository import ROOT

CYCLE = [
    "BOOTSTRAP-STARTED",
    "bootstrap-firmware-updated",
    "bootstrap-fastboot-initialisation-started",
    "BOOTSTRAP-FINISHED",
    "TRIAGE-STARTED",
    "TRIAGE-FINISHED",
    "SB-PROVISIONER-STARTED",
    "SB-PROVISIONER-FINISHED",
]
LONGEST = 90.0
"""Seconds until a cycle that was not seen counts as failed; it takes a tenth of that."""
CHANGES = "subscription { deviceChanges { devices { serial port state status } } }"


@dataclass
class Board:
    """What was seen of one board on one surface: its states in order, its serials, its ports."""

    states: list[str] = field(default_factory=list)
    serials: list[str] = field(default_factory=list)
    ports: set[str] = field(default_factory=set)
    statuses: dict[str, str] = field(default_factory=dict)

    def see(self, *, serial: str, port: str, state: str, status: str = "") -> None:
        """Notes the present."""
        if state not in self.states[-1:]:
            self.states.append(state)
        if serial not in self.serials[-1:]:
            self.serials.append(serial)
        self.ports.add(port)
        self.statuses[state] = status

    @property
    def whole(self) -> bool:
        """Whether a full cycle was seen, from its first row to its last."""
        return self.states[-1:] == CYCLE[-1:] and self.states[:1] == CYCLE[:1]


Boards = dict[str, Board]


class View:
    """The boards that one surface shows, by the 8 digits that their serials share."""

    def __init__(self) -> None:
        self.boards: Boards = {}
        self.grew = asyncio.Event()

    def see(self, serial: str | None, port: str | None, state: str | None, status: str) -> None:
        """Notes the present of a board that has told its serial."""
        if serial and state and len(serial) in (8, 16) and not state.startswith("PORT"):
            board = self.boards.setdefault(serial[-8:], Board())
            board.see(serial=serial, port=port or "", state=state, status=status)
            self.grew.set()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with Demo(tmp_path, ("--speed", "25", "--seed", "7")) as started:
        yield started


async def _follow_graphql(frames: AsyncIterator[Any], view: View) -> None:
    async for data in frames:
        for device in data["deviceChanges"]["devices"]:
            view.see(device["serial"], device["port"], device["state"], device["status"])


async def _follow_socket(messages: AsyncIterator[Any], view: View) -> None:
    async for message in messages:
        for node in message["nodes"]:
            view.see(node.get("serial"), node["id"], node.get("state"), "")


async def _ask(demo: Demo, serials: View, view: View) -> None:
    """Asks over REST for each board that another view knows, again and again."""
    while True:
        for board in list(serials.boards.values()):
            serial = board.serials[-1]
            told = await asyncio.to_thread(demo.get, f"/devices/{serial}")
            if "error" not in told:
                view.see(told["serial"], told["port"], told["state"], "")
        await asyncio.sleep(0)


async def _until_whole(*views: View) -> str:
    """Returns the key of a board of which every view has seen a full cycle."""
    while True:
        whole = [{key for key, board in v.boards.items() if board.whole} for v in views]
        common = set.intersection(*whole)
        if common:
            return min(common)
        for view in views:
            view.grew.clear()
        await asyncio.wait(
            [asyncio.ensure_future(view.grew.wait()) for view in views],
            return_when=asyncio.FIRST_COMPLETED,
        )


@pytest.mark.timeout(150)
async def test_one_cycle_of_a_board_is_the_same_on_every_surface(demo: Demo) -> None:
    live, socket, asked = View(), View(), View()
    async with (
        asyncio.timeout(LONGEST),
        demo.subscribed(CHANGES) as frames,
        demo.device_socket() as messages,
        asyncio.TaskGroup() as group,
    ):
        following = [
            group.create_task(_follow_graphql(frames, live)),
            group.create_task(_follow_socket(messages, socket)),
            group.create_task(_ask(demo, live, asked)),
        ]
        key = await _until_whole(live, socket, asked)
        for task in following:
            task.cancel()
    seen = [view.boards[key] for view in (live, socket, asked)]
    for board in seen:
        # A surface that shows the present may leave out what was over in no time.
        assert [state for state in CYCLE if state in board.states] == board.states
        assert [len(serial) for serial in board.serials] == [8, 16]
    assert seen[0].serials == seen[1].serials == seen[2].serials
    assert seen[0].ports == seen[1].ports == seen[2].ports
    assert len(seen[0].ports) == 1
    assert set(seen[0].statuses.values()) <= {"ACTIVE", "COMPLETE"}


@pytest.mark.timeout(150)
async def test_the_past_is_judged_as_it_was_made(demo: Demo) -> None:
    query = "{ devices(last: 40) { nodes { serial state status reason { cause } } } }"
    found = {
        (node["state"], node["status"], (node["reason"] or {}).get("cause"))
        for node in demo.graphql(query)["devices"]["nodes"]
    }
    assert {
        ("NAKED-PROVISIONER-FINISHED", "COMPLETE", None),
        ("BOOTSTRAP-ABORTED", "FAILED", "ABORTED"),
        ("TRIAGE-ABORTED", "FAILED", "ABORTED"),
        ("SB-PROVISIONER-ABORTED", "FAILED", "ABORTED"),
        ("SB-PROVISIONER-STARTED", "FAILED", "UNIT_FAILED"),
        ("SB-PROVISIONER-STARTED", "STALLED", "HOST_RESTARTED"),
        ("PORT-EXCLUDED", "SKIPPED", "PORT_EXCLUDED"),
    } <= found
    # Of the present, a board may be seen while its unit has yet to end.
    ending = {("ACTIVE", "FINISHING"), ("ACTIVE", "CHECKING")}
    finished = {(status, cause) for state, status, cause in found if state.endswith("R-FINISHED")}
    assert finished - ending == {("COMPLETE", None)}


@pytest.mark.real
@pytest.mark.skipif(not can_write_journals(), reason="needs the package systemd-journal-remote")
async def test_units_and_their_reasons_are_on_both_surfaces(demo: Demo) -> None:
    services = demo.get("/api/v2/services")["services"]
    assert {one["base_name"] for one in services} >= {"rpi-sb-bootstrap", "rpi-sb-triage"}
    query = (
        '{ units(filter: {baseName: "rpi-sb-provisioner"}, first: 100)'
        " { nodes { name serial lastRun { result exitStatus } } } }"
    )
    nodes = demo.graphql(query)["units"]["nodes"]
    ended = {(n["lastRun"]["result"], n["lastRun"]["exitStatus"]) for n in nodes if n["lastRun"]}
    assert {("success", 0), ("exit-code", 1)} <= ended
    failed = next(node["name"] for node in nodes if node["lastRun"]["result"] == "exit-code")
    lines = demo.get(f"/api/v2/service-log/{failed}")["logs"]
    assert any("record_state" in line for line in lines)


async def test_records_audit_rows_and_logs_of_the_line_are_there(demo: Demo) -> None:
    records = demo.get("/api/v2/manufacturing?limit=100")
    assert len(records) >= 40
    newest = next(one["serial"] for one in records if len(one["serial"]) == 16)
    assert b"Writing OS images" in demo.read(f"/devices/{newest}/log/provisioner")
    assert demo.read(f"/devices/{newest}/key/public").startswith(b"-----BEGIN PUBLIC KEY-----")
    entries = demo.get("/auditlog?limit=50")["audit_entries"]
    assert f"/devices/{newest}/key/public" in {one.get("handler_path") for one in entries}
    query = "{ auditEntries(first: 9) { nodes { id } } station { recordCount ready } }"
    data = demo.graphql(query)
    assert data["auditEntries"]["nodes"]
    assert data["station"]["recordCount"] >= 40
    assert data["station"]["ready"] is True


@pytest.mark.real
@pytest.mark.skipif(not can_write_journals(), reason="needs the package systemd-journal-remote")
async def test_the_whole_story_of_a_finished_and_of_a_failed_board_is_told(demo: Demo) -> None:
    query = """{ devices(last: 40) { nodes { serial status units { name } records { totalCount }
        timeline(first: 100) { nodes { kind failed } gaps { code } } } } }"""
    stories = demo.graphql(query)["devices"]["nodes"]
    kinds = {node["serial"]: {one["kind"] for one in node["timeline"]["nodes"]} for node in stories}
    whole = {"ATTEMPT_BEGAN", "STATE_WRITTEN", "UNIT_STARTED", "UNIT_ENDED", "LOG_WRITTEN"}
    whole |= {"RECORD_WRITTEN", "ATTEMPT_ENDED"}
    done = [node for node in stories if node["status"] == "COMPLETE" and node["units"]]
    assert len(done) >= 3
    assert all(kinds[node["serial"]] >= whole for node in done[:3])
    assert all(node["records"]["totalCount"] for node in done[:3])
    failed = [node for node in stories if node["status"] == "FAILED" and node["units"]]
    assert any(
        {"UNIT_ENDED", True} <= set(one.values())
        for node in failed
        for one in node["timeline"]["nodes"]
    )
    assert {gap["code"] for node in stories for gap in node["timeline"]["gaps"]} == set()


async def test_images_are_analysed_and_a_boot_package_is_made_while_somebody_watches(
    demo: Demo,
) -> None:
    query = (
        "{ images { nodes { name analysis {"
        " disk { boot { number } root { number } faults { kind } }"
        " artefact { schemaValid deviceFamily encrypted } } bootPackage { state }"
        " goldMasterPreflight { fits } } } }"
    )
    nodes = {node["name"]: node for node in demo.graphql(query)["images"]["nodes"]}
    gold, older = "raspios-trixie-arm64-lite.img", "raspios-bookworm-arm64-lite.img"
    disk = nodes[gold]["analysis"]["disk"]
    assert disk == {"boot": {"number": 1}, "root": {"number": 2}, "faults": []}
    artefact = nodes["deb13-arm64-min-luks2"]["analysis"]["artefact"]
    assert artefact == {"schemaValid": True, "deviceFamily": "5", "encrypted": True}
    assert all(node["goldMasterPreflight"]["fits"] for node in nodes.values())
    assert nodes[older]["bootPackage"]["state"] == "AVAILABLE"
    progress = (
        f'subscription {{ bootPackageProgress(name: "{gold}") {{ bootPackage {{ state }} }} }}'
    )
    make = f'mutation {{ generateBootPackage(input: {{name: "{gold}"}}) {{ __typename }} }}'
    states: list[str] = []
    async with asyncio.timeout(LONGEST), demo.subscribed(progress) as frames:
        async for frame in frames:
            states.append(frame["bootPackageProgress"]["bootPackage"]["state"])
            if len(states) == 1:
                await asyncio.to_thread(demo.graphql, make)
            if states[-1] in ("AVAILABLE", "FAILED"):
                break
    assert states == ["NOT_FOUND", "GENERATING", "AVAILABLE"]
    assert demo.read(f"/download-boot-package?name={gold}").startswith(b"!<arch>\n")


def test_it_is_quick_to_answer_and_to_end_and_leaves_nothing(tmp_path: Path) -> None:
    with Demo(tmp_path) as demo:
        assert demo.get("/readyz")["ready"] is True
        began = time.monotonic()
        status = demo.stop()
        seconds = time.monotonic() - began
        assert demo.is_gone()
    assert (status, seconds < 5) == (0, True)


def test_it_ends_in_time_while_somebody_holds_its_database(tmp_path: Path) -> None:
    if not shutil.which("sqlite3"):
        pytest.skip("needs the sqlite3 program (Debian package sqlite3)")
    with Demo(tmp_path, ("--speed", "200")) as demo:
        file = demo.root / "srv/rpi-sb-provisioner/state.db"
        holder = subprocess.Popen(
            ["sqlite3", str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            assert _answer(holder, "begin immediate; select 'held';") == "held\n"
            began = time.monotonic()
            status = demo.stop()
            seconds = time.monotonic() - began
        finally:
            holder.kill()
            holder.communicate()
        assert demo.is_gone()
    assert (status, seconds < 5) == (0, True)


def _answer(process: subprocess.Popen[str], question: str) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{question}\n")
    process.stdin.flush()
    return process.stdout.readline()


def test_kill_9_leaves_its_folder_and_no_process(tmp_path: Path) -> None:
    with Demo(tmp_path) as demo:
        root = demo.root
        demo.process.kill()
        demo.process.wait()
        end = time.monotonic() + 10
        while _processes_of(root) and time.monotonic() < end:
            time.sleep(0.05)
        assert (root / "srv/rpi-sb-provisioner/state.db").is_file()
    assert _processes_of(root) == []


def _processes_of(root: Path) -> list[bytes]:
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = file.read_bytes()
        except OSError:
            continue
        found += [command] if str(root).encode() in command else []
    return found


def test_a_folder_that_is_kept_stays_and_is_never_overwritten(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    with Demo(tmp_path, ("--keep", str(kept))) as demo:
        assert demo.stop() == 0
    assert (kept / "srv/rpi-sb-provisioner/state.db").is_file()
    again = subprocess.run(
        [*_PROGRAM, "--keep", str(kept)], capture_output=True, text=True, check=False, timeout=30
    )
    assert (again.returncode, "not empty" in again.stderr) == (1, True)
    assert "Traceback" not in again.stderr


_PROGRAM = (sys.executable, "-m", "server.main", "demo", "--port", "0")


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf", "1001", "fast"])
def test_a_speed_that_cannot_be_is_refused_in_a_line(speed: str) -> None:
    done = subprocess.run(
        [*_PROGRAM, f"--speed={speed}"], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 2
    assert "--speed" in done.stderr.splitlines()[-1]


async def test_what_it_says_to_try_works(demo: Demo) -> None:
    if not shutil.which("curl"):
        pytest.skip("needs curl (Debian package curl)")
    told = demo.told.read_text()
    ports, records, live = things_to_try(demo.base)
    assert all(one in told for one in (ports, records, live))
    answers = [json.loads(_run(one.splitlines()[-1])) for one in (ports, records)]
    contents = {port["contents"] for port in answers[0]["data"]["topology"]["ports"]}
    assert {"HUB", "BOARD"} <= contents
    assert len(answers[1]) == 3
    async with asyncio.timeout(LONGEST), demo.subscribed(live.splitlines()[-1].strip()) as frames:
        first = await anext(frames)
    assert len(first["deviceChanges"]["devices"]) == 9


def _run(command: str) -> str:
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=30)
    return done.stdout.decode()


def test_the_readmes_line_verifies_the_demos_audit_log(tmp_path: Path) -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    [line] = [line.partition("#")[0] for line in lines if "audit verify --root" in line]
    program, *arguments = line.split()
    with Demo(tmp_path) as demo:
        folder = demo.told.read_text().partition("with its files in ")[2].split()[0]
        words = [folder if word == "DIR" else word for word in arguments]
        command = [str(Path(sys.executable).with_name(Path(program).name)), *words]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert program == ".venv/bin/provisioner-service"
    assert (done.returncode, "Verified:" in done.stdout) == (0, True), done.stdout
