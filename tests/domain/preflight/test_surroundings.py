"""What is around the settings, as it decides about the next board."""

from datetime import UTC, datetime

import pytest

from domain.configuration.workdir import WorkdirState, WorkdirView
from domain.devices.port_patterns import pattern_of
from domain.devices.port_rules import PortRules, RuleFile, RuleLine, RuleOrigin
from domain.devices.stages import Style
from domain.firmware.chips import Chip
from domain.firmware.firmware import FirmwareView
from domain.firmware.releases import FirmwareRelease
from domain.firmware.selection import Selection, SelectionState
from domain.images.store_folder import StoreSpace
from domain.preflight.findings import Outcome
from domain.preflight.surroundings import (
    LEAST_FREE,
    find_firmware_faults,
    find_missing_units,
    find_port_faults,
    find_room_faults,
    find_workdir_faults,
)
from tests.fakes.units import Ending, FakeUnits

RELEASE = FirmwareRelease(Chip.BCM2712, "2026-07-02", "x.bin", "/x.bin", "latest", 2097152)


@pytest.mark.parametrize(
    ("state", "in_force", "problem", "outcome"),
    [
        (SelectionState.AUTOMATIC, RELEASE, "", None),
        (SelectionState.PINNED, RELEASE, "", None),
        (SelectionState.NOT_NEEDED, None, "", None),
        (SelectionState.AUTOMATIC, None, "There is none.", Outcome.FAILED),
        (SelectionState.MISSING, RELEASE, "It is gone.", Outcome.WARNING),
        (SelectionState.MISSING, None, "It is gone.", Outcome.FAILED),
        (SelectionState.UNUSABLE, RELEASE, "Wrong size.", Outcome.FAILED),
        (SelectionState.UNUSABLE, None, "Wrong chip.", Outcome.FAILED),
    ],
)
def test_firmware_that_is_wrong_or_gone(
    state: SelectionState, in_force: FirmwareRelease | None, problem: str, outcome: Outcome | None
) -> None:
    selection = Selection("/x", state, None, in_force, problem)
    view = FirmwareView("5", Chip.BCM2712, [], None, selection)
    found = [one.outcome for one in find_firmware_faults(view)]
    assert found == ([outcome] if outcome else [])


@pytest.mark.parametrize(
    ("state", "outcomes"),
    [
        (WorkdirState.UNSET, []),
        (WorkdirState.PRESENT, []),
        (WorkdirState.MISSING, [Outcome.WARNING]),
        (WorkdirState.REFUSED, [Outcome.FAILED]),
    ],
)
def test_a_working_folder_that_is_refused_stops_boards(
    state: WorkdirState, outcomes: list[Outcome]
) -> None:
    view = WorkdirView("/srv/w", state, reason="No.")
    assert [one.outcome for one in find_workdir_faults(view)] == outcomes


@pytest.mark.parametrize(("free", "texts"), [(LEAST_FREE, []), (LEAST_FREE - 1, ["255 MiB"])])
def test_a_full_disk_stops_boards(free: int, texts: list[str]) -> None:
    found = [one.because for one in find_room_faults(StoreSpace("/srv", free * 2, free))]
    assert len(found) == len(texts)
    assert all(text in because for text, because in zip(texts, found, strict=True))


def _rules(*files: RuleFile) -> PortRules:
    return PortRules(files)


def _file(*, problem: str = "", masked: bool = False, restricts: bool = True) -> RuleFile:
    lines = (RuleLine(1, "9-*", pattern_of("9-*")),) if restricts else ()
    return RuleFile("/etc/x.conf", RuleOrigin.LOCAL, masked, problem, lines)


@pytest.mark.parametrize(
    ("rules", "permitted", "outcomes"),
    [
        (_rules(), [True], []),
        (_rules(_file()), [], []),
        (_rules(_file()), [False, True], []),
        (_rules(_file()), [False, False], [Outcome.FAILED]),
        (_rules(_file(problem="it is a folder", restricts=False)), [True], [Outcome.WARNING]),
        (_rules(_file(problem="it is a folder", masked=True, restricts=False)), [True], []),
    ],
)
def test_rules_that_let_no_port_in_stop_boards(
    rules: PortRules, permitted: list[bool], outcomes: list[Outcome]
) -> None:
    assert [one.outcome for one in find_port_faults(rules, permitted)] == outcomes


NOW = datetime(2026, 8, 1, tzinfo=UTC)
INSTALLED = (
    "rpi-sb-bootstrap@.service",
    "rpi-sb-triage@.service",
    "rpi-naked-provisioner@.service",
)


@pytest.mark.parametrize(
    ("style", "text"),
    [
        (None, ""),
        (Style.NAKED, ""),
        (Style.IDP, "rpi-idp-provisioner@.service"),
        (Style.SB, "rpi-sb-provisioner@.service"),
    ],
)
async def test_the_units_of_the_style_must_be_installed(style: Style | None, text: str) -> None:
    units = FakeUnits(NOW, dict.fromkeys(INSTALLED, Ending()))
    found = await find_missing_units(units, style)
    assert [text in one.because for one in found] == ([True] if text else [])


async def test_without_systemd_nobody_knows() -> None:
    units = FakeUnits(NOW, reason="There is no bus.")
    [finding] = await find_missing_units(units, Style.SB)
    assert finding.outcome is Outcome.UNKNOWN
    assert "There is no bus." in finding.because
