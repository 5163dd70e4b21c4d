"""A crowd of WebSocket clients in one process, as light as a client can be: the child of
`benchmarks.shared_subscriptions`.

Run: python -m benchmarks.crowd PORT SUBSCRIBERS SHARE DOCUMENT. The first `SHARE` of the clients
stop reading once the line `stall` comes on stdin. Writes one line for each time that all who read
have one frame more: the nanoseconds of the monotonic clock at the last of them.
"""

import asyncio
import resource
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import cast

import orjson
import uvloop

UPGRADE = (
    b"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
NO_MASK = bytes(4)
SMALL = 4096
"""Bytes of a stalling client's receive buffer, so that it is soon full."""
AT_ONCE = 50
"""So many clients connect at the same time; the station has a backlog like any other server."""


@dataclass
class Crowd:
    """Counts the frames of those who read."""

    reading: int
    frames: int = 0
    all_in: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self) -> None:
        """Counts one frame; tells the time when it was the last one of a round."""
        self.frames += 1
        if self.frames % self.reading == 0:
            sys.stdout.write(f"{time.monotonic_ns()}\n")
            sys.stdout.flush()


class Client(asyncio.Protocol):
    """One subscriber; looks at no more of a frame than its length and its type."""

    def __init__(self, crowd: Crowd, document: str, *, counts: bool) -> None:
        self._crowd = crowd if counts else None
        self._document = document
        self._rest = b""
        self.transport: asyncio.Transport
        self.accepted = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asks for a WebSocket."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(UPGRADE)

    def _begin(self, head: bytes) -> None:
        assert head.startswith(b"HTTP/1.1 101"), head
        self.accepted.set()
        subscribe = {"id": "1", "type": "subscribe", "payload": {"query": self._document}}
        self.transport.write(framed({"type": "connection_init"}) + framed(subscribe))

    def data_received(self, data: bytes) -> None:
        """Takes frames."""
        rest = self._rest + data
        if not self.accepted.is_set():
            head, found, rest = rest.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            self._begin(head)
        while (end := _end_of_frame(rest)) is not None:
            if self._crowd is not None and b'"type":"next"' in rest[:80]:
                self._crowd.count()
            rest = rest[end:]
        self._rest = rest


def framed(message: object) -> bytes:
    """Returns a client's text frame (RFC 6455 section 5.2), masked with zeros."""
    text = orjson.dumps(message)
    if len(text) < 126:
        return b"\x81" + bytes([0x80 | len(text)]) + NO_MASK + text
    return b"\x81" + bytes([0x80 | 126]) + len(text).to_bytes(2, "big") + NO_MASK + text


def _end_of_frame(data: bytes) -> int | None:
    if len(data) < 2:
        return None
    length, start = data[1], 2
    if length >= 126:
        start = 4 if length == 126 else 10
        length = int.from_bytes(data[2:start], "big")
    return start + length if len(data) >= start + length else None


async def _connected(port: int, crowd: Crowd, document: str, *, counts: bool) -> Client:
    plain = socket.socket()
    if not counts:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    plain.setblocking(False)  # noqa: FBT003 -- the standard library's signature
    loop = asyncio.get_running_loop()
    await loop.sock_connect(plain, ("127.0.0.1", port))
    _, client = await loop.create_connection(
        lambda: Client(crowd, document, counts=counts), sock=plain
    )
    await client.accepted.wait()
    return client


async def main() -> None:
    """Connects everybody and stays until stdin ends."""
    port, subscribers, share, document = (*map(int, sys.argv[1:4]), sys.argv[4])
    crowd = Crowd(subscribers - share)
    gate = asyncio.Semaphore(AT_ONCE)

    async def join(number: int) -> Client:
        async with gate:
            return await _connected(port, crowd, document, counts=number >= share)

    clients = await asyncio.gather(*[join(number) for number in range(subscribers)])
    while (line := await asyncio.to_thread(sys.stdin.readline)) != "":
        if line == "stall\n":
            for client in clients[:share]:
                client.transport.pause_reading()
    for client in clients:
        client.transport.abort()


if __name__ == "__main__":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(main())
