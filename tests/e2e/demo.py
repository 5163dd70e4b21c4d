"""The real demo in a process of its own, and clients that look at it on every surface."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.e2e.process import NO_BUS, PATIENCE

PROTOCOL = Subprotocol("graphql-transport-ws")


@dataclass
class Demo:
    """`with Demo(folder) as demo:` starts it on a free port, its own folder below `folder`."""

    folder: Path
    flags: tuple[str, ...] = ()

    def __enter__(self) -> "Demo":
        command = [sys.executable, "-m", "server.main", "demo", "--port", "0", *self.flags]
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        self.told = self.folder / "told"
        with self.told.open("wb") as told, (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                command,
                env={
                    **os.environ,
                    "DBUS_SYSTEM_BUS_ADDRESS": NO_BUS,
                    "TMPDIR": str(self.temporary),
                    "TZ": "UTC",
                },
                stdout=told,
                stderr=log,
                cwd=Path(__file__).parents[2],
            )
        self.base = self._address()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def _address(self) -> str:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            words = self.told.read_text().split()
            found = [word for word in words[:-1] if word.startswith("http://127.0.0.1:")]
            if found:
                return found[0]
            time.sleep(0.02)
        raise AssertionError((self.folder / "log").read_text())

    @property
    def root(self) -> Path:
        """The folder of its station."""
        [root] = self.temporary.iterdir()
        return root

    def read(self, path: str) -> bytes:
        """Returns an answer's body; an error's too."""
        try:
            with urllib.request.urlopen(self.base + path, timeout=10) as answer:
                body: bytes = answer.read()
        except urllib.error.HTTPError as error:
            return error.read()
        return body

    def get(self, path: str) -> Any:
        """Returns an answer's JSON; an error's too."""
        return json.loads(self.read(path))

    def graphql(self, query: str, **variables: object) -> Any:
        """Returns the data of a GraphQL answer."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            self.base + "/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())["data"]

    def stop(self) -> int:
        """Sends SIGTERM and returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def is_gone(self) -> bool:
        """Whether its folder is removed; another process may end that after it."""
        end = time.monotonic() + PATIENCE
        while list(self.temporary.iterdir()) and time.monotonic() < end:
            time.sleep(0.02)
        return not list(self.temporary.iterdir())

    @asynccontextmanager
    async def subscribed(self, query: str) -> AsyncIterator[AsyncIterator[Any]]:
        """Yields the data of a subscription's frames, as the protocol graphql-transport-ws has
        them."""
        address = f"ws{self.base[4:]}/graphql"
        async with connect(address, subprotocols=[PROTOCOL], max_size=None) as socket:
            await socket.send(json.dumps({"type": "connection_init"}))
            assert json.loads(await socket.recv())["type"] == "connection_ack"
            await socket.send(
                json.dumps({"id": "1", "type": "subscribe", "payload": {"query": query}})
            )
            yield _frames(socket)

    @asynccontextmanager
    async def device_socket(self) -> AsyncIterator[AsyncIterator[Any]]:
        """Yields the messages of the legacy WebSocket."""
        async with connect(f"ws{self.base[4:]}/ws/devices", max_size=None) as socket:
            yield (json.loads(text) async for text in socket)


async def _frames(socket: ClientConnection) -> AsyncIterator[Any]:
    async for text in socket:
        message = json.loads(text)
        if message["type"] == "next":
            assert "errors" not in message["payload"], message
            yield message["payload"]["data"]
        elif message["type"] == "ping":
            await socket.send(json.dumps({"type": "pong"}))
