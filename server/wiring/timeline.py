"""Joins what tells of a board into its timeline."""

from domain.audit.trail import AuditTrail
from domain.devices.attempt_list import Attempts
from domain.devices.devices import Devices
from domain.devices.logs import DeviceLogs
from domain.devices.statuses import Statuses
from domain.host_paths import HostPaths
from domain.manufacturing.manufacturing import Manufacturing
from domain.services.services import Services
from domain.timeline.audit_story import AuditStory
from domain.timeline.board_units import TimelineUnits
from domain.timeline.file_story import LogStory, RecordStory
from domain.timeline.row_story import RowStory
from domain.timeline.timeline import Timeline
from domain.timeline.unit_story import ErrorStory, RunStory


def build_timeline(
    paths: HostPaths,
    *,
    devices: Devices,
    statuses: Statuses,
    attempts: Attempts,
    logs: DeviceLogs,
    records: Manufacturing,
    services: Services,
    trail: AuditTrail,
) -> Timeline:
    """Returns the timeline; it asks nobody before it is asked."""
    units = TimelineUnits(paths, services)
    sources = (
        RowStory(devices, attempts),
        RunStory(units, services.runs),
        ErrorStory(units, services.runs.journal),
        LogStory(logs),
        RecordStory(records),
        AuditStory(paths, trail),
    )
    return Timeline(devices, statuses, units=units, sources=sources)
