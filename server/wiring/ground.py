"""The ground that every feature stands on: the tree, the hub, the databases, systemd."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol, TypeVar

from adapters.device_states import DeviceStates
from adapters.journal import SystemdJournal
from adapters.service_db.database import ServiceDb
from adapters.systemd import SystemdUnits
from domain.configuration.configuration import Configuration
from domain.configuration.history import ConfigHistory
from domain.events import Hub
from domain.file_accesses import FileAccess
from domain.host_paths import HostPaths
from domain.services.units import Units
from server.settings import Settings
from server.wiring.auditing import Auditing, open_auditing
from server.wiring.configuration import build_config_history
from server.wiring.images import own_accesses
from server.wiring.records import Recording, build_recording

A = TypeVar("A", bound="_Closing")


class _Closing(Protocol):
    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Ground:
    """What is opened first. `note` writes down what the service does by itself; what is opened
    later goes on `stack`."""

    settings: Settings
    stack: AsyncExitStack
    paths: HostPaths
    hub: Hub
    auditing: Auditing
    note: FileAccess
    service_db: ServiceDb
    configuration: Configuration
    config_history: ConfigHistory
    states: DeviceStates
    recording: Recording
    units: Units
    journal: SystemdJournal

    def closing(self, opened: A) -> A:
        """Has `opened` closed when the service stops."""
        return closed_by(self.stack, opened)


async def open_ground(settings: Settings, stack: AsyncExitStack, units: Units | None) -> Ground:
    """Opens it on `stack`; `units` stand in for systemd's where the station is simulated."""
    paths, hub = HostPaths(settings.root), Hub()
    auditing = await open_auditing(paths, hub, settings, stack)
    service_db = closed_by(stack, ServiceDb(paths))
    configuration = Configuration(paths, hub)
    return Ground(
        settings=settings,
        stack=stack,
        paths=paths,
        hub=hub,
        auditing=auditing,
        note=own_accesses(auditing.log),
        service_db=service_db,
        configuration=configuration,
        # Before anything else follows the configuration.
        config_history=build_config_history(configuration, service_db),
        states=closed_by(stack, DeviceStates(paths)),
        recording=build_recording(paths, hub, configuration, stack),
        units=units or closed_by(stack, SystemdUnits(settings.bus_address)),
        journal=closed_by(stack, SystemdJournal(paths)),
    )


def closed_by(stack: AsyncExitStack, opened: A) -> A:
    """Has `opened` closed by `stack`."""
    stack.push_async_callback(opened.aclose)
    return opened
