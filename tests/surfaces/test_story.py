"""One story told through both surfaces, and live: the facts are the same."""

import asyncio
import hashlib
import subprocess
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.caller import Role
from schema.build import build_schema
from schema.limits import Limits
from server.settings import Token
from tests.surfaces.conftest import Service, running

LIVE = "subscription { stationChanges { sequence } }"
TABLE = (
    "create table if not exists devices(id integer primary key, serial TEXT not null, "
    "endpoint TEXT not null, state TEXT not null, image TEXT not null, ip_address TEXT not null, "
    "board_type TEXT not null default '', ts timestamp default current_timestamp)"
)


def write_row(root: Path, serial: str, port: str, state: str) -> None:
    """Appends a row as the station's scripts do: by the sqlite3 program."""
    file = root / "srv/rpi-sb-provisioner/state.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    insert = (
        "insert into devices(serial, endpoint, state, image, ip_address, board_type) "
        f"values('{serial}', '{port}', '{state}', 'os.img', '', '18')"
    )
    script = f"pragma busy_timeout=5000; pragma journal_mode=wal; {TABLE}; {insert};"
    subprocess.run(["sqlite3", file, script], check=True, capture_output=True)


@dataclass
class Socket:
    """A WebSocket in this process, frame by frame."""

    service: Service
    sent: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    got: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)

    def __post_init__(self) -> None:
        self.sent.put_nowait({"type": "websocket.connect"})

    async def run(self, headers: list[tuple[bytes, bytes]], path: str = "/graphql") -> None:
        """Serves the socket until the application ends it."""
        scope = {
            "type": "websocket",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"127.0.0.1:3142"), *headers],
            "client": ("127.0.0.1", 5001),
            "server": ("127.0.0.1", 3142),
            "scheme": "ws",
            "subprotocols": ["graphql-transport-ws"],
            "extensions": {"websocket.http.response": {}},
        }
        await self.service.application.asgi(scope, self.sent.get, self._take)

    async def _take(self, message: MutableMapping[str, Any]) -> None:
        await self.got.put(dict(message))

    async def send(self, message: object) -> None:
        """Sends one JSON frame."""
        await self.sent.put({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    async def next(self) -> dict[str, Any]:
        """Returns the next raw message of the application, waiting at most 5 s."""
        return await asyncio.wait_for(self.got.get(), 5)

    async def frame(self) -> Any:
        """Returns the next JSON frame."""
        message = await self.next()
        assert message["type"] == "websocket.send", message
        return orjson.loads(message["text"])


async def _subscribed(socket: Socket, query: str) -> None:
    assert (await socket.next())["type"] == "websocket.accept"
    await socket.send({"type": "connection_init"})
    assert (await socket.frame())["type"] == "connection_ack"
    await socket.send({"id": "1", "type": "subscribe", "payload": {"query": query}})


async def _frames(socket: Socket) -> AsyncIterator[Any]:
    while True:
        yield (await socket.frame())["payload"]["data"]["stationChanges"]


async def test_a_row_shows_on_rest_graphql_and_live(tmp_path: Path) -> None:
    async with running(tmp_path) as service, asyncio.TaskGroup() as tasks:
        socket = Socket(service)
        serving = tasks.create_task(socket.run([]))
        await _subscribed(
            socket, "subscription { stationChanges { sequence snapshot station { deviceCount } } }"
        )
        first = await anext(_frames(socket))
        write_row(tmp_path, "10000000a0b0c0d0", "1-1.2", "TRIAGE-STARTED")
        async for live in _frames(socket):
            if live["station"]["deviceCount"] == 1:
                break
        rest = (await service.client.get("/devices/10000000a0b0c0d0")).json()
        query = '{ device(serial: "a0b0c0d0") { serial port state image boardType } }'
        device = (await service.graphql(query))["data"]["device"]
        serving.cancel()
    assert (first["snapshot"], first["station"]["deviceCount"]) == (True, 0)
    assert live["sequence"] > first["sequence"]
    assert rest == {"serial": "10000000a0b0c0d0", "port": "1-1.2", "state": "TRIAGE-STARTED"}
    assert device == {
        "serial": "10000000a0b0c0d0",
        "port": "1-1.2",
        "state": "TRIAGE-STARTED",
        "image": "os.img",
        "boardType": "18",
    }


async def test_a_socket_of_another_site_is_refused(service: Service) -> None:
    socket = Socket(service)
    await socket.run([(b"origin", b"http://evil.example")])
    refused = await socket.next()
    assert (refused["type"], refused["status"]) == ("websocket.http.response.start", 403)


async def test_an_unknown_socket_is_404(service: Service) -> None:
    socket = Socket(service)
    await socket.run([], path="/ws/nothing")
    assert (await socket.next())["status"] == 404


async def test_garbage_closes_with_4400_and_the_service_goes_on(service: Service) -> None:
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(service)
        serving = tasks.create_task(socket.run([]))
        assert (await socket.next())["type"] == "websocket.accept"
        await socket.sent.put({"type": "websocket.receive", "text": "}{"})
        closed = await socket.next()
        await socket.sent.put({"type": "websocket.disconnect", "code": 4400})
        await asyncio.wait_for(serving, 5)
    assert (closed["type"], closed["code"]) == ("websocket.close", 4400)
    assert (await service.client.get("/healthz")).text == "ok\n"


async def test_subscribing_before_the_init_closes_with_4401(service: Service) -> None:
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(service)
        serving = tasks.create_task(socket.run([]))
        await socket.next()
        await socket.send({"id": "1", "type": "subscribe", "payload": {"query": "{__typename}"}})
        closed = await socket.next()
        await socket.sent.put({"type": "websocket.disconnect", "code": 4401})
        await asyncio.wait_for(serving, 5)
    assert closed["code"] == 4401


async def test_equal_subscriptions_share_one_execution_and_one_frame(tmp_path: Path) -> None:
    query = "subscription { stationChanges { sequence station { deviceCount } } }"
    async with running(tmp_path) as service, asyncio.TaskGroup() as tasks:
        sockets = [Socket(service) for _ in range(20)]
        serving = [tasks.create_task(socket.run([])) for socket in sockets]
        for socket in sockets:
            await _subscribed(socket, query)
            await socket.frame()
        executor: Any = build_schema(Limits()).execution_context_class
        frames = executor.frames
        before = frames.executions
        write_row(tmp_path, "10000000a0b0c0d1", "1-1.3", "TRIAGE-STARTED")
        seen = [await socket.next() for socket in sockets]
        executions = frames.executions - before
        for task in serving:
            task.cancel()
    assert len({message["text"] for message in seen}) == 1
    assert executions <= 2


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "connection_init"}, {"type": "connection_init"}], 4429),
        ([{"type": "connection_init", "payload": 1}], 4400),
        ([{"type": "nonsense"}], 4400),
        ([[1, 2]], 4400),
        (
            [
                {"type": "connection_init"},
                {"id": "1", "type": "subscribe", "payload": {"query": LIVE}},
                {"id": "1", "type": "subscribe", "payload": {"query": LIVE}},
            ],
            4409,
        ),
    ],
)
async def test_a_broken_rule_of_the_protocol_closes_with_its_code(
    service: Service, messages: list[object], code: int
) -> None:
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(service)
        serving = tasks.create_task(socket.run([]))
        for message in messages:
            await socket.send(message)
        while (answer := await socket.next())["type"] != "websocket.close":
            pass
        await socket.sent.put({"type": "websocket.disconnect", "code": code})
        await asyncio.wait_for(serving, 5)
    assert answer["code"] == code


