"""What people and programs ask about services and their logs."""

from collections.abc import AsyncGenerator

from domain.caller import Role
from domain.events import Update
from domain.paging import Page, PageRequest
from domain.services.journal import JournalLine
from domain.services.line_filters import LineFilter, Origin
from domain.services.log_following import UnitLogUpdate
from domain.services.runs import UnitRun
from domain.services.services import UnitNews
from domain.services.states import Listing, Service, ServiceFilter
from domain.services.unit_logs import LogPage, NumberedPage
from domain.services.unit_names import permitted
from resolvers.operation import Call, Effect, operation, watch


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.units")
async def list_services(call: Call) -> Listing:
    """Returns the units that have lines of their own in the journal, as the existing service
    does."""
    return await call.station.services.list_told()


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.units")
async def open_services_page(call: Call) -> None:
    """Opens the page of services, which asks for them itself: nothing that is not there may spoil
    it."""
    del call


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.units")
async def page_services(call: Call, *, page: PageRequest, wanted: ServiceFilter) -> Page[Service]:
    """Returns a page of the units that the journal or systemd tells of."""
    return await call.station.services.list_page(page, wanted)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.unit")
async def get_service(call: Call, *, name: str) -> Service:
    """Returns one unit."""
    return await call.station.services.get(name)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.unit")
async def find_newest_run(call: Call, *, name: str) -> UnitRun | None:
    """Returns the last run of a unit, None where nobody knows of one."""
    return await call.station.services.runs.newest(permitted(name))


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.unit")
async def page_runs(call: Call, *, name: str, page: PageRequest) -> Page[UnitRun]:
    """Returns a page of a unit's runs, the newest first."""
    return await call.station.services.runs.page(permitted(name), page)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.unitJournal")
async def page_unit_log(
    call: Call, *, name: str, page: PageRequest, wanted: LineFilter, newest_first: bool
) -> LogPage:
    """Returns a page of a unit's log: its own lines and systemd's about it."""
    _note(call, name)
    return await call.station.services.logs.page(
        name, page, wanted=wanted, newest_first=newest_first
    )


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.unitJournal")
async def count_unit_log(call: Call, *, name: str, origin: Origin) -> int:
    """Returns how many lines of this origin a unit's log has."""
    return await call.station.services.logs.count(name, origin)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.unitJournal")
async def get_numbered_log_page(
    call: Call, *, name: str, page: int, size: int, newest_first: bool
) -> NumberedPage:
    """Returns a page of a unit's own lines by its number."""
    _note(call, name)
    return await call.station.services.logs.numbered(
        name, page=page, size=size, newest_first=newest_first
    )


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.unitJournal")
async def open_unit_log_page(
    call: Call, *, name: str, page: int, size: int, newest_first: bool
) -> NumberedPage:
    """Opens the page of a unit's log; what it shows first is read like any other."""
    return await get_numbered_log_page.perform(
        call, name=name, page=page, size=size, newest_first=newest_first
    )


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.unitLogDownload")
async def read_whole_unit_log(
    call: Call, *, name: str
) -> AsyncGenerator[tuple[JournalLine, ...], None]:
    """Returns the whole log of a unit in pieces."""
    _note(call, name)
    return await call.station.services.logs.whole(name)


@operation(role=Role.VIEWER, effect=Effect.READ, graphql="Query.unitLogDownload")
async def name_unit_log(call: Call, *, name: str) -> str:
    """Returns the whole name of the unit whose log is to be downloaded."""
    return (await call.station.services.get(name)).name


@watch(role=Role.VIEWER, graphql="Subscription.unitChanges")
def watch_units(call: Call) -> AsyncGenerator[Update[list[UnitNews]], None]:
    """Yields the units that systemd has loaded, then each change."""
    return call.station.services.watch()


@watch(role=Role.VIEWER, graphql="Subscription.unitLog")
def follow_unit_log(
    call: Call, *, name: str, tail: int, wanted: LineFilter
) -> AsyncGenerator[UnitLogUpdate, None]:
    """Yields the last lines of a unit's log, then new ones."""
    _note(call, name)
    return call.station.services.following.follow(name, tail=tail, wanted=wanted)


def _note(call: Call, name: str) -> None:
    """Writes down whose log is read, as it was asked for; a refused name is no reading (contract
    audit section 4)."""
    permitted(name)
    call.unit_log_access(name)
