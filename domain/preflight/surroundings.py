"""What is around the settings: firmware, folders, room, ports and units."""

from collections.abc import Iterator

from domain.configuration.workdir import WorkdirState, WorkdirView
from domain.devices.port_rules import PortRules
from domain.devices.stages import Stage, Style
from domain.devices.unit_work import unit_names
from domain.firmware.firmware import VARIABLE as FIRMWARE
from domain.firmware.firmware import FirmwareView
from domain.firmware.selection import SelectionState
from domain.images.store_folder import StoreSpace
from domain.preflight.findings import Finding, Outcome, Topic
from domain.services.units import UnitNameInvalid, Units, UnitsUnavailable, UnitUnknown

WORKDIR = "RPI_SB_WORKDIR"
LEAST_FREE = 256 << 20
"""Bytes that databases, logs and boot files need whatever the image is."""
_ANY_SERIAL, _ANY_NODE = "00000000", "/dev/bus/usb/001/001"
"""Instances of template units that stand for all of them."""


def find_firmware_faults(view: FirmwareView) -> Iterator[Finding]:
    """Yields what is wrong with the firmware that boards get."""
    selection = view.selection
    if not selection.problem:
        return
    falls_back = selection.state is SelectionState.MISSING and selection.in_force
    outcome = Outcome.WARNING if falls_back else Outcome.FAILED
    remedy = "Select a release of this family's chip, or automatic selection."
    yield Finding(Topic.FIRMWARE, outcome, selection.problem, remedy, (FIRMWARE,))


def find_workdir_faults(view: WorkdirView) -> Iterator[Finding]:
    """Yields what is wrong with the working folder."""
    if view.state is WorkdirState.REFUSED:
        remedy = "Set it to a folder of its own, such as /srv/rpi-sb-provisioner/workdir."
        yield Finding(Topic.FOLDERS, Outcome.FAILED, view.reason, remedy, (WORKDIR,))
    if view.state is WorkdirState.MISSING:
        because = (
            f"The working folder {view.path} is not there, so that everything is prepared anew "
            "for each board."
        )
        yield Finding(Topic.FOLDERS, Outcome.WARNING, because, "Make the folder.", (WORKDIR,))


def find_room_faults(space: StoreSpace) -> Iterator[Finding]:
    """Yields what is wrong with the room where the station keeps databases, logs and images."""
    if space.free < LEAST_FREE:
        because = f"Only {space.free >> 20} MiB are free where the station works."
        remedy = "Delete images that are not needed, or free the disk otherwise."
        yield Finding(Topic.SPACE, Outcome.FAILED, because, remedy)


def find_port_faults(rules: PortRules, permitted: list[bool]) -> Iterator[Finding]:
    """Yields what is wrong with the port rules; `permitted` says of each USB port of the station
    whether they let it in."""
    for file in rules.files:
        if file.problem and not file.is_masked:
            because = f"The port rules {file.path} count for nothing: {file.problem}."
            yield Finding(Topic.PORTS, Outcome.WARNING, because, "Mend or remove the file.")
    if rules.is_restricting and permitted and not any(permitted):
        because = "The port rules let in none of this station's USB ports."
        remedy = "Correct the patterns in /etc/rpi-sb-provisioner/usb-ports.d."
        yield Finding(Topic.PORTS, Outcome.FAILED, because, remedy)


async def find_missing_units(units: Units, style: Style | None) -> list[Finding]:
    """Returns which units are not installed that a board of this style goes through."""
    for name in _needed_units(style):
        try:
            await units.get_state(name)
        except (UnitUnknown, UnitNameInvalid):
            template = f"{name.partition('@')[0]}@.service"
            because = f"The unit {template} is not installed, so that boards stop there."
            remedy = "Install the package rpi-sb-provisioner again."
            return [Finding(Topic.UNITS, Outcome.FAILED, because, remedy)]
        except UnitsUnavailable as error:
            because = f"Whether the units are installed cannot be told: {error.message}"
            return [Finding(Topic.UNITS, Outcome.UNKNOWN, because, error.remedy)]
    return []


def _needed_units(style: Style | None) -> Iterator[str]:
    yield unit_names(Stage.BOOTSTRAP, None, _ANY_NODE)[-1]
    yield unit_names(Stage.TRIAGE, None, _ANY_SERIAL)[0]
    if style is not None:
        yield unit_names(Stage.PROVISIONING, style, _ANY_SERIAL)[0]
