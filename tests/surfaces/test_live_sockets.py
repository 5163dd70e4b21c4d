"""The legacy WebSocket of the topology (contract devices section 7)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.caller import Caller, Role
from domain.devices.live_topology import LiveTopology
from rest_compat.devices.live import message
from rest_compat.errors import json_bytes
from rest_compat.routes import ROUTES, SOCKETS
from rest_compat.sockets import SocketEndpoint
from server.settings import Token
from tests.fakes.usb import BOARD, HUB2, HUB3, KEYBOARD, Sysfs
from tests.surfaces.conftest import Service, running
from tests.surfaces.jig import build_jig, running_jig
from tests.surfaces.test_story import Socket, write_row

SERIAL = "a0b0c0d0"
LOCAL = Caller("local", Role.VIEWER, "127.0.0.1", "127.0.0.1", "", "", "", "1")


@pytest.fixture
async def jig(tmp_path: Path) -> AsyncIterator[tuple[Service, Sysfs]]:
    async with running_jig(tmp_path) as made:
        yield made


@asynccontextmanager
async def opened(service: Service, path: str = "/ws/devices") -> AsyncIterator[Socket]:
    """Opens a socket and closes it as a client does."""
    socket = Socket(service)
    serving = asyncio.create_task(socket.run([], path=path))
    assert (await socket.next())["type"] == "websocket.accept"
    yield socket
    await socket.sent.put({"type": "websocket.disconnect", "code": 1000})
    await asyncio.wait_for(serving, 5)


def nodes(frame: Any) -> dict[str, Any]:
    return {node["id"]: node for node in frame["nodes"]}


async def test_the_first_frame_is_the_whole_topology(
    jig: tuple[Service, Sysfs], tmp_path: Path
) -> None:
    service, sysfs = jig
    write_row(tmp_path, SERIAL, "1-1.2", "BOOTSTRAP-STARTED")
    sysfs.plug("1-1.2", **BOARD, serial=SERIAL)
    sysfs.plug("3-2", **KEYBOARD, speed="1.5")
    sysfs.rules("jig.conf", "1-*\n1-*\n")
    await service.station.usb.rescan()
    async with opened(service) as socket:
        frame = await socket.frame()
    found = nodes(frame)
    assert {name for name in frame if name != "nodes"} == {
        *("type", "timestamp", "usbPortRules", "usbPortRestrictionActive", "companionPairs")
    }
    assert (frame["type"], type(frame["timestamp"])) == ("topology", int)
    assert (frame["usbPortRules"], frame["usbPortRestrictionActive"]) == (["1-*", "1-*"], True)
    assert frame["companionPairs"] == [
        {"hsBus": 1, "ssBus": 2, "ssPortCount": 1},
        {"hsBus": 3, "ssBus": 4, "ssPortCount": 1},
    ]
    assert list(found) == sorted(found)
    assert found["server"] == {
        "id": "server",
        "parentId": None,
        "isHub": True,
        "vendor": "Provisioner",
        "product": "Server",
    }
    assert found["1-1"] == {
        "id": "1-1",
        "parentId": "server",
        "isHub": True,
        "portPermitted": True,
        "vendor": HUB2["idVendor"],
        "product": HUB2["idProduct"],
        "productName": HUB2["product"],
        "model": HUB2["product"],
        "speed": 480,
    }
    assert found["2-1"]["product"] == HUB3["idProduct"]
    assert found["1-1.1"] == {
        "id": "1-1.1",
        "parentId": "1-1",
        "isHub": False,
        "portPermitted": True,
        "placeholder": True,
    }
    assert found["1-1.2"] == {
        "id": "1-1.2",
        "parentId": "1-1",
        "isHub": False,
        "portPermitted": True,
        "vendor": "0a5c",
        "product": "2712",
        "productName": "BCM2712 Boot",
        "serial": SERIAL,
        "state": "BOOTSTRAP-STARTED",
        "image": "os.img",
        "model": "BCM2712 Boot",
        "modelGen": 5,
        "boardType": "18",
        "speed": 480,
    }
    assert (found["3-2"]["portPermitted"], found["3-2"]["speed"]) == (False, 1)
    assert not any(id.endswith("-0") for id in found)


async def test_each_change_is_the_whole_again(jig: tuple[Service, Sysfs], tmp_path: Path) -> None:
    service, sysfs = jig
    async with opened(service) as socket:
        first = await socket.frame()
        sysfs.plug("1-1.2", **BOARD, serial=SERIAL)
        await service.station.usb.rescan()
        plugged = await socket.frame()
        write_row(tmp_path, SERIAL, "1-1.2", "BOOTSTRAP-STARTED")
        written = await socket.frame()
    assert len(first["nodes"]) == len(plugged["nodes"]) == len(written["nodes"])
    assert nodes(plugged)["1-1.2"]["serial"] == SERIAL
    assert nodes(written)["1-1.2"]["state"] == "BOOTSTRAP-STARTED"
    assert "removed" not in {**plugged, **written}


async def test_ids_that_are_gone_are_removed_and_placeholders_are_not(
    jig: tuple[Service, Sysfs],
) -> None:
    service, sysfs = jig
    sysfs.plug("1-1.2", **BOARD)
    await service.station.usb.rescan()
    async with opened(service) as socket:
        await socket.frame()
        sysfs.pull("1-1.2")
        await service.station.usb.rescan()
        pulled = await socket.frame()
        sysfs.pull("1-1")
        await service.station.usb.rescan()
        gone = await socket.frame()
    async with opened(service) as late:
        snapshot = await late.frame()
    assert "removed" not in pulled
    assert gone["removed"] == ["1-1.1", "1-1.2", "1-1.3", "1-1.4"]
    assert "removed" not in snapshot


async def test_without_pairs_the_member_is_absent_and_without_usb_the_server_is_there(
    empty_service: Service,
) -> None:
    async with opened(empty_service) as socket:
        frame = await socket.frame()
    assert "companionPairs" not in frame
    assert [node["id"] for node in frame["nodes"]] == ["server"]
    assert (frame["usbPortRules"], frame["usbPortRestrictionActive"]) == ([], False)


async def test_all_sockets_get_the_same_text_made_once(jig: tuple[Service, Sysfs]) -> None:
    service, sysfs = jig
    async with opened(service) as one, opened(service) as two:
        first = [(await socket.next())["text"] for socket in (one, two)]
        sysfs.plug("1-1.2", **BOARD)
        await service.station.usb.rescan()
        then = [(await socket.next())["text"] for socket in (one, two)]
    # One object, not two equal ones.
    assert first[0] is first[1]
    assert then[0] is then[1]
    assert then[0].endswith("}\n")


async def test_what_does_not_show_here_is_no_frame(jig: tuple[Service, Sysfs]) -> None:
    service, sysfs = jig
    async with opened(service) as socket:
        await socket.frame()
        await service.station.usb.name("1-1.1", "Head A")
        sysfs.plug("1-1.2", **BOARD)
        await service.station.usb.rescan()
        assert nodes(await socket.frame())["1-1.2"]["vendor"] == "0a5c"


async def test_what_the_client_says_is_ignored(jig: tuple[Service, Sysfs]) -> None:
    service, sysfs = jig
    async with opened(service) as socket:
        await socket.frame()
        for said in ({"text": "[1]"}, {"text": "x" * 100_000}, {"bytes": b"\x00\xff"}):
            await socket.sent.put({"type": "websocket.receive", **said})
        sysfs.plug("1-1.2", **BOARD)
        await service.station.usb.rescan()
        assert (await socket.frame())["type"] == "topology"
        assert socket.sent.empty()


async def test_a_client_that_stops_reading_slows_nobody_and_is_closed(tmp_path: Path) -> None:
    sysfs = build_jig(tmp_path)
    async with running(tmp_path) as service:
        endpoint = SocketEndpoint(service.station, SOCKETS, stall_seconds=0.2)
        stalled = Stalled(endpoint)
        serving = asyncio.create_task(stalled.run())
        await asyncio.wait_for(stalled.began.wait(), 5)
        async with opened(service) as socket:
            await socket.frame()
            for port in ("1-1.1", "1-1.2", "1-1.3"):
                sysfs.plug(port, **BOARD)
                await service.station.usb.rescan()
                assert nodes(await socket.frame())[port]["vendor"] == "0a5c"
        await asyncio.wait_for(serving, 5)
    assert stalled.closed == [1008]
    assert len(endpoint) == 0


class Stalled:
    """A client that takes the first frame and never reads again."""

    def __init__(self, endpoint: SocketEndpoint) -> None:
        self.began = asyncio.Event()
        self.closed: list[int] = []
        self._frames = 0
        self._endpoint = endpoint
        self._says: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._says.put_nowait({"type": "websocket.connect"})

    async def run(self) -> None:
        scope = {"type": "websocket", "path": "/ws/devices", "headers": [], "caller": LOCAL}
        await self._endpoint(scope, self._says.get, self._take)

    async def _take(self, told: Any) -> None:
        if told["type"] == "websocket.close":
            self.closed.append(told["code"])
        if told["type"] == "websocket.send":
            self._frames += 1
            if self._frames > 1:
                await asyncio.Event().wait()
            self.began.set()


async def test_every_socket_is_closed_with_1001_when_the_service_stops(
    jig: tuple[Service, Sysfs],
) -> None:
    service, _ = jig
    sockets = [Socket(service) for _ in range(3)]
    serving = [asyncio.create_task(socket.run([], path="/ws/devices")) for socket in sockets]
    for socket in sockets:
        await socket.next()
        await socket.frame()
    await service.application.sockets.close_all()
    closed = [await socket.next() for socket in sockets]
    await asyncio.wait_for(asyncio.gather(*serving), 5)
    assert [(told["type"], told["code"]) for told in closed] == [("websocket.close", 1001)] * 3
    assert len(service.application.sockets) == 0


@pytest.mark.parametrize("path", ["/ws/nothing", "/ws/devices/", "/ws", "/"])
async def test_an_unknown_socket_is_404(service: Service, path: str) -> None:
    socket = Socket(service)
    await socket.run([], path=path)
    assert (await socket.next())["status"] == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
async def test_without_an_upgrade_the_path_is_unknown(service: Service, method: str) -> None:
    assert (await service.client.request(method, "/ws/devices")).status_code == 404


async def test_the_path_is_found_in_any_case(jig: tuple[Service, Sysfs]) -> None:
    async with opened(jig[0], path="/WS/Devices") as socket:
        assert (await socket.frame())["type"] == "topology"


async def test_a_page_of_another_site_gets_no_socket(service: Service) -> None:
    socket = Socket(service)
    await socket.run([(b"origin", b"http://evil.example")], path="/ws/devices")
    assert (await socket.next())["status"] == 403


async def test_where_tokens_are_wanted_the_handshake_needs_one(station_root: Path) -> None:
    token = Token("mes", Role.VIEWER, hashlib.sha256(b"look").hexdigest())
    async with running(station_root, tokens=(token,)) as service:
        refused = Socket(service)
        await refused.run([], path="/ws/devices")
        status = (await refused.next())["status"]
        body = orjson.loads((await refused.next())["body"])
        welcome = Socket(service)
        serving = asyncio.create_task(
            welcome.run([(b"authorization", b"Bearer look")], path="/ws/devices")
        )
        accepted = (await welcome.next())["type"]
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert (status, body["error_code"]) == (401, "UNAUTHENTICATED")
    assert accepted == "websocket.accept"


async def test_both_surfaces_tell_the_same_facts(
    jig: tuple[Service, Sysfs], tmp_path: Path
) -> None:
    service, sysfs = jig
    write_row(tmp_path, SERIAL, "1-1.2", "BOOTSTRAP-STARTED")
    sysfs.plug("1-1.2", **BOARD, serial=SERIAL)
    sysfs.rules("jig.conf", "1-1.2\n")
    await service.station.usb.rescan()
    async with opened(service) as socket:
        legacy = nodes(await socket.frame())
    query = (
        "{ topology { nodes { id parentId vendor: vendorId product: productId productName serial "
        "state image model modelGen: generation boardType speed portPermitted: permitted } } }"
    )
    data = (await service.graphql(query))["data"]["topology"]["nodes"]
    for node in data:
        if node["id"] != "server":
            told = legacy[node["id"]]
            assert {name: told.get(name) for name in node} == node


def test_a_text_with_a_lone_surrogate_is_still_json() -> None:
    told = message(LiveTopology(patterns=("\udcff",)))
    assert orjson.loads(json_bytes(told))["usbPortRules"] == ["\ufffd"]


def test_sockets_have_watches_and_no_path_of_a_route() -> None:
    served = {route.path: route.serves.name for route in SOCKETS}
    assert served["/ws/devices"] == "watch_topology"
    assert not {route.path for route in SOCKETS} & {path for r in ROUTES for path in r.paths}
