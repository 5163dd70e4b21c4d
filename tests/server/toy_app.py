"""A small application served as the product is, in a process of its own; and a client of bytes."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from starlette.types import Receive, Scope, Send

from domain.host_paths import HostPaths
from server.doors import Listening
from server.http_limits import Limits
from server.serve import run, serve
from server.tls import Certificates

REPOSITORY = Path(__file__).parents[2]
PATIENCE = 20.0
"""Seconds a test waits at most for what should come at once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer as it came: status, lower-case headers, body, and what followed it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    rest: bytes

    @property
    def facts(self) -> dict[str, object]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    @classmethod
    def read(cls, raw: bytes) -> "Answer":
        head, _, after = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        size = int(headers.get("content-length", "0"))
        return cls(int(first.split(" ")[1]), headers, after[:size], after[size:])


class Connection:
    """A TCP connection on which a test sends what it likes."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._got = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def until(self, mark: bytes) -> bytes:
        """Reads up to and with `mark`."""
        while mark not in self._got:
            part = self._socket.recv(65536)
            assert part, f"closed after {self._got[-200:]!r}"
            self._got += part
        found, _, self._got = self._got.partition(mark)
        return found + mark

    def answer(self) -> Answer:
        """Reads one whole answer; the connection stays open."""
        head = self.until(b"\r\n\r\n")
        size = int(Answer.read(head).headers.get("content-length", "0"))
        while len(self._got) < size:
            self._got += self._socket.recv(65536)
        body, self._got = self._got[:size], self._got[size:]
        return Answer.read(head + body)

    def rest(self) -> bytes:
        """Reads until the service closes."""
        try:
            while part := self._socket.recv(65536):
                self._got += part
        except ConnectionResetError:
            pass
        found, self._got = self._got, b""
        return found


class Toy:
    """The served toy: its ports, what it said, its end."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said: list[dict[str, object]] = []
        addresses = self.wait_for("ready")
        assert isinstance(addresses, list)
        self.addresses: list[str] = addresses
        self.port = int(addresses[0].rsplit(":", 1)[1])

    def wait_for(self, word: str, value: object = None) -> object:
        """Reads what the toy says until it says `word`, of this `value`; returns the value."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(json.loads(line))
            if word in self.said[-1] and value in (None, self.said[-1][word]):
                return self.said[-1][word]
        raise AssertionError(f"ended with {self.process.wait()} before {word!r}: {self.said}")

    def connect(self) -> Connection:
        return Connection(self.port)

    def exchange(self, data: bytes) -> Answer:
        """Sends `data` on a new connection and reads until the service closes it."""
        with self.connect() as connection:
            connection.send(data)
            return Answer.read(connection.rest())

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Sends the signal; returns exit status and seconds until the end."""
        began = time.monotonic()
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        return status, time.monotonic() - began


@contextmanager
def quiet_service(root: Path, **options: object) -> Iterator[Toy]:
    """Like `toy_service`; at its end it must have logged no traceback."""
    with toy_service(root, **options) as found:
        yield found
        assert found.stop()[0] == 0
        assert found.process.stderr is not None
        assert "Traceback" not in found.process.stderr.read()


@contextmanager
def toy_service(root: Path, **options: object) -> Iterator[Toy]:
    """Starts the toy; `options` are those of `_toy`."""
    process = start_toy(root, **options)
    try:
        yield Toy(process)
    finally:
        process.kill()
        process.communicate()


def start_toy(root: Path, **options: object) -> "subprocess.Popen[str]":
    """Starts the toy and returns its process at once."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.server.toy_app", json.dumps({"root": str(root), **options})],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def toy(scope: Scope, receive: Receive, send: Send) -> None:
    """The application: what it does is in the path."""
    if scope["type"] == "websocket":
        await _socket(scope["path"], receive, send)
        return
    paths = {"/unread": _unread, "/wait": _wait, "/stream": _stream, "/slow": _slow}
    await paths.get(scope["path"], _tell)(scope, receive, send)


async def _tell(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/lazy":
        await asyncio.sleep(1)
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            say("disconnected", scope["path"])
            return
        body, more = body + message["body"], message["more_body"]
    headers = [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]]
    facts = {"method": scope["method"], "path": scope["path"], "headers": headers}
    await _answer(send, 200, {**facts, "size": len(body)})


async def _unread(scope: Scope, receive: Receive, send: Send) -> None:
    await _answer(send, 403, {})


async def _wait(scope: Scope, receive: Receive, send: Send) -> None:
    say("running", scope["path"])
    await asyncio.Event().wait()


async def _stream(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    say("running", scope["path"])
    await asyncio.Event().wait()


async def _slow(scope: Scope, receive: Receive, send: Send) -> None:
    say("running", scope["path"])
    await asyncio.sleep(0.5)
    await _answer(send, 200, {"slow": True})
    say("finished", scope["path"])


async def _answer(send: Send, status: int, facts: Mapping[str, object]) -> None:
    body = json.dumps(facts).encode()
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


async def _socket(path: str, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    if path == "/ws/ever":
        say("running", path)
        await asyncio.Event().wait()
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})
    say("disconnected", message["code"])


def say(word: str, value: object) -> None:
    """Tells the test something, one JSON object in a line."""
    sys.stdout.write(json.dumps({word: value}) + "\n")
    sys.stdout.flush()


@asynccontextmanager
async def _opened() -> AsyncIterator[None]:
    try:
        yield
    finally:
        say("left", value=True)


async def _toy(
    root: str,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    https_port: int | None = None,
    grace_seconds: float = 3.0,
    limits: Mapping[str, float] | None = None,
    closing: str = "quick",
) -> None:
    async def before_close() -> None:
        say("closing", closing)
        if closing == "hanging":
            await asyncio.Event().wait()
        if closing == "failing":
            raise RuntimeError("it broke")
        if closing == "blocking":
            time.sleep(60)  # a loop that hangs is the test
        say("closed", value=True)

    async with _opened():
        await serve(
            toy,
            Listening(
                address=address,
                port=port,
                https_port=https_port,
                grace_seconds=grace_seconds,
                limits=Limits(**dict(limits or {})),  # type: ignore[arg-type]
            ),
            ready=lambda addresses: say("ready", addresses),
            before_close=before_close,
            tls=Certificates(HostPaths(Path(root)), address, "station", lambda: datetime.now(UTC)),
            https_off=lambda reason: say("https_off", reason),
        )


if __name__ == "__main__":
    sys.exit(run(_toy(**json.loads(sys.argv[1]))))
