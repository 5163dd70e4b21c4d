"""Builds the station: adapters are opened here on one exit stack and closed in reverse."""

import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Protocol, TypeVar

from adapters.audit_log import SqliteAuditLog
from adapters.device_states import DeviceStates
from adapters.manufacturing_records import ManufacturingRecords
from adapters.service_db.database import ServiceDb
from adapters.service_db.station_name import StoredStationName
from adapters.systemd import SystemdUnits
from domain.configuration.configuration import Configuration
from domain.csrf_tokens import CsrfTokens
from domain.devices.devices import Devices
from domain.events import Hub
from domain.host_paths import HostPaths
from domain.readiness import Readiness
from domain.station import Identity, Station
from server.background import Background
from server.settings import Settings
from server.wiring.versions import find_versions
from server.wiring.watching import start_watching

ESSENTIAL = frozenset({"audit log"})
MANUFACTURING_VARIABLE = "RPI_SB_PROVISIONER_MANUFACTURING_DB"


A = TypeVar("A", bound="_Closing")


async def open_station(settings: Settings, stack: AsyncExitStack) -> Station:
    """Opens every adapter on `stack` and returns the station.

    A part that is missing never stops this: its feature answers why, and `Readiness` lists it.
    """
    paths, hub = HostPaths(settings.root), Hub()
    audit = _closed_by(stack, SqliteAuditLog(lambda: paths.real(paths.audit_db)))
    await audit.open()
    service_db = _closed_by(stack, ServiceDb(paths))
    configuration = Configuration(paths, hub)
    states = _closed_by(stack, DeviceStates(paths))
    manufacturing_path = _manufacturing_path(configuration, paths)
    records = _closed_by(stack, ManufacturingRecords(paths, manufacturing_path))
    units = _closed_by(stack, SystemdUnits(settings.bus_address))
    probes = {
        "audit log": audit.probe,
        "configuration": configuration.values,
        "manufacturing database": records.probe,
        "service database": service_db.probe,
        "state database": states.probe,
        "systemd": units.probe,
    }
    names, versions = StoredStationName(service_db), await find_versions(paths)
    station = Station(
        paths=paths,
        hub=hub,
        audit=audit,
        identity=Identity(hub, names, versions, socket.gethostname()),
        readiness=Readiness(hub, probes, essential=ESSENTIAL),
        configuration=configuration,
        csrf_tokens=CsrfTokens(),
        devices=Devices(hub, states),
        records=records,
        units=units,
    )
    start_watching(_closed_by(stack, Background()), station)
    return station


class _Closing(Protocol):
    async def aclose(self) -> None: ...


def _closed_by(stack: AsyncExitStack, opened: A) -> A:
    stack.push_async_callback(opened.aclose)
    return opened


def _manufacturing_path(configuration: Configuration, paths: HostPaths) -> Callable[[], str]:
    def path() -> str:
        setting = configuration.values_now().get(MANUFACTURING_VARIABLE)
        # Set to nothing means none; not set at all means the usual place.
        return paths.manufacturing_db if setting is None else setting.value

    return path
