"""Logs are found where the scripts leave them, through links and moves, and nowhere else."""

import os
from pathlib import Path

import pytest

from domain.devices.devices import Devices, SerialMissing
from domain.devices.log_files import LogKind
from domain.devices.logs import DeviceLogs, LogNotFound
from domain.devices.names import DeviceNames
from domain.errors import ProvisionerError
from domain.events import Hub
from domain.host_paths import HostPaths
from domain.paging import PageInvalid
from tests.fakes.device_files import Accesses
from tests.fakes.presence import FakePresence
from tests.fakes.state_rows import FakeStateRows, Written

LONG, SHORT, NODE = "10000000a0b0c0d0", "a0b0c0d0", "/dev/bus/usb/001/004"
LOGS = "/var/log/rpi-sb-provisioner"


class Tree:
    """A log folder below a root, and the feature over it."""

    def __init__(self, root: Path) -> None:
        self.folder = root / LOGS.lstrip("/")
        self.folder.mkdir(parents=True)
        self.rows = FakeStateRows()
        self.note = Accesses()
        hub = Hub()
        self.logs = DeviceLogs(
            HostPaths(root), hub, DeviceNames(Devices(hub, self.rows), FakePresence())
        )

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def link(self, path: str, target: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.symlink_to(target)

    async def read(self, identifier: str, kind: LogKind, tail: int | None = None) -> str:
        found = await self.logs.open(identifier, kind, tail=tail, note=self.note)
        with found.log as log:
            return log.read(found.start).decode()

    async def kinds(self, identifier: str) -> dict[LogKind, str]:
        return {file.kind: file.path for file in await self.logs.list_files(identifier)}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


async def test_a_log_is_read_by_its_folders_name_without_any_row(tree: Tree) -> None:
    tree.write(f"{LONG}/triage.log", "found\n")
    assert await tree.read(LONG, LogKind.TRIAGE) == "found\n"
    assert tree.note.rows == [("READ", f"{LOGS}/{LONG}/triage.log", True)]


async def test_the_sanitised_folder_comes_before_the_one_with_dots(tree: Tree) -> None:
    tree.write("1-1.2/bootstrap.log", "dots\n")
    assert await tree.read("1-1.2", LogKind.BOOTSTRAP) == "dots\n"
    tree.write("1-1_2/bootstrap.log", "sanitised\n")
    assert await tree.read("1-1.2", LogKind.BOOTSTRAP) == "sanitised\n"


async def test_a_port_leads_to_its_boards_logs(tree: Tree) -> None:
    tree.rows.write(Written(SHORT, "1-1.2"), Written(LONG, "1-1.2"))
    tree.write(f"{LONG}/provisioner.log", "found\n")
    assert await tree.read("1-1.2", LogKind.PROVISIONER) == "found\n"


@pytest.mark.parametrize("identifier", [LONG, SHORT, LONG.upper(), "1-1.2"])
async def test_a_board_is_found_by_any_name_after_triage_moved_its_folder(
    tree: Tree, identifier: str
) -> None:
    tree.rows.write(Written(SHORT, "1-1.2"), Written(LONG, "1-1.2", "TRIAGE-STARTED"))
    tree.write(f"{LONG}/bootstrap.log", "moved\n")
    tree.link("1-1.2/bootstrap.log", f"{LOGS}/{SHORT}/bootstrap.log")
    assert await tree.read(identifier, LogKind.BOOTSTRAP) == "moved\n"


async def test_a_live_bootstrap_log_is_reached_over_its_absolute_link(tree: Tree) -> None:
    tree.write(f"early{NODE}/bootstrap.log", "early\n")
    for name in ("1-1.2", SHORT):
        tree.link(f"{name}/bootstrap.log", f"{LOGS}/early{NODE}/bootstrap.log")
        assert await tree.read(name, LogKind.BOOTSTRAP) == "early\n"
    assert set(await tree.kinds(SHORT)) == {LogKind.BOOTSTRAP, LogKind.EARLY}


async def test_a_nameless_board_has_the_early_log_of_its_node(tree: Tree) -> None:
    tree.rows.write(Written(NODE, "1-1.2"))
    tree.write(f"early{NODE}/bootstrap.log", "early\n")
    assert await tree.read("1-1.2", LogKind.EARLY) == "early\n"
    assert await tree.read("1-1.2", LogKind.BOOTSTRAP) == "early\n"


async def test_a_finished_bootstrap_has_no_early_log(tree: Tree) -> None:
    tree.write(f"{LONG}/bootstrap.log", "done\n")
    assert await tree.kinds(LONG) == {LogKind.BOOTSTRAP: f"{LOGS}/{LONG}/bootstrap.log"}


async def test_the_log_of_the_next_board_at_the_port_is_not_shown_as_this_ones(tree: Tree) -> None:
    tree.rows.write(Written(LONG, "1-1.2"), Written("20000000ffffffff", "1-1.2"))
    tree.write("1-1.2/bootstrap.log", "the next board's\n")
    with pytest.raises(LogNotFound):
        await tree.read(LONG, LogKind.BOOTSTRAP)


async def test_a_miss_names_the_first_path_and_is_noted(tree: Tree) -> None:
    with pytest.raises(LogNotFound) as caught:
        await tree.read("1-1.2", LogKind.TRIAGE)
    assert caught.value.detail == f"Requested log: {LOGS}/1-1_2/triage.log"
    assert tree.note.rows == [("READ", f"{LOGS}/1-1_2/triage.log", False)]


@pytest.mark.parametrize("target", ["/etc/shadow.log", "../../../../etc/shadow.log"])
async def test_a_link_out_of_the_folder_is_no_log_and_is_noted_so(
    tree: Tree, tmp_path: Path, target: str
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/shadow.log").write_text("secret\n")
    tree.link(f"{LONG}/triage.log", target)
    with pytest.raises(LogNotFound) as caught:
        await tree.read(LONG, LogKind.TRIAGE)
    assert "leads out of the log folder" in tree.note.infos[0]
    assert str(tmp_path) not in caught.value.message + caught.value.detail


async def test_a_link_to_a_private_key_is_no_log(tree: Tree) -> None:
    tree.write(f"{LONG}/keypair/{LONG}.der", "-----BEGIN PRIVATE KEY-----\n")
    tree.link(f"{LONG}/triage.log", f"keypair/{LONG}.der")
    with pytest.raises(LogNotFound):
        await tree.read(LONG, LogKind.TRIAGE)


async def test_a_folder_that_is_a_link_itself_may_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "var/log").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / LOGS.lstrip("/")).symlink_to("/data")
    (tmp_path / "data" / LONG).mkdir()
    (tmp_path / "data" / LONG / "triage.log").write_text("found\n")
    hub, note = Hub(), Accesses()
    logs = DeviceLogs(
        HostPaths(tmp_path), hub, DeviceNames(Devices(hub, FakeStateRows()), FakePresence())
    )
    with (await logs.open(LONG, LogKind.TRIAGE, tail=None, note=note)).log as log:
        assert log.read(0) == b"found\n"


