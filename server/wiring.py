"""Builds the station: adapters are opened here on one exit stack and closed in reverse."""

import asyncio
import logging
import platform
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib.metadata import PackageNotFoundError, version

from adapters.audit_log import SqliteAuditLog
from adapters.device_states import DeviceStates
from adapters.inotify import names_changed
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
from domain.station import Identity, Station, Versions
from server.background import Background
from server.settings import Settings

log = logging.getLogger("provisioner.wiring")

CATCH_UP_SECONDS = 1.0
READINESS_SECONDS = 10.0
ESSENTIAL = frozenset({"audit log"})
MANUFACTURING_VARIABLE = "RPI_SB_PROVISIONER_MANUFACTURING_DB"
PACKAGE = "rpi-sb-provisioner"


def service_version() -> str:
    """Returns this service's version as installed."""
    try:
        return version("provisioner-service")
    except PackageNotFoundError:
        return "unknown"


async def open_station(settings: Settings, stack: AsyncExitStack) -> Station:
    """Opens every adapter on `stack` and returns the station.

    A part that is missing never stops this: its feature answers why, and `Readiness` lists it.
    """
    paths, hub = HostPaths(settings.root), Hub()
    background = Background()
    audit = SqliteAuditLog(lambda: paths.real(paths.audit_db))
    await audit.open()
    stack.push_async_callback(audit.aclose)
    service_db = ServiceDb(paths)
    stack.push_async_callback(service_db.aclose)
    configuration = Configuration(paths, hub)
    states = DeviceStates(paths)
    stack.push_async_callback(states.aclose)
    records = ManufacturingRecords(paths, _manufacturing_path(configuration, paths))
    stack.push_async_callback(records.aclose)
    units = SystemdUnits(settings.bus_address)
    stack.push_async_callback(units.aclose)
    stack.push_async_callback(background.aclose)
    probes = {
        "audit log": audit.probe,
        "configuration": configuration.values,
        "manufacturing database": records.probe,
        "service database": service_db.probe,
        "state database": states.probe,
        "systemd": units.probe,
    }
    versions = Versions(
        service=service_version(),
        package=await asyncio.to_thread(_package_version, paths),
        python=platform.python_version(),
    )
    station = Station(
        paths=paths,
        hub=hub,
        audit=audit,
        identity=Identity(hub, StoredStationName(service_db), versions, socket.gethostname()),
        readiness=Readiness(hub, probes, essential=ESSENTIAL),
        configuration=configuration,
        csrf_tokens=CsrfTokens(),
        devices=Devices(hub, states),
        records=records,
        units=units,
    )
    _start(background, station)
    return station


def _start(background: Background, station: Station) -> None:
    folder = station.paths.real(station.paths.state_db).parent
    background.repeat("the check of parts", READINESS_SECONDS, station.readiness.check)
    background.repeat("the reading of states", CATCH_UP_SECONDS, station.devices.catch_up)

    async def follow() -> None:
        if not folder.is_dir():
            return
        async for _ in names_changed(folder, lambda name: name.startswith("state.db")):
            await station.devices.catch_up()

    # Where the folder is not there yet, the check each second is the net (design 4).
    background.repeat("the watch of states", CATCH_UP_SECONDS, follow)


def _manufacturing_path(configuration: Configuration, paths: HostPaths) -> Callable[[], str]:
    def path() -> str:
        setting = configuration.values_now().get(MANUFACTURING_VARIABLE)
        # Set to nothing means none; not set at all means the usual place.
        return paths.manufacturing_db if setting is None else setting.value

    return path


def _package_version(paths: HostPaths) -> str:
    """Returns the station package's version as dpkg knows it, `unknown` if it does not."""
    try:
        text = paths.real("/var/lib/dpkg/status").read_text("utf-8", "replace")
    except OSError:
        return "unknown"
    for block in text.split("\n\n"):
        if block.startswith(f"Package: {PACKAGE}\n"):
            found = [line for line in block.split("\n") if line.startswith("Version: ")]
            return found[0].removeprefix("Version: ") if found else "unknown"
    return "unknown"