async def test_two_tokens_in_the_first_message_are_none(tmp_path: Path) -> None:
    token = Token("mes", Role.VIEWER, hashlib.sha256(b"look").hexdigest())
    payload = {"authorization": "Bearer look", "Authorization": "Bearer look"}
    async with running(tmp_path, tokens=(token,)) as service, asyncio.TaskGroup() as tasks:
        socket = Socket(service)
        serving = tasks.create_task(socket.run([]))
        await socket.send({"type": "connection_init", "payload": payload})
        assert (await socket.next())["type"] == "websocket.accept"
        assert (await socket.next())["code"] == 4403
        serving.cancel()


@pytest.mark.parametrize("key", ["authorization", "Authorization", "AUTHORIZATION"])
async def test_a_token_may_come_with_the_first_message(tmp_path: Path, key: str) -> None:
    token = Token("mes", Role.VIEWER, hashlib.sha256(b"look").hexdigest())
    async with running(tmp_path, tokens=(token,)) as service, asyncio.TaskGroup() as tasks:
        good, bad = Socket(service), Socket(service)
        serving = [tasks.create_task(socket.run([])) for socket in (good, bad)]
        await good.send({"type": "connection_init", "payload": {key: "Bearer look"}})
        await bad.send({"type": "connection_init", "payload": {key: "Bearer no"}})
        assert (await good.next())["type"] == "websocket.accept"
        assert (await good.frame())["type"] == "connection_ack"
        assert (await bad.next())["type"] == "websocket.accept"
        assert (await bad.next())["code"] == 4403
        for task in serving:
            task.cancel()
