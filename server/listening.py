"""The listeners: HTTP and HTTPS in one loop, from the first accept to exit status 0."""

import asyncio
import logging
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from server.http_protocol import LimitedHttp
from server.settings import Settings
from server.sockets import OpenSockets

log = logging.getLogger("provisioner.listening")

Announce = Callable[[list[str]], None]
GRACE_SECONDS = 3
"""How long running requests may go on after SIGTERM."""
PING_SECONDS = 30
KEEP_ALIVE_SECONDS = 60
SOCKET_BYTES = 1 << 20
BACKLOG = 1024


class CannotListen(Exception):
    """An address and port cannot be listened on; the message says why and what to do."""


class _Server(uvicorn.Server):
    """uvicorn's server without its signal handlers: two of them share this process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves the signals alone."""
        yield


async def listen(
    settings: Settings,
    app: ASGIApp,
    *,
    tls: ssl.SSLContext | None,
    announce: Announce | None = None,
) -> int:
    """Serves until SIGTERM or SIGINT and returns the exit status; a second signal ends at once.

    Sockets are closed with 1001 first; running requests get `GRACE_SECONDS`. Raises `CannotListen`.
    """
    sockets = OpenSockets(app)
    listeners: list[tuple[socket.socket, ssl.SSLContext | None]] = [
        (bind(settings.address, settings.port), None)
    ]
    if tls is not None:
        listeners.append((bind(settings.address, settings.https_port), tls))
    servers = [(_server(sockets, context), bound) for bound, context in listeners]
    async with _stop_signal() as stop, asyncio.TaskGroup() as tasks:
        for server, bound in servers:
            tasks.create_task(server.serve(sockets=[bound]), name="listener")
        await _started([server for server, _ in servers])
        if announce is not None:
            announce([_address(bound, context) for bound, context in listeners])
        await stop.wait()
        await sockets.close_all()
        for server, _ in servers:
            server.should_exit = True
    return 0


def bind(address: str, port: int) -> socket.socket:
    """Returns a socket bound to address and port, not yet listening; raises `CannotListen`."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
    except OSError as error:
        bound.close()
        raise CannotListen(
            f"{address} port {port} cannot be listened on: {error.strerror}. Stop what uses it, or "
            "choose another with --port or --https-port."
        ) from error
    bound.setblocking(False)  # noqa: FBT003 -- the standard library's signature
    return bound


def _server(app: ASGIApp, tls: ssl.SSLContext | None) -> _Server:
    config = uvicorn.Config(
        app,
        http=LimitedHttp,
        ws="websockets-sansio",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        ws_max_size=SOCKET_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    config.load()
    config.ssl = tls
    return _Server(config)


async def _started(servers: list[_Server]) -> None:
    async with asyncio.timeout(10):
        # uvicorn has a flag and no event for this.
        while not all(server.started for server in servers):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def _address(bound: socket.socket, tls: ssl.SSLContext | None) -> str:
    host, port = bound.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{name}:{port}"


@asynccontextmanager
async def _stop_signal() -> AsyncIterator[asyncio.Event]:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def asked() -> None:
        if stop.is_set():
            log.warning("a second signal: ending at once")
            sys.exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
