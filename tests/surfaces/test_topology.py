"""USB on both surfaces: what is plugged in, its changes, names, rules; and the scripts' word."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.usb import BOARD, KEYBOARD, Sysfs
from tests.surfaces.conftest import Service
from tests.surfaces.jig import running_jig
from tests.surfaces.test_story import Socket, write_row

SERIAL = "a0b0c0d0"
CHANGES = (
    "subscription { topologyChanges { sequence snapshot removedNodes removedPorts portPatterns "
    "problem companionPairs { usb2Bus } nodes { id kind state serial } "
    "ports { id name contents permitted occupant { id state } } } }"
)
NAME = (
    "mutation ($port: ID!, $name: String!) { namePort(input: {port: $port, name: $name}) { "
    "... on PortNamed { id name port { name contents } } ... on Problem { code status field } } }"
)


@pytest.fixture
async def jig(tmp_path: Path) -> AsyncIterator[tuple[Service, Sysfs]]:
    async with running_jig(tmp_path) as made:
        await made[0].station.internal_token.keep()
        yield made


async def asked(service: Service, query: str, **variables: object) -> Any:
    answer = await service.graphql(query, **variables)
    assert "errors" not in answer, answer
    return answer["data"]


class Live:
    """A subscription to the changes."""

    def __init__(self, service: Service) -> None:
        self._socket = Socket(service)
        self._task = asyncio.create_task(self._socket.run([]))

    async def __aenter__(self) -> "Live":
        await self._socket.next()
        await self._socket.send({"type": "connection_init"})
        await self._socket.frame()
        # Stations of several tests in one process would else share frames of equal subscriptions.
        payload = {"query": f"{CHANGES} # {self._socket.service.root}"}
        await self._socket.send({"id": "1", "type": "subscribe", "payload": payload})
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def next(self) -> Any:
        """Returns the next frame."""
        return (await self._socket.frame())["payload"]["data"]["topologyChanges"]


async def test_the_topology_is_told_with_ports_of_two_paths(jig: tuple[Service, Sysfs]) -> None:
    service, sysfs = jig
    sysfs.plug("1-1.2", **BOARD, serial=SERIAL)
    sysfs.plug("3-2", **KEYBOARD)
    topology = (
        await asked(
            service,
            "mutation { rescanUsb { ... on UsbRescanned { topology { sequence scannedAt problem "
            "restricted companionPairs { usb2Bus usb3Bus usb3PortCount } nodes { id target } "
            "ports { id usb2Path usb3Path hubId contents speed permitted } } } } }",
        )
    )["rescanUsb"]["topology"]
    ports = {port["id"]: port for port in topology["ports"]}
    assert list(ports) == ["1-1", "1-1.1", "1-1.2", "1-1.3", "1-1.4", "1-2", "3-1", "3-2"]
    assert ports["1-1"]["speed"] == 5000
    assert ports["1-1.2"] == {
        "id": "1-1.2",
        "usb2Path": "1-1.2",
        "usb3Path": "2-1.2",
        "hubId": "1-1",
        "contents": "BOARD",
        "speed": 480,
        "permitted": True,
    }
    assert ports["3-2"]["contents"] == "OTHER"
    assert [node["id"] for node in topology["nodes"] if node["target"]] == ["1-1.2"]
    assert topology["companionPairs"][1] == {"usb2Bus": 3, "usb3Bus": 4, "usb3PortCount": 1}
    assert (topology["problem"], topology["restricted"]) == (None, False)


async def test_plugs_and_rows_and_rules_are_told_as_small_changes(
    jig: tuple[Service, Sysfs], tmp_path: Path
) -> None:
    service, sysfs = jig
    async with Live(service) as live:
        first = await live.next()
        sysfs.plug("1-1.2", **BOARD, serial=SERIAL)
        plugged = await live.next()
        write_row(tmp_path, SERIAL, "1-1.2", "BOOTSTRAP-STARTED")
        written = await live.next()
        sysfs.rules("jig.conf", "1-1.2\n")
        ruled = await live.next()
    assert (first["snapshot"], len(first["ports"]), first["problem"]) == (True, 8, "")
    assert [node["id"] for node in plugged["nodes"]] == ["1-1.2"]
    assert written["nodes"] == [
        {"id": "1-1.2", "kind": "DEVICE", "state": "BOOTSTRAP-STARTED", "serial": SERIAL}
    ]
    assert [port["occupant"]["state"] for port in written["ports"]] == ["BOOTSTRAP-STARTED"]
    assert (written["portPatterns"], ruled["portPatterns"]) == (None, ["1-1.2"])
    assert {port["id"] for port in ruled["ports"]} == {
        *("1-1", "1-1.1", "1-1.3", "1-1.4", "1-2", "3-1", "3-2")
    }
    sequences = [frame["sequence"] for frame in (first, plugged, written, ruled)]
    assert sequences == sorted(set(sequences))


async def test_a_client_that_comes_back_misses_nothing(jig: tuple[Service, Sysfs]) -> None:
    service, sysfs = jig
    async with Live(service) as live:
        await live.next()
    sysfs.plug("1-1.3", **BOARD)
    await service.station.usb.rescan()
    async with Live(service) as live:
        again = await live.next()
    assert again["snapshot"]
    assert {p["id"]: p["contents"] for p in again["ports"]}["1-1.3"] == "BOARD"


async def test_a_port_is_named_and_the_change_is_written_down(jig: tuple[Service, Sysfs]) -> None:
    service, _ = jig
    async with Live(service) as live:
        await live.next()
        named = (await asked(service, NAME, port="2-1.4", name="Head D"))["namePort"]
        change = await live.next()
    port = (await asked(service, '{ port(id: "1-1.4") { name } }'))["port"]
    rows = [tuple(row) for row in await service.audit_rows() if row["operation"] == "WRITE"]
    assert named == {
        "id": "1-1.4",
        "name": "Head D",
        "port": {"name": "Head D", "contents": "EMPTY"},
    }
    assert [(port["id"], port["name"]) for port in change["ports"]] == [("1-1.4", "Head D")]
    assert port == {"name": "Head D"}
    assert any("port 1-1.4 is called Head D" in str(row) for row in rows)


@pytest.mark.parametrize(
    ("port", "name", "code", "status"),
    [
        ("7-7", "x", "PORT_NOT_FOUND", 404),
        ("../../etc", "x", "PORT_NOT_FOUND", 404),
        ("1-1.1", "x" * 41, "PORT_NAME_INVALID", 400),
        ("1-1.1", "a\u0000b", "PORT_NAME_INVALID", 400),
    ],
)
async def test_a_name_that_cannot_be_is_a_problem(
    jig: tuple[Service, Sysfs], port: str, name: str, code: str, status: int
) -> None:
    problem = (await asked(jig[0], NAME, port=port, name=name))["namePort"]
    assert (problem["code"], problem["status"]) == (code, status)


async def test_names_survive_a_start(tmp_path: Path) -> None:
    async with running_jig(tmp_path) as (service, _):
        await asked(service, NAME, port="1-2", name="Spare")
    from tests.surfaces.conftest import running

    async with running(tmp_path) as again, Live(again) as live:
        frame = await live.next()
        while {port["id"]: port["name"] for port in frame["ports"]}.get("1-2") != "Spare":
            frame = await live.next()


async def test_the_rules_are_told_with_their_files_and_decisions(
    jig: tuple[Service, Sysfs],
) -> None:
    service, sysfs = jig
    sysfs.rules("jig.conf", "# head\n1-1.[!4]\n")
    sysfs.rules("jig.conf", "*\n", vendor=True)
    rules = await asked(
        service,
        "{ portRules { patterns restricted files { name origin masked problem "
        "lines { number text pattern } } } "
        'in: portPermitted(port: "1-1.2") { permitted pattern file line } '
        'out: portPermitted(port: "1-1.4") { permitted pattern file line } }',
    )
    assert rules["portRules"]["patterns"] == ["1-1.[!4]"]
    assert [(f["origin"], f["masked"]) for f in rules["portRules"]["files"]] == [
        ("LOCAL", False),
        ("VENDOR", True),
    ]
    assert rules["portRules"]["files"][0]["lines"] == [
        {"number": 1, "text": "# head", "pattern": None},
        {"number": 2, "text": "1-1.[!4]", "pattern": "1-1.[!4]"},
    ]
    path = "/etc/rpi-sb-provisioner/usb-ports.d/jig.conf"
    assert rules["in"] == {"permitted": True, "pattern": "1-1.[!4]", "file": path, "line": 2}
    assert rules["out"] == {"permitted": False, "pattern": None, "file": None, "line": None}


PLUGGED = """query($serial: String!) { device(serial: $serial) { ipAddress ipAddressReason
  generation plugged { id model generation ipAddress } } }"""


async def test_a_device_tells_what_is_plugged_in_of_it_and_its_address(
    jig: tuple[Service, Sysfs], tmp_path: Path
) -> None:
    service, sysfs = jig
    long = f"10000000{SERIAL}"
    write_row(tmp_path, SERIAL, "1-1.2", "BOOTSTRAP-STARTED")
    away = (await asked(service, PLUGGED, serial=SERIAL))["device"]
    log = tmp_path / f"var/log/rpi-sb-provisioner/{long}/provisioner.log"
    log.parent.mkdir(parents=True)
    sysfs.plug("1-1.2", **BOARD, serial=long)
    await service.station.usb.rescan()
    log.write_text('Running command: "fastboot -s tcp:169.254.7.9 getvar version"\n')
    await service.station.usb.rescan()
    there = (await asked(service, PLUGGED, serial=SERIAL))["device"]
    assert (away["ipAddress"], away["plugged"], away["generation"]) == (None, None, 5)
    assert "not plugged in" in away["ipAddressReason"]
    assert there["ipAddress"] == there["plugged"]["ipAddress"] == "169.254.7.9"
    assert str(log.relative_to(tmp_path)) in there["ipAddressReason"]
    assert (there["plugged"]["id"], there["plugged"]["generation"]) == ("1-1.2", 5)


async def test_a_path_that_is_none_has_a_code(jig: tuple[Service, Sysfs]) -> None:
    for query in ('{ portPermitted(port: "x") { permitted } }', '{ port(id: "x") { id } }'):
        errors = (await jig[0].graphql(query))["errors"]
        assert errors[0]["extensions"]["code"] in ("INVALID_PORT", "PORT_NOT_FOUND")


async def test_without_usb_the_part_says_why_and_the_rest_answers(
    empty_service: Service,
) -> None:
    topology = (await asked(empty_service, "{ topology { problem nodes { id } } }"))["topology"]
    parts = (await empty_service.client.get("/readyz")).json()["parts"]
    usb = next(part for part in parts if part["name"] == "usb")
    assert [node["id"] for node in topology["nodes"]] == ["server"]
    assert "/sys/bus/usb/devices" in topology["problem"]
    assert (usb["state"], usb["reason"]) == ("UNAVAILABLE", topology["problem"])


@pytest.mark.parametrize("path", ["/internal/state-changed", "/internal/manufacturing-recorded"])
async def test_the_scripts_announce_rows_with_the_token(
    jig: tuple[Service, Sysfs], path: str
) -> None:
    service, _ = jig
    file = service.root / "run/rpi-sb-provisioner/internal.token"
    headers = {"X-Internal-Token": file.read_text()}
    await service.station.usb.rescan()
    scans = service.station.usb.scanning.count
    plain = await service.client.post(path, headers=headers)
    told = await service.client.post(path, headers=headers, json={"serial": SERIAL})
    await service.station.usb.rescan()
    assert (plain.status_code, plain.content, told.status_code) == (204, b"", 204)
    assert service.station.usb.scanning.count > scans
    assert not [row for row in await service.audit_rows() if "internal" in str(tuple(row))]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Internal-Token": ""},
        {"X-Internal-Token": "0" * 64},
        {"X-Forwarded-For": "127.0.0.1"},
        {"Authorization": "Bearer x"},
    ],
)
async def test_for_everybody_else_there_is_nothing_there(
    jig: tuple[Service, Sysfs], headers: dict[str, str]
) -> None:
    answer = await jig[0].client.post("/internal/state-changed", headers=headers)
    nothing = await jig[0].client.post("/internal/no-such-path", headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")
    assert answer.json()["error"] == nothing.json()["error"]
    assert "token" not in answer.text.lower()


async def test_another_machine_is_refused_with_the_right_token(
    jig: tuple[Service, Sysfs],
) -> None:
    import httpx2

    service, _ = jig
    token = (service.root / "run/rpi-sb-provisioner/internal.token").read_text()
    transport = httpx2.ASGITransport(service.application.asgi, client=("10.0.0.9", 5000))
    headers = {"X-Internal-Token": token, "X-Forwarded-For": "127.0.0.1"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:3142") as client:
        answer = await client.post("/internal/state-changed", headers=headers)
    assert answer.status_code == 404
    assert "10.0.0.9" not in answer.text


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_announcements_are_posted(jig: tuple[Service, Sysfs], method: str) -> None:
    answer = await jig[0].client.request(method, "/internal/state-changed")
    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", ["/devices/_test", "/Devices/_TEST", "/devices/_test/hub"])
async def test_the_old_test_aid_is_not_there(
    jig: tuple[Service, Sysfs], path: str, method: str
) -> None:
    assert (await jig[0].client.request(method, path)).status_code == 404
