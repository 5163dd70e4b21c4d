"""Services: the runs that the journal tells of, joined with the states that systemd knows."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from domain.events import Event, Hub, Update, watch_changes
from domain.paging import Page, PageRequest, slice_page
from domain.services.journal import Journal, JournalUnavailable, JournalUnit
from domain.services.log_following import LogFollowing
from domain.services.run_history import RunHistory
from domain.services.states import (
    EVERY_SERVICE,
    Listing,
    Service,
    ServiceFilter,
    ServiceState,
    state_of,
)
from domain.services.unit_logs import UnitLogs
from domain.services.unit_names import is_permitted, is_shown, permitted
from domain.services.units import (
    Unit,
    UnitChanged,
    Units,
    UnitsUnavailable,
    UnitUnknown,
)

ORDER = "services"


@dataclass(frozen=True, slots=True)
class UnitNews:
    """A unit's state just now. `result` is how a run ended (`success`, `exit-code`, ...) or a job
    (`done`, `failed`, ...), None where none did."""

    name: str
    active_state: str
    sub_state: str
    result: str | None

    @property
    def state(self) -> ServiceState:
        """How it is now."""
        return state_of(self.active_state)


class Services:
    """What units there are, and how each is. `runs` are their histories, `logs` what the journal
    has of them, `following` lets that be followed."""

    def __init__(self, hub: Hub, journal: Journal, units: Units) -> None:
        self._hub = hub
        self._journal = journal
        self._units = units
        self.runs = RunHistory(journal, units)
        self.logs = UnitLogs(journal)
        self.following = LogFollowing(hub, journal)
        self._asked: asyncio.Future[Listing] | None = None

    async def list_told(self) -> Listing:
        """Returns the units that have lines of their own in the journal, as the existing service
        lists them (contract services section 2).

        Where systemd cannot be asked, the journal has to do; raises `UnitsUnavailable` where that
        knows nothing either.
        """
        listing = await self._listing()
        told = [s for s in listing.services if s.told and s.told.own_newest is not None]
        told.sort(key=lambda service: (-_own(service), service.name))
        if listing.unasked is not None and not told:
            raise listing.unasked
        return Listing(told, listing.unasked, listing.unread)

    async def list_page(
        self, request: PageRequest, wanted: ServiceFilter = EVERY_SERVICE
    ) -> Page[Service]:
        """Returns a page of the units that the journal or systemd tells of, the newest first;
        raises `UnitsUnavailable` or `JournalUnavailable` where neither can tell of any."""
        found = [service for service in _known(await self._listing()) if wanted.matches(service)]
        return slice_page(found, request, order=ORDER, key=lambda service: service.key)

    async def list_known(self) -> list[Service]:
        """Returns all units that the journal or systemd tells of, the newest first; who asks
        while others wait for the same shares their answer. Raises as `list_page` does."""
        if self._asked is None:
            self._asked = asyncio.ensure_future(self._listing())
            self._asked.add_done_callback(self._answered)
        return _known(await asyncio.shield(self._asked))

    async def get(self, name: str) -> Service:
        """Returns one unit; `.service` may be left out.

        Raises `ServiceUnauthorized`, `UnitUnknown` where neither journal nor systemd knows it,
        and what hindered them from telling.
        """
        full = permitted(name)
        listing = await self._listing()
        found = next((service for service in listing.services if service.name == full), None)
        failure = listing.unasked or listing.unread
        if found is None and failure is not None:
            raise failure
        if found is None:
            raise UnitUnknown(
                f"Neither the journal nor systemd knows a unit {full[:300]}.", detail=full[:300]
            )
        return found

    def watch(self) -> AsyncGenerator[Update[list[UnitNews]], None]:
        """Yields the units that systemd has loaded, then each change; raises `UnitsUnavailable`
        where systemd cannot be asked at first."""

        async def snapshot() -> list[UnitNews]:
            units = await self._units.list_units()
            return [_news(unit) for unit in units if is_shown(unit.name)]

        return watch_changes(self._hub, UnitChanged, snapshot=snapshot, change=_changed)

    def _answered(self, asked: asyncio.Future[Listing]) -> None:
        self._asked = None
        # Whoever waited may have gone away.
        asked.cancelled() or asked.exception()

    async def _listing(self) -> Listing:
        (live, unasked), (told, unread) = await asyncio.gather(self._live(), self._told())
        loaded = {unit.name for unit in live.values() if unit.load_state != "not-found"}
        names = told.keys() | {name for name in loaded if is_permitted(name)}
        services = [
            Service(name, told.get(name), live.get(name), asked=unasked is None) for name in names
        ]
        services.sort(key=lambda service: service.key)
        return Listing(services, unasked, unread)

    async def _live(self) -> tuple[dict[str, Unit], UnitsUnavailable | None]:
        try:
            units = await self._units.list_units()
        except UnitsUnavailable as error:
            return {}, error
        return {unit.name: unit for unit in units if is_shown(unit.name)}, None

    async def _told(self) -> tuple[dict[str, JournalUnit], JournalUnavailable | None]:
        try:
            units = await self._journal.list_units()
        except JournalUnavailable as error:
            return {}, error
        return {unit.name: unit for unit in units}, None


def _known(listing: Listing) -> list[Service]:
    failure = listing.unasked or listing.unread
    if failure is not None and not listing.services:
        # One failure may be told to many askers: each begins with a traceback of its own.
        raise failure.with_traceback(None)
    return listing.services


def _own(service: Service) -> int:
    return (service.told and service.told.own_newest) or 0


def _news(unit: Unit) -> UnitNews:
    return UnitNews(unit.name, unit.active_state, unit.sub_state, None)


def _changed(event: Event) -> list[UnitNews] | None:
    if not isinstance(event, UnitChanged) or not is_shown(event.name):
        return None
    return [UnitNews(event.name, event.active_state, event.sub_state, event.result or None)]
