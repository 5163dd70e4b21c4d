"""The station: one object for each feature, and what it says of itself."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from domain.audit.log import AuditLog
from domain.audit.trail import AuditTrail
from domain.configuration.configuration import Configuration
from domain.configuration.history import ConfigHistory
from domain.configuration.workdir import WorkingFolder
from domain.csrf_tokens import CsrfTokens
from domain.customisation.dry_runs import DryRuns
from domain.customisation.hook_runs import HookRuns
from domain.customisation.script_history import ScriptHistory
from domain.customisation.scripts import Scripts
from domain.devices.attempt_list import Attempts
from domain.devices.devices import Devices, DevicesChanged
from domain.devices.flags import Flags
from domain.devices.keypairs import Keypairs
from domain.devices.logs import DeviceLogs
from domain.devices.statistics import Statistics
from domain.devices.statuses import Statuses
from domain.devices.usb_ports import UsbPorts
from domain.errors import Invalid, Unavailable
from domain.events import Event, Hub, Update, watch_view
from domain.firmware.firmware import Firmware
from domain.host_paths import HostPaths
from domain.images.analyses import Analyses
from domain.images.boot_packages import BootPackages
from domain.images.gold_master_choice import GoldMasterChoice
from domain.images.hashes import Hashes
from domain.images.images import Images
from domain.internal_token import InternalToken
from domain.keys.keys import Keys
from domain.keys.signing_tokens import SigningTokens
from domain.keys.stored_pin import StoredPin
from domain.keys.token_registration import TokenRegistration
from domain.manufacturing.manufacturing import Manufacturing
from domain.manufacturing.new_database import NewDatabases
from domain.preflight.fields import Fields
from domain.preflight.preflights import Preflights
from domain.readiness import Part, PartChanged, Readiness
from domain.services.services import Services
from domain.services.units import Units
from domain.timeline.timeline import Timeline
from domain.uploads.resumable import ResumableUploads
from domain.uploads.uploads import Uploads
from domain.verification.verification import Verification

LONGEST_NAME = 64


class StationNameInvalid(Invalid):
    """A name that no screen could show."""

    code = "STATION_NAME_INVALID"
    title = "Invalid Station Name"
    meaning = f"A station's name has 1 to {LONGEST_NAME} printable characters."
    remedy = "Choose a short name without line breaks or control characters."


class StationNames(Protocol):
    """Where the name that people gave to this station is kept."""

    async def get(self) -> str | None:
        """Returns the name, None when none was given."""

    async def set(self, name: str) -> None:
        """Keeps the name; it is durable when this returns. Raises a kind of `Unavailable`."""


@dataclass(frozen=True, slots=True)
class Versions:
    """What runs here: this service, the station's package, Python."""

    service: str
    package: str
    python: str


@dataclass(frozen=True, slots=True)
class StationView:
    """What the station says of itself. Counts are None while their source is unavailable."""

    name: str
    versions: Versions
    parts: list[Part]
    ready: bool
    device_count: int | None
    record_count: int | None


@dataclass(frozen=True, slots=True)
class StationRenamed(Event):
    """Somebody gave the station another name."""

    name: str


class Identity:
    """The station's name and versions. `host_name` is the name while nobody gave one."""

    def __init__(self, hub: Hub, names: StationNames, versions: Versions, host_name: str) -> None:
        self._hub = hub
        self._names = names
        self._host_name = host_name
        self._name: str | None = None
        self.versions = versions

    async def name(self) -> str:
        """Returns the given name, else the host's."""
        if self._name is None:
            try:
                self._name = await self._names.get() or self._host_name
            except Unavailable:
                return self._host_name
        return self._name

    async def rename(self, name: str) -> None:
        """Gives the station another name; raises `StationNameInvalid` and what the store raises."""
        kept = name.strip()
        if not 1 <= len(kept) <= LONGEST_NAME or not kept.isprintable():
            raise StationNameInvalid(
                f"A station's name has 1 to {LONGEST_NAME} printable characters.", field="name"
            )
        await self._names.set(kept)
        self._name = kept
        self._hub.publish(StationRenamed(kept))


@dataclass(frozen=True, slots=True)
class Station:
    """Everything that both surfaces may use."""

    paths: HostPaths
    hub: Hub
    audit: AuditLog
    audit_trail: AuditTrail
    identity: Identity
    readiness: Readiness
    configuration: Configuration
    config_history: ConfigHistory
    working_folder: WorkingFolder
    fields: Fields
    preflights: Preflights
    csrf_tokens: CsrfTokens
    devices: Devices
    uploads: Uploads
    resumable_uploads: ResumableUploads
    statuses: Statuses
    attempts: Attempts
    statistics: Statistics
    logs: DeviceLogs
    keypairs: Keypairs
    flags: Flags
    records: Manufacturing
    new_databases: NewDatabases
    verification: Verification
    units: Units
    services: Services
    timeline: Timeline
    usb: UsbPorts
    internal_token: InternalToken
    images: Images
    hashes: Hashes
    firmware: Firmware
    signing_tokens: SigningTokens
    stored_pin: StoredPin
    token_registration: TokenRegistration
    keys: Keys
    analyses: Analyses
    scripts: Scripts
    dry_runs: DryRuns
    hook_runs: HookRuns
    boot_packages: BootPackages
    script_history: ScriptHistory
    gold_master: GoldMasterChoice

    async def view(self) -> StationView:
        """Returns what the station says of itself now."""
        return StationView(
            name=await self.identity.name(),
            versions=self.identity.versions,
            parts=self.readiness.parts,
            ready=self.readiness.ready,
            device_count=await _counted(self.devices),
            record_count=await _counted(self.records),
        )

    def watch(self) -> AsyncGenerator[Update[StationView], None]:
        """Yields the view now and after each change of a part, a name or the devices."""
        return watch_view(self.hub, PartChanged, StationRenamed, DevicesChanged, view=self.view)


class _Counts(Protocol):
    async def count(self) -> int: ...


async def _counted(source: _Counts) -> int | None:
    try:
        return await source.count()
    except Unavailable:
        return None