async def test_what_is_no_ordinary_file_is_no_log(tree: Tree) -> None:
    (tree.folder / LONG).mkdir()
    os.mkfifo(tree.folder / LONG / "triage.log")
    (tree.folder / LONG / "provisioner.log").mkdir()
    tree.link(f"{LONG}/bootstrap.log", "bootstrap.log")
    assert await tree.kinds(LONG) == {}


@pytest.mark.parametrize(
    "identifier", ["..", ".", "/etc", "a/../..", "a\0b", "x" * 10_000, "early", "\udcff", "é"]
)
async def test_a_strange_identifier_finds_nothing(tree: Tree, identifier: str) -> None:
    tree.write("bootstrap.log", "shared\n")
    tree.write("early/dev/bootstrap.log", "early\n")
    assert await tree.kinds(identifier) == {}
    with pytest.raises(LogNotFound):
        await tree.read(identifier, LogKind.BOOTSTRAP)


async def test_an_empty_identifier_is_refused(tree: Tree) -> None:
    with pytest.raises(SerialMissing):
        await tree.read("", LogKind.TRIAGE)


@pytest.mark.parametrize("tail", [0, -1, 100_001])
async def test_a_tail_has_a_limit(tree: Tree, tail: int) -> None:
    with pytest.raises(PageInvalid):
        await tree.read(LONG, LogKind.TRIAGE, tail)


async def test_a_tail_begins_at_a_line(tree: Tree) -> None:
    tree.write(f"{LONG}/triage.log", "one\ntwo\nthree\n")
    assert await tree.read(LONG, LogKind.TRIAGE, 2) == "two\nthree\n"


async def test_an_open_log_is_cut_at_the_size_that_it_had(tree: Tree) -> None:
    tree.write(f"{LONG}/triage.log", "one\n")
    found = await tree.logs.open(LONG, LogKind.TRIAGE, tail=None, note=tree.note)
    with found.log as log:
        tree.write(f"{LONG}/triage.log", "one\ntwo\n")
        assert log.read(0) == b"one\n"
        tree.write(f"{LONG}/triage.log", "")
        assert log.read(0) == b""


@pytest.mark.parametrize(
    ("after", "before", "lines"), [(-1, None, 1), (None, -1, 1), (1, 1, 1), (0, None, 501)]
)
async def test_a_page_that_makes_no_sense_is_refused(
    tree: Tree, after: int | None, before: int | None, lines: int
) -> None:
    tree.write(f"{LONG}/triage.log", "one\n")
    file = await tree.logs.get_file(LONG, LogKind.TRIAGE, note=tree.note)
    with pytest.raises(PageInvalid):
        await tree.logs.page(file, lines=lines, after=after, before=before, note=tree.note)


async def test_a_page_of_a_log_that_has_gone_is_not_found(tree: Tree) -> None:
    tree.write(f"{LONG}/triage.log", "one\n")
    file = await tree.logs.get_file(LONG, LogKind.TRIAGE, note=tree.note)
    (tree.folder / LONG / "triage.log").unlink()
    with pytest.raises(ProvisionerError) as caught:
        await tree.logs.page(file, lines=1, note=tree.note)
    assert caught.value.code == "LOG_NOT_FOUND"
