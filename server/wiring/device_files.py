"""Builds what the station keeps of devices in files: logs, key pairs and flags."""

from dataclasses import dataclass

from adapters.service_db.database import ServiceDb
from adapters.service_db.flag_notes import StoredFlagNotes
from domain.configuration.configuration import Configuration
from domain.devices.devices import Devices
from domain.devices.flags import Flags
from domain.devices.keypairs import Keypairs
from domain.devices.logs import DeviceLogs
from domain.devices.names import DeviceNames
from domain.devices.occupants import Occupants
from domain.events import Hub
from domain.host_paths import HostPaths


@dataclass(frozen=True, slots=True)
class DeviceFiles:
    """The features that read and write files of devices."""

    logs: DeviceLogs
    keypairs: Keypairs
    flags: Flags


def build_device_files(
    paths: HostPaths,
    hub: Hub,
    *,
    configuration: Configuration,
    devices: Devices,
    occupants: Occupants,
    service_db: ServiceDb,
) -> DeviceFiles:
    """Returns the features; they open nothing."""
    names, notes = DeviceNames(devices, occupants), StoredFlagNotes(service_db)
    return DeviceFiles(
        logs=DeviceLogs(paths, hub, names),
        keypairs=Keypairs(paths, configuration, names),
        flags=Flags(paths, hub, names=names, devices=devices, notes=notes),
    )
