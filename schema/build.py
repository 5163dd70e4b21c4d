"""The one schema: root types joined from each noun, with the engine under them."""

from datetime import datetime
from functools import cache

import strawberry
from strawberry.schema.config import StrawberryConfig

from schema.audit.audit import AuditQueries, AuditSubscriptions
from schema.configuration.configuration import (
    ConfigurationMutations,
    ConfigurationQueries,
    ConfigurationSubscriptions,
)
from schema.configuration.history import (
    ConfigurationHistoryMutations,
    ConfigurationHistoryQueries,
)
from schema.customisation.runs import DryRunMutations, HookRunQueries
from schema.customisation.scripts import (
    CustomisationMutations,
    CustomisationQueries,
    CustomisationSubscriptions,
)
from schema.customisation.versions import ScriptVersionMutations, ScriptVersionQueries
from schema.devices.attempts import AttemptQueries
from schema.devices.devices import DeviceQueries, DeviceSubscriptions
from schema.devices.flags import (
    DeviceFlagMutations,
    DeviceFlagQueries,
    DeviceFlagSubscriptions,
)
from schema.devices.keypairs import DeviceKeypairQueries
from schema.devices.logs import DeviceLogQueries, DeviceLogSubscriptions
from schema.devices.port_rules import PortRuleQueries
from schema.devices.statistics import StatisticsQueries
from schema.devices.topology import TopologyMutations, TopologyQueries, TopologySubscriptions
from schema.document_checks import checks
from schema.errors import Masked
from schema.firmware import FirmwareMutations, FirmwareQueries
from schema.images.boot_packages import BootPackageMutations, BootPackageSubscriptions
from schema.images.gold_master import GoldMasterMutations
from schema.images.hashing import HashMutations, HashSubscriptions
from schema.images.images import ImageMutations, ImageQueries, ImageSubscriptions
from schema.images.uploads import UploadMutations, UploadQueries, UploadSubscriptions
from schema.keys.keys import SigningKeyMutations, SigningKeyQueries, SigningKeySubscriptions
from schema.keys.migration import SecretMutations
from schema.keys.token_keys import TokenKeyMutations
from schema.keys.tokens import TokenMutations, TokenQueries
from schema.limits import Limits
from schema.manufacturing.manufacturing import (
    ManufacturingQueries,
    ManufacturingSubscriptions,
)
from schema.manufacturing.verification import VerificationMutations, VerificationQueries
from schema.preflight import PreflightQueries
from schema.scalars import DATE_TIME, LONG, Long
from schema.services.journal import JournalQueries
from schema.services.services import ServiceQueries, ServiceSubscriptions
from schema.station import StationMutations, StationQueries, StationSubscriptions
from schema.station_executor import station_executor
from schema.working_folder import WorkingFolderMutations, WorkingFolderQueries


@strawberry.type(description="Everything that can be asked of this station.")
class Query(
    StationQueries,
    UploadQueries,
    DeviceQueries,
    AttemptQueries,
    StatisticsQueries,
    DeviceLogQueries,
    DeviceKeypairQueries,
    DeviceFlagQueries,
    TopologyQueries,
    PortRuleQueries,
    AuditQueries,
    ServiceQueries,
    JournalQueries,
    ManufacturingQueries,
    VerificationQueries,
    ImageQueries,
    FirmwareQueries,
    TokenQueries,
    WorkingFolderQueries,
    PreflightQueries,
    ConfigurationQueries,
    ConfigurationHistoryQueries,
    CustomisationQueries,
    ScriptVersionQueries,
    HookRunQueries,
    SigningKeyQueries,
):
    """Root of queries."""


@strawberry.type(description="Everything that can be changed; each answers what it did or why not.")
class Mutation(
    StationMutations,
    UploadMutations,
    DeviceFlagMutations,
    TopologyMutations,
    VerificationMutations,
    ImageMutations,
    HashMutations,
    BootPackageMutations,
    GoldMasterMutations,
    FirmwareMutations,
    TokenMutations,
    TokenKeyMutations,
    WorkingFolderMutations,
    ConfigurationMutations,
    ConfigurationHistoryMutations,
    CustomisationMutations,
    ScriptVersionMutations,
    DryRunMutations,
    SigningKeyMutations,
    SecretMutations,
):
    """Root of mutations."""


@strawberry.type(description="Everything that can be watched: the present first, then changes.")
class Subscription(
    StationSubscriptions,
    UploadSubscriptions,
    DeviceSubscriptions,
    DeviceLogSubscriptions,
    DeviceFlagSubscriptions,
    TopologySubscriptions,
    AuditSubscriptions,
    ServiceSubscriptions,
    ManufacturingSubscriptions,
    ImageSubscriptions,
    HashSubscriptions,
    ConfigurationSubscriptions,
    CustomisationSubscriptions,
    BootPackageSubscriptions,
    SigningKeySubscriptions,
):
    """Root of subscriptions."""


@cache
def build_schema(limits: Limits | None = None) -> strawberry.Schema:
    """Returns the schema; built once for each set of limits, since types cannot be built twice."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map={datetime: DATE_TIME, Long: LONG}),
        execution_context_class=station_executor(limits or Limits()),
        extensions=[checks(limits or Limits()), Masked],
    )
