"""Services: the journal joined with systemd, and either of them missing."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from domain.events import Hub
from domain.paging import page_request
from domain.services.journal import JournalUnavailable
from domain.services.services import ORDER, Services
from domain.services.states import (
    Service,
    ServiceFilter,
    ServiceFilterInvalid,
    ServiceState,
    state_of,
)
from domain.services.unit_names import ServiceUnauthorized
from domain.services.units import Unit, UnitChanged, UnitState, UnitsUnavailable, UnitUnknown
from tests.fakes.journal import NOON, FakeJournal, about, own
from tests.fakes.units import FakeUnits

RUNNING = "rpi-sb-provisioner@1000000000a0b000.service"
ENDED = "rpi-sb-triage@1000000000a0b000.service"
MISSING = "rpi-sb-missing.service"
STARTING = "rpi-sb-triage@1000000000a0b001.service"


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal(
        [
            own(RUNNING, "a", 1),
            own("ssh.service", "b", 2),
            own(ENDED, "c", 3),
            about(MISSING, "d", 4),
        ]
    )


@pytest.fixture
def units() -> FakeUnits:
    units = FakeUnits(NOON)
    for name, active, sub in (
        (RUNNING, "active", "running"),
        (STARTING, "activating", "start"),
        ("ssh.service", "active", "running"),
    ):
        unit = Unit(name, name, "loaded", active, sub)
        units.loaded[name] = UnitState(unit, "", None, "", None, None)
    return units


@pytest.fixture
def services(journal: FakeJournal, units: FakeUnits) -> Services:
    return Services(Hub(), journal, units)


async def listed(services: Services, wanted: ServiceFilter | None = None) -> list[Service]:
    page = await services.list_page(page_request(ORDER), wanted or ServiceFilter())
    return list(page.items)


async def test_the_newest_comes_first_after_what_only_begins(services: Services) -> None:
    found = await listed(services)
    assert [(service.name, service.state) for service in found] == [
        (STARTING, ServiceState.ACTIVATING),
        (MISSING, ServiceState.FINISHED),
        (ENDED, ServiceState.FINISHED),
        (RUNNING, ServiceState.ACTIVE),
    ]
    assert [service.newest_at is None for service in found] == [True, False, False, False]


async def test_the_old_list_has_units_with_lines_of_their_own(services: Services) -> None:
    told = await services.list_told()
    assert [service.name for service in told.services] == [ENDED, RUNNING]
    assert (told.unasked, told.unread) == (None, None)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (ServiceFilter(base_name="rpi-sb-triage"), {STARTING, ENDED}),
        (ServiceFilter(instance="1000000000a0b000"), {RUNNING, ENDED}),
        (ServiceFilter(state=ServiceState.ACTIVE), {RUNNING}),
        (ServiceFilter(base_name="rpi-sb-triage", state=ServiceState.FINISHED), {ENDED}),
        (ServiceFilter(instance="none"), set()),
    ],
)
async def test_a_filter_narrows(services: Services, wanted: ServiceFilter, names: set[str]) -> None:
    assert {service.name for service in await listed(services, wanted)} == names


async def test_an_escaped_instance_is_found_by_its_plain_text(services: Services) -> None:
    services = Services(
        Hub(), FakeJournal([own(r"rpi-sb-x@a\x20b.service", "x", 0)]), FakeUnits(NOON)
    )
    assert len(await listed(services, ServiceFilter(instance="a b"))) == 1


@pytest.mark.parametrize("unit", ["dev-bus-usb-001-004", "-dev-bus-usb-001-004"])
@pytest.mark.parametrize("node", ["/dev/bus/usb/001/004", "dev/bus/usb/001/004"])
async def test_a_device_node_is_an_instance_with_its_slash_or_without(unit: str, node: str) -> None:
    name = f"rpi-sb-bootstrap@{unit}.service"
    services = Services(Hub(), FakeJournal([own(name, "x", 0)]), FakeUnits(NOON))
    assert len(await listed(services, ServiceFilter(instance=node))) == 1


async def test_without_a_bus_the_journal_has_to_do(services: Services, units: FakeUnits) -> None:
    units.reason = "no bus"
    told = await services.list_told()
    assert [service.state for service in told.services] == [ServiceState.UNAVAILABLE] * 2
    assert told.unasked is not None
    assert (await services.get(RUNNING)).state is ServiceState.UNAVAILABLE


async def test_without_a_bus_and_lines_the_bus_is_to_blame(
    services: Services, units: FakeUnits, journal: FakeJournal
) -> None:
    units.reason, journal.entries = "no bus", []
    asking: list[Callable[[], Awaitable[object]]] = [
        services.list_told,
        lambda: listed(services),
        lambda: services.get(RUNNING),
    ]
    for ask in asking:
        with pytest.raises(UnitsUnavailable, match="no bus"):
            await ask()


async def test_without_a_journal_systemd_has_to_do(
    services: Services, journal: FakeJournal
) -> None:
    journal.reason = "no journal"
    assert {service.name for service in await listed(services)} == {RUNNING, STARTING}
    told = await services.list_told()
    assert (told.services, str(told.unread)) == ([], "no journal")
    with pytest.raises(JournalUnavailable):
        await services.get(ENDED)


async def test_one_unit_is_found_without_its_suffix(services: Services) -> None:
    assert (await services.get("rpi-sb-missing")).name == MISSING


async def test_other_units_are_refused_before_anybody_is_asked(
    services: Services, units: FakeUnits
) -> None:
    units.reason = "no bus"
    with pytest.raises(ServiceUnauthorized):
        await services.get("ssh.service")


async def test_a_unit_that_nobody_knows_is_not_found(services: Services) -> None:
    with pytest.raises(UnitUnknown):
        await services.get("rpi-sb-nothing")


async def test_a_unit_that_is_only_named_by_others_is_not_listed(
    services: Services, units: FakeUnits
) -> None:
    unit = Unit("rpi-sb-ghost.service", "", "not-found", "inactive", "dead")
    units.loaded[unit.name] = UnitState(unit, "", None, "", None, None)
    assert "rpi-sb-ghost.service" not in {service.name for service in await listed(services)}


async def test_changes_are_told_after_the_present(journal: FakeJournal, units: FakeUnits) -> None:
    hub = Hub()
    async with aclosing(Services(hub, journal, units).watch()) as updates, asyncio.timeout(5):
        first = await anext(updates)
        hub.publish(UnitChanged("ssh.service", "failed", "failed", "exit-code"))
        hub.publish(UnitChanged(RUNNING, "failed", "failed", "exit-code"))
        second = await anext(updates)
    assert {news.name for news in first.value} == {RUNNING, STARTING}
    news = second.value[0]
    assert (second.snapshot, news.name, news.result) == (False, RUNNING, "exit-code")
    assert news.state is ServiceState.FAILED


async def test_without_a_bus_there_is_nothing_to_watch(
    journal: FakeJournal, units: FakeUnits
) -> None:
    units.reason = "no bus"
    async with aclosing(Services(Hub(), journal, units).watch()) as updates:
        with pytest.raises(UnitsUnavailable):
            await anext(updates)


@pytest.mark.parametrize(("word", "state"), [("failed", "FAILED"), ("refreshing", "UNKNOWN")])
def test_systemds_words_are_states(word: str, state: str) -> None:
    assert state_of(word) == state


@pytest.mark.parametrize("text", ["", "x" * 256])
def test_a_filter_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ServiceFilterInvalid):
        ServiceFilter(instance=text)
