"""The listening sockets, and every connection that came through them."""

import asyncio
import contextlib
import errno
import socket
import ssl
import time
from dataclasses import dataclass
from email.utils import formatdate

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from domain.errors import Conflict, ProvisionerError, Unavailable
from server.crowd import Crowd, most_connections
from server.http_limits import DEFAULT_LIMITS, Limits
from server.http_protocol import LimitedHttp
from server.websocket_protocol import StationWebSocket

BACKLOG = 512
TLS_SECONDS = 10.0
"""For the handshake of TLS."""
ENDING_SECONDS = 0.5
"""For cancelled requests, and for the closing handshake of TLS."""


class AddressInUse(Conflict):
    """Another program listens there."""

    code = "ADDRESS_IN_USE"
    title = "Address In Use"
    meaning = "Another program, perhaps this service itself, listens on the address and port."
    remedy = "Stop the other one (`ss -ltnp` names it), or choose another port."


class CannotListen(Unavailable):
    """The system does not let the service listen there."""

    code = "CANNOT_LISTEN"
    title = "Cannot Listen"
    meaning = "The address is none of this machine, or the port is not for this user."
    remedy = "Choose an address that `ip address` shows, and a port above 1023."


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen and for how long to finish; port 0 picks a free one, `https_port` None is
    HTTPS off."""

    address: str = "127.0.0.1"
    port: int = 3142
    https_port: int | None = 3143
    grace_seconds: float = 3.0
    limits: Limits = DEFAULT_LIMITS


class Doors:
    """The open listeners and every connection that came through them."""

    def __init__(self, app: ASGIApp, listening: Listening) -> None:
        self._grace_seconds, self._limits = listening.grace_seconds, listening.limits
        self._state, self._crowd = _State(), Crowd(most_connections(self._limits.connections))
        self._servers: list[asyncio.Server] = []
        self._config = uvicorn.Config(
            app,
            http=LimitedHttp,
            ws=StationWebSocket,
            interface="asgi3",
            lifespan="off",
            log_config=None,
            log_level="warning",  # it would log the query of each WebSocket
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws_max_size=self._limits.message_bytes,
            ws_ping_interval=self._limits.ping_seconds,
            ws_ping_timeout=self._limits.pong_seconds,
            ws_per_message_deflate=False,
        )
        self._config.load()

    async def open(self, address: str, port: int, *, context: ssl.SSLContext | None = None) -> str:
        """Listens and returns the address as a URL; raises `AddressInUse` or `CannotListen`."""
        bound = await _bind(address, port)
        seconds = None if context is None else TLS_SECONDS
        closing = None if context is None else ENDING_SECONDS
        server = await asyncio.get_running_loop().create_server(
            self._protocol,
            sock=bound,
            ssl=context,
            backlog=BACKLOG,
            ssl_handshake_timeout=seconds,
            ssl_shutdown_timeout=closing,
        )
        self._servers.append(server)
        host, port = bound.getsockname()[:2]
        name = f"[{host}]" if ":" in host else host
        return f"{'http' if context is None else 'https'}://{name}:{port}"

    def _protocol(self) -> asyncio.Protocol:
        return LimitedHttp(self._config, self._state, limits=self._limits, crowd=self._crowd)

    async def close(self) -> None:
        """Accepts nothing more, closes WebSockets, gives requests their grace, ends the rest."""
        for server in self._servers:
            server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        await self._settle(self._grace_seconds)
        for connection in list(self._state.connections):
            if isinstance(connection, LimitedHttp):
                connection.end()
        await self._settle(ENDING_SECONDS / 2)
        for task in list(self._state.tasks):
            task.cancel()
        await self._settle(ENDING_SECONDS)
        for connection in list(self._state.connections):
            connection.transport.abort()

    async def _settle(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                # uvicorn's protocols tell nobody when they are done.
                while self._state.connections or self._state.tasks:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)


class _State(ServerState):
    """What the connections share; the headers of every answer are the date alone, made at most once
    a second and only when somebody asks."""

    def __init__(self) -> None:
        self._second, self._date = 0, list[tuple[bytes, bytes]]()
        super().__init__()

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers that uvicorn adds to every answer."""
        now = int(time.time())
        if now != self._second:
            self._second, self._date = now, [(b"date", formatdate(now, usegmt=True).encode())]
        return self._date

    @default_headers.setter
    def default_headers(self, value: list[tuple[bytes, bytes]]) -> None:
        """uvicorn begins with none."""


async def _bind(address: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(address, port, type=socket.SOCK_STREAM)
        family, _, _, _, where = found[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(where)
            bound.listen(BACKLOG)
            bound.setblocking(False)  # noqa: FBT003 -- the standard library's signature
        except BaseException:
            bound.close()
            raise
    except OSError as error:
        raise _refused(error, address, port) from error
    return bound


def _refused(error: OSError, address: str, port: int) -> ProvisionerError:
    if error.errno == errno.EADDRINUSE:
        return AddressInUse(
            f"Port {port} of {address} is in use by another program; stop that one "
            f"(`ss -ltnp 'sport = :{port}'` names it) or choose another port."
        )
    return CannotListen(
        f"The service cannot listen on port {port} of {address} ({error.strerror}); choose an "
        "address that `ip address` shows, and a port above 1023 unless it runs as root."
    )
