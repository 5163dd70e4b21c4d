"""Builds what knows of boards: rows, files, USB, statuses, units and the story of each."""

from dataclasses import dataclass

from domain.devices.devices import Devices
from domain.devices.usb_ports import UsbPorts
from domain.services.services import Services
from domain.timeline.timeline import Timeline
from server.wiring.device_files import DeviceFiles, build_device_files
from server.wiring.ground import Ground
from server.wiring.statuses import Judging, build_judging
from server.wiring.timeline import build_timeline
from server.wiring.usb import build_usb


@dataclass(frozen=True, slots=True)
class Boards:
    """The features about boards."""

    devices: Devices
    files: DeviceFiles
    usb: UsbPorts
    judging: Judging
    services: Services
    timeline: Timeline


def build_boards(ground: Ground) -> Boards:
    """Returns the features; they ask nobody before they are asked."""
    paths, hub, records = ground.paths, ground.hub, ground.recording.records
    devices = Devices(hub, ground.states)
    usb = build_usb(paths, hub, devices=devices, records=records, service_db=ground.service_db)
    files = build_device_files(
        paths,
        hub,
        configuration=ground.configuration,
        devices=devices,
        occupants=usb,
        service_db=ground.service_db,
    )
    judging = build_judging(
        paths,
        hub,
        devices=devices,
        units=ground.units,
        usb=usb,
        records=records,
        logs=files.logs,
        service_db=ground.service_db,
    )
    ground.closing(judging.statuses)
    services = Services(hub, ground.journal, ground.units)
    timeline = build_timeline(
        paths,
        devices=devices,
        statuses=judging.statuses,
        attempts=judging.attempts,
        logs=files.logs,
        records=records,
        services=services,
        trail=ground.auditing.trail,
    )
    return Boards(devices, files, usb, judging, services, timeline)
