"""Services and their logs on both surfaces, over a journal and a systemd of the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from domain.services.journal import JournalGrew
from domain.services.runs import EXITED, FAILED, STARTING
from domain.services.services import Services
from domain.services.units import (
    BusUnavailable,
    Unit,
    UnitChanged,
    UnitState,
    UnitsUnavailable,
    UnitsUnintelligible,
)
from server.running import build_application
from server.settings import Settings
from server.wiring.station import open_station
from tests.fakes.journal import NOON, FakeJournal, about, own
from tests.fakes.units import FakeUnits
from tests.surfaces.conftest import NO_BUS, Service
from tests.surfaces.test_story import Socket

UNIT = "rpi-sb-provisioner@1000000000a0b000.service"
BOOTSTRAP = r"rpi-sb-bootstrap@dev-bus-usb-001\x2d4.service"
RUN = "1" * 32
LOG = f"/api/v2/service-log/{UNIT}"


class FailingUnits(FakeUnits):
    """A bus that fails in its own way."""

    error: type[UnitsUnavailable] = UnitsUnavailable

    async def list_units(self) -> list[Unit]:
        raise self.error("the bus said no")


@dataclass(frozen=True, slots=True)
class Line:
    """A service over these fakes."""

    service: Service
    journal: FakeJournal
    units: FakeUnits

    async def get(self, path: str, accept: str = "application/json") -> httpx2.Response:
        return await self.service.client.get(path, headers={"Accept": accept})

    async def graphql(self, query: str, **variables: object) -> Any:
        return await self.service.graphql(query, **variables)


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal(
        [
            own(BOOTSTRAP, "boots", 0),
            about(UNIT, "Starting it", 1, invocation=RUN, MESSAGE_ID=STARTING),
            *(own(UNIT, f"line {n}", 2 + n / 1000, invocation=RUN) for n in range(6)),
            about(
                UNIT,
                f"{UNIT}: Main process exited, code=exited, status=7",
                9,
                invocation=RUN,
                PRIORITY="5",
                MESSAGE_ID=EXITED,
                EXIT_CODE="exited",
                EXIT_STATUS="7",
            ),
            about(
                UNIT,
                "Failed with result 'exit-code'.",
                9.5,
                invocation=RUN,
                PRIORITY="4",
                MESSAGE_ID=FAILED,
                UNIT_RESULT="exit-code",
            ),
            own("ssh.service", "secret", 10),
        ]
    )


@pytest.fixture
def units() -> FakeUnits:
    units = FakeUnits(NOON)
    unit = Unit(UNIT, "Provision", "loaded", "failed", "failed")
    units.loaded[UNIT] = UnitState(unit, "exit-code", 7, RUN, None, NOON)
    return units


@pytest.fixture
async def line(tmp_path: Path, journal: FakeJournal, units: FakeUnits) -> AsyncIterator[Line]:
    async with AsyncExitStack() as stack:
        yield await opened(stack, tmp_path, journal, units)


async def opened(stack: AsyncExitStack, root: Path, journal: FakeJournal, units: FakeUnits) -> Line:
    chosen = Settings(root=root, bus_address=NO_BUS)
    station = await open_station(chosen, stack)
    station = replace(station, services=Services(station.hub, journal, units), units=units)
    application = build_application(station, chosen)
    transport = httpx2.ASGITransport(application.asgi, client=("127.0.0.1", 5000))
    client = httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:3142")
    await stack.enter_async_context(client)
    return Line(Service(client, station, application, root), journal, units)


async def test_both_surfaces_list_the_same_units(line: Line) -> None:
    rest = (await line.get("/api/v2/services")).json()["services"]
    query = "{ units { totalCount nodes { name baseName instance activeState subState state } } }"
    units = (await line.graphql(query))["data"]["units"]
    assert [service["full_name"] for service in rest] == [unit["name"] for unit in units["nodes"]]
    assert rest[0] == {
        "name": "rpi-sb-provisioner@",
        "instance": "1000000000a0b000",
        "base_name": "rpi-sb-provisioner",
        "full_name": UNIT,
        "active": "failed",
        "status": "failed",
        "timestamp": round(NOON.timestamp() * 1_000_000) + 2_005_000,
    }
    assert (rest[1]["active"], rest[1]["status"]) == ("inactive", "completed")
    assert (units["totalCount"], units["nodes"][1]["state"]) == (2, "FINISHED")


async def test_a_filter_finds_a_board(line: Line) -> None:
    query = '{ units(filter: {instance: "1000000000a0b000", state: FAILED}) { nodes { serial } } }'
    nodes = (await line.graphql(query))["data"]["units"]["nodes"]
    assert nodes == [{"serial": "1000000000a0b000"}]


async def test_a_unit_tells_how_its_last_run_ended(line: Line) -> None:
    query = """query($name: String!) { unit(name: $name) {
      family serial deviceNode
      lastRun { invocationId outcome result exitCode exitStatus seconds failure }
      runs(first: 5) { nodes { outcome startedAt endedAt } pageInfo { hasNextPage } } } }"""
    unit = (await line.graphql(query, name=UNIT.removesuffix(".service")))["data"]["unit"]
    assert unit["lastRun"] == {
        "invocationId": RUN,
        "outcome": "FAILED",
        "result": "exit-code",
        "exitCode": "exited",
        "exitStatus": 7,
        "seconds": 8.5,
        "failure": f"{UNIT}: Main process exited, code=exited, status=7",
    }
    assert unit["runs"]["nodes"] == [
        {
            "outcome": "FAILED",
            "startedAt": "2026-08-01T12:00:01+00:00",
            "endedAt": "2026-08-01T12:00:09.500000+00:00",
        }
    ]
    assert (unit["family"], unit["serial"]) == ("PROVISIONER", "1000000000a0b000")


async def test_a_bootstrap_unit_names_a_node_and_no_board(line: Line) -> None:
    query = "query($name: String!) { unit(name: $name) { serial deviceNode lastRun { result } } }"
    unit = (await line.graphql(query, name=BOOTSTRAP))["data"]["unit"]
    assert unit == {"serial": None, "deviceNode": "/dev/bus/usb/001-4", "lastRun": None}


async def test_the_journal_is_paged_with_cursors(line: Line) -> None:
    query = """query($after: String) { unitJournal(name: "%s", first: 4, after: $after) {
      complete totalCount nodes { message origin priority at }
      pageInfo { endCursor hasNextPage hasPreviousPage } } }"""
    first = (await line.graphql(query % UNIT))["data"]["unitJournal"]
    line.journal.write(own(UNIT, "newer", 20))
    after = first["pageInfo"]["endCursor"]
    second = (await line.graphql(query % UNIT, after=after))["data"]["unitJournal"]
    assert first["nodes"][0] == {
        "message": "Failed with result 'exit-code'.",
        "origin": "SYSTEMD",
        "priority": "WARNING",
        "at": "2026-08-01T12:00:09.500000+00:00",
    }
    assert [node["message"] for node in second["nodes"]] == [f"line {n}" for n in (3, 2, 1, 0)]
    assert (first["totalCount"], second["totalCount"], first["complete"]) == (9, 10, True)
    assert second["pageInfo"]["hasPreviousPage"] is True


async def test_the_journal_is_filtered(line: Line) -> None:
    query = """{ unit(name: "%s") { journal(order: OLDEST_FIRST, filter: {%s}) {
      totalCount nodes { message } } } }"""
    for wanted, count in (
        ("origin: UNIT", 6),
        ("priority: WARNING", 1),
        ('text: "LINE 3"', 1),
        (f'invocationId: "{RUN}"', 9),
        ('since: "2026-08-01T12:00:09Z"', 2),
    ):
        found = (await line.graphql(query % (UNIT, wanted)))["data"]["unit"]["journal"]
        assert len(found["nodes"]) == count, wanted
        assert found["totalCount"] == (count if wanted == "origin: UNIT" else None)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('{ unit(name: "ssh") { id } }', "SERVICE_UNAUTHORIZED"),
        ('{ unitJournal(name: "ssh") { complete } }', "SERVICE_UNAUTHORIZED"),
        ('{ unitLogDownload(name: "ssh") { url } }', "SERVICE_UNAUTHORIZED"),
        ('{ unit(name: "rpi-sb-none") { id } }', "UNIT_UNKNOWN"),
        ('{ unitJournal(name: "rpi-sb-x", after: "x") { complete } }', "INVALID_CURSOR"),
        ('{ unitJournal(name: "rpi-sb-x", first: 501) { complete } }', "INVALID_PAGE"),
        ("{ units(first: 100000) { totalCount } }", "INVALID_PAGE"),
        ('{ units(filter: {instance: ""}) { totalCount } }', "SERVICE_FILTER_INVALID"),
        (
            '{ unitJournal(name: "rpi-sb-x", filter: {bootId: "now"}) { complete } }',
            "JOURNAL_FILTER_INVALID",
        ),
    ],
)
async def test_bad_questions_are_typed_errors(line: Line, query: str, code: str) -> None:
    answer = await line.graphql(query)
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]


@pytest.mark.parametrize("member", ["bootId", "invocationId"])
async def test_a_bad_filter_names_the_member_that_the_client_sent(line: Line, member: str) -> None:
    query = f'{{ unitJournal(name: "rpi-sb-x", filter: {{{member}: "now"}}) {{ complete }} }}'
    error = (await line.graphql(query))["errors"][0]
    assert error["extensions"]["field"] == member
    assert member in error["message"]


async def test_a_page_of_the_log_is_newest_first(line: Line) -> None:
    body = (await line.get(f"{LOG}?page_size=2")).json()
    assert body == {
        "logs": ["2026-08-01T12:00:02.005Z line 5", "2026-08-01T12:00:02.004Z line 4"],
        "service_name": UNIT,
        "page": 1,
        "page_size": 2,
        "total_entries": 6,
        "total_pages": 3,
        "order": "desc",
    }


@pytest.mark.parametrize(
    ("parameters", "page", "size", "order", "first"),
    [
        ("page=2&page_size=4&order=asc", 2, 4, "asc", "line 4"),
        ("page=99&page_size=4&order=asc", 2, 4, "asc", "line 4"),
        ("page=2x&page_size=4&order=ASC", 2, 4, "desc", "line 1"),
        ("page=-1&page_size=0", 1, 50, "desc", "line 5"),
        ("page=abc&page_size=501", 1, 500, "desc", "line 5"),
        ("page=99999999999&page_size=99999999999", 1, 50, "desc", "line 5"),
    ],
)
async def test_numbers_are_read_as_before(
    line: Line, parameters: str, page: int, size: int, order: str, first: str
) -> None:
    body = (await line.get(f"{LOG}?{parameters}")).json()
    assert (body["page"], body["page_size"], body["order"]) == (page, size, order)
    assert body["logs"][0].endswith(first)


async def test_the_suffix_may_be_missing_and_is_not_echoed(line: Line) -> None:
    body = (await line.get(LOG.removesuffix(".service"))).json()
    assert (body["service_name"], body["total_entries"]) == (UNIT.removesuffix(".service"), 6)


async def test_a_unit_without_lines_has_an_empty_page(line: Line) -> None:
    body = (await line.get("/api/v2/service-log/rpi-sb-none?page=9")).json()
    assert (body["logs"], body["page"], body["total_pages"]) == ([], 9, 0)


async def test_a_name_with_a_backslash_is_found(line: Line) -> None:
    body = (await line.get(f"/api/v2/service-log/{quote(BOOTSTRAP, safe='')}")).json()
    assert [log.partition(" ")[2] for log in body["logs"]] == ["boots"]


@pytest.mark.parametrize("name", ["ssh.service", "", "RPI-SB-x", "rpi-provisioner-ui.service"])
@pytest.mark.parametrize("path", ["/api/v2/service-log/", "/service-log/"])
async def test_other_units_are_refused(line: Line, path: str, name: str) -> None:
    answer = await line.get(f"{path}{name}")
    assert (answer.status_code, answer.json()["error_code"]) == (403, "SERVICE_UNAUTHORIZED")
    assert answer.json()["details"] == f"Requested service: {name}"


async def test_the_page_address_gives_json_only_to_who_asks(line: Line) -> None:
    path = f"/service-log/{UNIT}?page_size=1"
    data, page = await line.get(path), await line.get(path, "text/html, */*")
    assert data.text.startswith('{\n\t"logs": [\n\t\t"2026-08-01')
    assert data.text.endswith("}\n")
    assert page.headers["content-type"].startswith("text/html")
    refused = await line.get("/service-log/ssh.service", "*/*")
    assert refused.headers["content-type"].startswith("application/json")


async def test_the_page_of_services_needs_nobody(line: Line) -> None:
    line.units.reason, line.journal.reason = "no bus", "no journal"
    answer = await line.get("/services")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


async def test_without_a_bus_the_list_says_what_the_journal_knows(line: Line) -> None:
    line.units.reason = "systemd is away"
    body = (await line.get("/api/v2/services")).json()
    assert {(s["active"], s["status"]) for s in body["services"]} == {("unknown", "unknown")}
    assert body["warning"] == {"error": "systemd is away", "error_code": "LIST_UNITS_ERROR"}
    units = (await line.graphql("{ units { nodes { state activeState } } }"))["data"]["units"]
    assert units["nodes"] == [{"state": "UNAVAILABLE", "activeState": None}] * 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BusUnavailable, "BUS_CONNECT_ERROR"),
        (UnitsUnavailable, "LIST_UNITS_ERROR"),
        (UnitsUnintelligible, "PARSE_RESPONSE_ERROR"),
    ],
)
async def test_without_a_bus_and_a_journal_the_bus_is_to_blame(
    tmp_path: Path, error: type[UnitsUnavailable], code: str
) -> None:
    failing = FailingUnits(NOON)
    failing.error = error
    async with AsyncExitStack() as stack:
        line = await opened(stack, tmp_path, FakeJournal(), failing)
        rest = await line.get("/api/v2/services")
        graphql = await line.graphql("{ units { totalCount } }")
    assert (rest.status_code, rest.json()["error_code"]) == (500, code)
    assert graphql["errors"][0]["extensions"]["code"] == "UNITS_UNAVAILABLE"


async def test_without_a_journal_logs_are_unavailable(line: Line) -> None:
    line.journal.reason = "the disk is gone"
    rest = await line.get(LOG)
    graphql = await line.graphql(f'{{ unitJournal(name: "{UNIT}") {{ complete }} }}')
    assert (rest.status_code, rest.json()["error_code"]) == (500, "JOURNAL_OPEN_ERROR")
    assert graphql["errors"][0]["extensions"]["code"] == "JOURNAL_UNAVAILABLE"
    listed = (await line.get("/api/v2/services")).json()
    assert (listed["services"], listed["warning"]["error_code"]) == ([], "JOURNAL_OPEN_ERROR")


async def test_the_whole_log_is_downloaded_from_the_address_that_is_told(line: Line) -> None:
    line.journal.write(own(UNIT, "two\nlines \x1b[31m", 20))
    query = "query($name: String!) { unitLogDownload(name: $name) { url fileName } }"
    told = (await line.graphql(query, name=UNIT))["data"]["unitLogDownload"]
    answer = await line.get(told["url"], "*/*")
    lines = answer.text.splitlines()
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert f'filename="{told["fileName"]}"' in answer.headers["content-disposition"]
    assert lines[0] == "2026-08-01T12:00:01.000Z systemd[1]: Starting it"
    assert lines[-2:] == ["2026-08-01T12:00:20.000Z script[4711]: two", "    lines ␛[31m"]
    assert len(lines) == 11


async def test_a_download_has_its_errors(line: Line) -> None:
    unknown = await line.get("/api/v2/service-log/rpi-sb-none/download")
    refused = await line.get("/api/v2/service-log/ssh/download")
    assert (unknown.status_code, unknown.json()["error_code"]) == (404, "UNIT_UNKNOWN")
    assert (refused.status_code, refused.json()["error_code"]) == (403, "SERVICE_UNAUTHORIZED")


async def test_readings_are_written_down(line: Line) -> None:
    await line.get(f"{LOG}?page=1")
    await line.get("/service-log/ssh.service")
    await line.get("/api/v2/services")
    await line.graphql('{ unitJournal(name: "rpi-sb-x") { complete } }')
    rows = await line.service.audit_rows()
    told = [(row["event_type"], row["handler_path"] or row["target_path"]) for row in rows]
    assert told == [
        ("HANDLER_ACCESS", LOG),
        ("SYSTEMD_LOG_ACCESS", UNIT),
        ("HANDLER_ACCESS", "/service-log/ssh.service"),
        ("HANDLER_ACCESS", "/api/v2/services"),
        ("HANDLER_ACCESS", "/graphql#unitJournal"),
        ("SYSTEMD_LOG_ACCESS", "rpi-sb-x"),
    ]
    assert rows[1]["operation"] == "VIEW"


async def subscribed(socket: Socket, query: str) -> None:
    await socket.next()
    await socket.send({"type": "connection_init"})
    await socket.frame()
    await socket.send({"id": "1", "type": "subscribe", "payload": {"query": query}})


async def test_a_log_is_followed(line: Line) -> None:
    query = 'subscription { unitLog(name: "%s", tail: 1) { sequence snapshot lines { message } } }'
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(line.service)
        serving = tasks.create_task(socket.run([]))
        await subscribed(socket, query % UNIT)
        first = (await socket.frame())["payload"]["data"]["unitLog"]
        line.journal.write(own(UNIT, "new", 30))
        line.service.station.hub.publish(JournalGrew())
        second = (await socket.frame())["payload"]["data"]["unitLog"]
        serving.cancel()
    rows = await line.service.audit_rows()
    assert [row["target_path"] for row in rows if row["operation"] == "VIEW"] == [UNIT]
    assert (first["snapshot"], len(first["lines"])) == (True, 1)
    assert second == {"sequence": 2, "snapshot": False, "lines": [{"message": "new"}]}


async def test_changes_of_units_are_followed(line: Line) -> None:
    query = "subscription { unitChanges { snapshot units { name state result } } }"
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(line.service)
        serving = tasks.create_task(socket.run([]))
        await subscribed(socket, query)
        first = (await socket.frame())["payload"]["data"]["unitChanges"]
        line.service.station.hub.publish(UnitChanged(UNIT, "active", "running", ""))
        second = (await socket.frame())["payload"]["data"]["unitChanges"]
        serving.cancel()
    assert first == {
        "snapshot": True,
        "units": [{"name": UNIT, "state": "FAILED", "result": None}],
    }
    assert second["units"] == [{"name": UNIT, "state": "ACTIVE", "result": None}]


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ('unitLog(name: "ssh") { sequence }', "SERVICE_UNAUTHORIZED"),
        ("unitChanges { sequence }", "UNITS_UNAVAILABLE"),
    ],
)
async def test_a_subscription_that_cannot_be_is_a_typed_error(
    line: Line, field: str, code: str
) -> None:
    line.units.reason = "no bus"
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(line.service)
        serving = tasks.create_task(socket.run([]))
        await subscribed(socket, f"subscription {{ {field} }}")
        frame = await socket.frame()
        serving.cancel()
    errors = frame["payload"]["errors"] if frame["type"] == "next" else frame["payload"]
    assert errors[0]["extensions"]["code"] == code
