"""Speaks ASGI with an endpoint in this process, frame by frame, as a server would."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import ASGIApp, Message

LIMIT = 5.0
PROTOCOL = "graphql-transport-ws"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def code(self) -> str:
        code: str = self.json["errors"][0]["extensions"]["code"]
        return code


async def ask(
    app: ASGIApp, method: str = "POST", *, body: object = b"", query: str = "", **headers: str
) -> Answer:
    """Sends one request; `headers` are spelled with underscores, an empty one is left out."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    sent = {"content_type": "application/json", **headers} if method == "POST" else headers
    scope = {
        "type": "http", "method": method, "path": "/graphql", "raw_path": b"/graphql",
        "query_string": query.encode(), "scheme": "http", "server": ("127.0.0.1", 80),
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in sent.items() if v],
    }  # fmt: skip
    came: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        came.append(message)

    await app(scope, receive, send)
    told = {name.decode(): value.decode() for name, value in came[0]["headers"]}
    return Answer(came[0]["status"], told, b"".join(m.get("body", b"") for m in came[1:]))


@dataclass
class Socket:
    """One WebSocket. While `reads` is not set, the transport takes nothing more, as when a client
    has stopped reading and the buffers are full."""

    to_app: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    from_app: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    given_up: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the application stopped trying to send a frame."""
    subprotocol: str | None = None

    async def send(self, message: object) -> None:
        """Sends a message as JSON text."""
        await self.send_text(orjson.dumps(message).decode())

    async def send_text(self, text: str) -> None:
        await self.to_app.put({"type": "websocket.receive", "text": text})

    async def send_bytes(self, data: bytes) -> None:
        await self.to_app.put({"type": "websocket.receive", "bytes": data})

    async def next_text(self) -> str:
        """Returns the next frame, which must be text."""
        frame = await asyncio.wait_for(self.from_app.get(), LIMIT)
        assert frame["type"] == "websocket.send", frame
        assert frame.get("bytes") is None
        text: str = frame["text"]
        return text

    async def next(self) -> Any:
        """Returns the next message."""
        return orjson.loads(await self.next_text())

    async def closing(self) -> tuple[int, str]:
        """Returns code and reason of the close frame, which must come next."""
        frame = await asyncio.wait_for(self.from_app.get(), LIMIT)
        assert frame["type"] == "websocket.close", frame
        return frame["code"], frame["reason"]

    async def init(self, payload: object = None) -> None:
        """Opens the conversation."""
        await self.send({"type": "connection_init", "payload": payload})
        assert (await self.next())["type"] == "connection_ack"

    async def subscribe(self, id: str, query: str, **members: object) -> None:
        payload = {"query": query, **members}
        await self.send({"id": id, "type": "subscribe", "payload": payload})

    @property
    def is_quiet(self) -> bool:
        return self.from_app.empty()

    async def take(self, message: Message) -> None:
        """Takes what the application sends."""
        if message["type"] == "websocket.accept":
            self.subprotocol = message["subprotocol"]
            return
        try:
            await self.reads.wait()
        except asyncio.CancelledError:
            self.given_up.set()
            raise
        await self.from_app.put(message)
        if message["type"] == "websocket.close":
            # Servers tell the application that the connection is gone.
            await self.to_app.put({"type": "websocket.disconnect", "code": message["code"]})


@asynccontextmanager
async def connected(
    app: ASGIApp, *, protocols: tuple[str, ...] = (PROTOCOL,), **headers: str
) -> AsyncIterator[Socket]:
    """Opens a WebSocket; leaving disconnects and waits until the application has let go."""
    socket = Socket()
    socket.reads.set()
    await socket.to_app.put({"type": "websocket.connect"})
    scope = {
        "type": "websocket", "path": "/graphql", "subprotocols": list(protocols),
        "query_string": b"", "scheme": "ws", "server": ("127.0.0.1", 80),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    serving = asyncio.ensure_future(app(scope, socket.to_app.get, socket.take))
    try:
        yield socket
    finally:
        await socket.to_app.put({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(serving, LIMIT)
