"""Which firmware there is, what boards get, and what may be selected (contract configuration
11)."""

from pathlib import Path

import pytest

from domain.errors import ProvisionerError
from domain.firmware.firmware import VARIABLE
from domain.firmware.selection import SelectionState
from tests.domain.firmware.tree import BASE, FirmwareTree, build_tree


@pytest.fixture
def tree(tmp_path: Path) -> FirmwareTree:
    return build_tree(tmp_path)


def _listed(tree: FirmwareTree) -> list[tuple[str, str]]:
    return [(item.version, item.channel) for item in tree.firmware.view_now().releases]


def test_releases_come_newest_first_and_each_version_once(tree: FirmwareTree) -> None:
    tree.release("2712", "default", "2026-05-11")
    tree.release("2712", "latest", "2026-05-11")
    tree.release("2712", "latest", "2026-07-02")
    tree.release("2712", "old", "2020-01-01")
    tree.link("2712", "beta", "latest")
    assert _listed(tree) == [("2026-07-02", "latest"), ("2026-05-11", "default")]


@pytest.mark.parametrize(
    "name", ["recovery.bin", "pieeprom.bin", "pieeprom-2026-1-1.bin", "xpieeprom-2026-01-01.bin"]
)
def test_other_files_are_no_releases(tree: FirmwareTree, name: str) -> None:
    path = tree.release("2712", "default", "", name=name)
    (tree.root / BASE[1:] / "bootloader-2712/default/pieeprom-2026-02-02.bin").mkdir()
    assert _listed(tree) == []
    with pytest.raises(ProvisionerError) as caught:
        tree.firmware.check_now(path)
    assert caught.value.code == "FIRMWARE_UNSUITABLE"


def test_a_link_out_of_the_root_stays_inside(tree: FirmwareTree) -> None:
    tree.release("2712", "default", "2026-05-11")
    place = tree.root / BASE[1:] / "bootloader-2712/default/pieeprom-2026-06-06.bin"
    place.symlink_to("/nowhere/else.bin")
    assert _listed(tree) == [("2026-05-11", "default")]


@pytest.mark.parametrize(("family", "chip"), [("4", "2711"), ("5", "2712")])
def test_automatic_selection_is_the_newest_latest_of_the_right_size(
    tmp_path: Path, family: str, chip: str
) -> None:
    tree = build_tree(tmp_path, family=family)
    tree.release(chip, "default", "2026-09-09")
    wanted = tree.release(chip, "latest", "2026-06-09")
    tree.release(chip, "latest", "2026-04-18")
    tree.release(chip, "latest", "2026-08-08", size=7)
    view = tree.firmware.view_now()
    assert view.automatic
    assert (view.automatic.path, view.chip) == (wanted, chip)
    assert view.selection.state is SelectionState.AUTOMATIC
    assert view.selection.in_force == view.automatic


def test_without_a_latest_release_the_operator_is_told(tree: FirmwareTree) -> None:
    tree.release("2712", "default", "2026-05-11")
    selection = tree.firmware.view_now().selection
    assert (selection.in_force, selection.state) == (None, SelectionState.AUTOMATIC)
    assert "no firmware for chip 2712" in selection.problem


@pytest.mark.parametrize("family", ["2W", ""])
def test_a_family_without_an_eeprom_needs_none(tmp_path: Path, family: str) -> None:
    tree = build_tree(tmp_path, family=family)
    tree.release("2712", "latest", "2026-05-11")
    view = tree.firmware.view_now()
    assert (view.chip, view.releases, view.automatic) == (None, [], None)
    assert view.selection.state is SelectionState.NOT_NEEDED


async def test_selecting_keeps_the_path_with_its_links_followed(tree: FirmwareTree) -> None:
    stored = tree.release("2712", "latest", "2026-07-02")
    given = stored.removeprefix("/usr")
    view = await tree.firmware.select(given, note=tree.notes)
    assert tree.configuration.value_now(VARIABLE) == stored
    assert (view.selection.state, view.selection.problem) == (SelectionState.PINNED, "")
    assert view.selection.release == view.selection.in_force
    await tree.firmware.select("", note=tree.notes)
    assert tree.configuration.values_now()[VARIABLE].value == ""


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/etc/passwd", "INVALID_FIRMWARE_PATH"),
        ("/etc/nothing", "INVALID_FIRMWARE_PATH"),
        ("/lib/firmware/raspberrypi", "INVALID_FIRMWARE_PATH"),
        ("/lib/firmware/raspberrypi-other/bootloader-2712/x", "INVALID_FIRMWARE_PATH"),
        ("/lib/firmware/raspberrypi/bootloader-2712/../../../passwd", "INVALID_FIRMWARE_PATH"),
        ("/lib/firmware/raspberrypi/bootloader-2712/latest/no.bin", "FIRMWARE_NOT_FOUND"),
        ("/lib/firmware/raspberrypi/bootloader-2712/latest", "NOT_A_FILE"),
        ("/lib/firmware/raspberrypi/bootloader-2712/release-notes.md", "FIRMWARE_UNSUITABLE"),
        (f"{BASE}/bootloader-2711/latest/pieeprom-2026-06-09.bin", "FIRMWARE_UNSUITABLE"),
        (f"{BASE}/bootloader-2712/latest/pieeprom-2026-01-01.bin", "FIRMWARE_UNSUITABLE"),
        ("relative/path", "INVALID_PATH"),
        ("/lib/firmware/\0", "INVALID_PATH"),
    ],
)
async def test_what_may_not_be_selected_changes_nothing(
    tree: FirmwareTree, path: str, code: str
) -> None:
    kept = tree.release("2712", "latest", "2026-07-02")
    tree.release("2711", "latest", "2026-06-09")
    tree.release("2712", "latest", "2026-01-01", size=12)
    tree.write_notes("2712", "## 2026-07-02: x\n")
    await tree.firmware.select(kept, note=tree.notes)
    with pytest.raises(ProvisionerError) as caught:
        await tree.firmware.select(path, note=tree.notes)
    assert caught.value.code == code
    assert str(tree.root) not in caught.value.message
    assert tree.configuration.value_now(VARIABLE) == kept


@pytest.mark.parametrize(
    ("path", "state", "text"),
    [
        (f"{BASE}/bootloader-2712/latest/pieeprom-1999-01-01.bin", SelectionState.MISSING, "gone"),
        (f"{BASE}/bootloader-2711/latest/pieeprom-2026-06-09.bin", SelectionState.UNUSABLE, "2711"),
        ("/etc/rpi-sb-provisioner/config", SelectionState.UNUSABLE, "not an EEPROM image"),
        (f"{BASE}/bootloader-2712/latest/pieeprom-2026-01-01.bin", SelectionState.UNUSABLE, "12"),
    ],
)
def test_a_selection_that_others_made_is_judged(
    tree: FirmwareTree, path: str, state: SelectionState, text: str
) -> None:
    automatic = tree.release("2712", "latest", "2026-07-02")
    tree.release("2711", "latest", "2026-06-09")
    tree.release("2712", "latest", "2026-01-01", size=12)
    tree.configuration.update_now({VARIABLE: path})
    selection = tree.firmware.view_now().selection
    assert selection.state is state
    assert text in selection.problem
    gets = selection.in_force.path if selection.in_force else None
    flashed_anyway = path if path.endswith("2026-01-01.bin") else None
    assert gets == (automatic if state is SelectionState.MISSING else flashed_anyway)
