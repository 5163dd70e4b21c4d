"""Builds what judges boards, and starts what has them judged again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from adapters.service_db.database import ServiceDb
from adapters.service_db.run_failures import StoredRunFailures
from domain.devices.attempt_list import Attempts
from domain.devices.board_units import BoardUnits, uncut
from domain.devices.devices import Devices
from domain.devices.explanations import Explanations
from domain.devices.failure_lines import FailureLines
from domain.devices.live_topology import TopologyChanged
from domain.devices.logs import DeviceLogs
from domain.devices.run_failures import SeenFailures
from domain.devices.run_records import RunRecords
from domain.devices.statistics import Statistics
from domain.devices.status_following import StatusFollower
from domain.devices.statuses import Statuses
from domain.devices.usb_ports import UsbPorts
from domain.devices.verdicts import Verdicts
from domain.devices.whereabouts import Whereabouts
from domain.devices.witnesses import Witnesses
from domain.events import Hub
from domain.host_paths import HostPaths
from domain.manufacturing.board_records import BoardRecords
from domain.services.units import Units
from server.background import Background

AGAIN_SECONDS = 1.0
"""Until a watch that ended is tried again."""
UNITS_SECONDS = 5.0
"""Until systemd is asked again whether it answers, while it never has."""


@dataclass(frozen=True, slots=True)
class Judging:
    """The features that say how boards stand and stood, and what keeps them up to date."""

    statuses: Statuses
    attempts: Attempts
    statistics: Statistics
    follower: StatusFollower


def build_judging(
    paths: HostPaths,
    hub: Hub,
    *,
    devices: Devices,
    units: Units,
    usb: UsbPorts,
    records: BoardRecords,
    logs: DeviceLogs,
    service_db: ServiceDb,
) -> Judging:
    """Returns the features; they ask nobody before they are asked."""
    witnesses = Witnesses(
        paths,
        units=BoardUnits(units),
        whereabouts=Whereabouts(usb),
        records=RunRecords(records),
        failures=SeenFailures(StoredRunFailures(service_db)),
    )
    verdicts = Verdicts(devices, witnesses)
    statuses = Statuses(
        hub,
        devices,
        ports=usb,
        witnesses=witnesses,
        verdicts=verdicts,
        explanations=Explanations(devices, verdicts, FailureLines(logs)),
    )
    attempts = Attempts(devices, statuses)
    return Judging(
        statuses=statuses,
        attempts=attempts,
        statistics=Statistics(devices, statuses, attempts),
        follower=StatusFollower(hub, statuses, witnesses, places=(TopologyChanged,)),
    )


def follow_boards(background: Background, judging: Judging, units: Units, hub: Hub) -> None:
    """Starts the judging of boards, and the hearing of their units."""
    background.repeat("the judging of boards", AGAIN_SECONDS, judging.follower.run)
    background.repeat("the hearing of units", UNITS_SECONDS, _once_heard(judging, units, hub))


def _once_heard(judging: Judging, units: Units, hub: Hub) -> Callable[[], Awaitable[None]]:
    """Returns what begins to hear the units once systemd answers; from then on the adapter itself
    tries again after each gap."""
    heard: list[Units] = []

    async def hear() -> None:
        if not heard:
            await uncut(units.probe())
            await units.watch(hub.publish)
            heard.append(units)
            # What ended between the first listing and now was heard by nobody.
            await judging.follower.refresh()

    return hear
