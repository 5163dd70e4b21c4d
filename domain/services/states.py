"""Services as they are now: what the journal tells of a unit, joined with its state in systemd."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from domain.errors import Invalid
from domain.services.journal import JournalUnavailable, JournalUnit
from domain.services.unit_names import UnitName, parsed
from domain.services.units import Unit, UnitsUnavailable

LONGEST_MEMBER = 255
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ONLY_LIVE = 2**62
"""The place in the list of units that only systemd tells of: before all others, for they are just
beginning."""


class ServiceFilterInvalid(Invalid):
    """A filter that cannot be meant."""

    code = "SERVICE_FILTER_INVALID"
    title = "Invalid Filter"
    meaning = f"A text of the filter is empty or longer than {LONGEST_MEMBER} characters."
    remedy = "Leave out what is not to be filtered by."


class ServiceState(StrEnum):
    """How a unit is: systemd's active state, or why there is none."""

    ACTIVE = "ACTIVE"
    ACTIVATING = "ACTIVATING"
    DEACTIVATING = "DEACTIVATING"
    RELOADING = "RELOADING"
    FAILED = "FAILED"
    INACTIVE = "INACTIVE"
    FINISHED = "FINISHED"
    UNKNOWN = "UNKNOWN"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Service:
    """A unit. `told` is what the journal has of it; `live` is systemd's word, None where systemd
    does not list it; `asked` is false while systemd cannot be asked."""

    name: str
    told: JournalUnit | None
    live: Unit | None
    asked: bool

    @property
    def parts(self) -> UnitName:
        """The name in its parts."""
        return parsed(self.name)

    @property
    def state(self) -> ServiceState:
        """How it is now."""
        if not self.asked:
            return ServiceState.UNAVAILABLE
        if self.live is None:
            return ServiceState.FINISHED
        return state_of(self.live.active_state)

    @property
    def newest(self) -> int | None:
        """When the journal's newest line about it was written, in microseconds since the epoch."""
        return None if self.told is None else self.told.newest

    @property
    def newest_at(self) -> datetime | None:
        """The same as a time."""
        return None if self.newest is None else EPOCH + timedelta(microseconds=self.newest)

    @property
    def key(self) -> tuple[int, str]:
        """Its place in the list: the newest first."""
        return (-(ONLY_LIVE if self.newest is None else self.newest), self.name)


@dataclass(frozen=True, slots=True)
class Listing:
    """All services, the newest first, and who could not be asked for them."""

    services: list[Service]
    unasked: UnitsUnavailable | None = None
    unread: JournalUnavailable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFilter:
    """Every member narrows; None does not. Raises `ServiceFilterInvalid`.

    `instance` is meant as it stands in the name or as it was before it was escaped, a device node
    with its first slash or without it.
    """

    base_name: str | None = None
    instance: str | None = None
    state: ServiceState | None = None

    def __post_init__(self) -> None:
        for name, text in (("baseName", self.base_name), ("instance", self.instance)):
            if text is not None and not 1 <= len(text) <= LONGEST_MEMBER:
                raise ServiceFilterInvalid(
                    f"`{name}` has {len(text)} characters; it must have 1 to {LONGEST_MEMBER}.",
                    field=name,
                )

    def matches(self, service: Service) -> bool:
        """Whether the service is wanted."""
        parts = service.parts
        return (
            self.base_name in (None, parts.base_name)
            and (
                self.instance in (None, parts.instance, parts.plain_instance) or self._is_on(parts)
            )
            and self.state in (None, service.state)
        )

    def _is_on(self, parts: UnitName) -> bool:
        node = (self.instance or "").lstrip("/")
        return bool(node) and f"/{node}" == parts.device_node


EVERY_SERVICE = ServiceFilter()


def state_of(active_state: str) -> ServiceState:
    """Returns systemd's active state as we name it (org.freedesktop.systemd1(5))."""
    word = active_state.upper()
    return ServiceState(word) if word in ServiceState.__members__ else ServiceState.UNKNOWN
