"""HTTP/1.1 as this service takes it: uvicorn's protocol with limits on what a client may send
before it is understood, and how slowly."""

import asyncio
from enum import Enum, auto

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from domain.errors import ProvisionerError
from server.crowd import Crowd
from server.http_answers import Joined
from server.http_framing import check_framing, check_handshake
from server.http_limits import (
    DEFAULT_LIMITS,
    Deadline,
    Limits,
    RequestMalformed,
    RequestTooSlow,
    Stopping,
    TargetTooLong,
    TooManyConnections,
    headers_too_large,
    refusal_answer,
    refusal_of,
)

LINGER_SECONDS = 1.0
"""How long a refused client may go on sending: closed at once, the kernel would discard the answer
together with what is unread."""
MOST_PIPELINED = 32
FIRST_LINE = 64
"""Bytes; the request line without its target."""


class Stage(Enum):
    """What the next byte of a connection belongs to."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()


class LimitedHttp(HttpToolsProtocol):
    """One HTTP connection; what is beyond the limits is answered in the legacy error form (contract
    common section 1) and closed.

    llhttp itself refuses what smuggling needs (two lengths, folded headers, bare CR, blanks before
    a colon, NUL); what RFC 9112 forbids besides and llhttp lets pass is refused here.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object] | None = None,
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Limits = DEFAULT_LIMITS,
        crowd: Crowd | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state or {}, _loop)
        self._limits = limits
        self._crowd = crowd or Crowd(limits.connections)
        self._stage = Stage.IDLE
        self._deadline = Deadline(self.loop, self._overdue)
        self._answering: RequestResponseCycle | None = None
        self._joined: Joined | None = None
        self._refused = self._upgraded = self._upgrade_ignored = False
        self._begun = self._header_count = self._header_bytes = self._hosts = self._fruitless = 0
        self._body_bytes = 0
        self._body_moved = self._body_seen = False
        self.url = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the clock: also a client that sends nothing is not waited for."""
        super().connection_made(transport)
        if not self._crowd.admit(len(self.server_state.connections)):
            self._refused = True
            busy = TooManyConnections("All connections are in use; try again in a moment.")
            transport.write(refusal_answer(busy, self.server_state.default_headers))
            # Whoever is refused in a crowd does not keep a file open for a second more.
            transport.close()
            return
        self._crowd.wait(self)
        self._deadline.set(self._limits.head_seconds)

    def give_way(self) -> None:
        """Ends for a newcomer's sake; nothing is done for this connection."""
        self._refused = True
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the clock, and tells the running request, also when others wait behind it."""
        self._crowd.leave(self)
        self._deadline.close()
        super().connection_lost(exc)
        if self._answering is not None and not self._answering.response_complete:
            _disconnect(self._answering)

    def data_received(self, data: bytes) -> None:
        """Reads what came, and counts what it brought."""
        if self._refused:
            return
        self._unset_keepalive_if_required()
        was_idle = self._stage is Stage.IDLE
        self._stage = Stage.HEAD if was_idle else self._stage
        self._begun, self._body_moved = 0, False
        self._feed(data)
        if not (self._refused or self._upgraded or self._stage is Stage.IDLE):
            self._measure(len(data), alone=was_idle and self._begun <= 1)

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse(refusal_of(error, data))

    def _measure(self, size: int, *, alone: bool) -> None:
        # Counts reads that bring neither a header nor a body: an endless header, chunk extension or
        # trailer would else grow inside llhttp. (A read that brings both counts nothing.)
        limits = self._limits
        if self._stage is Stage.HEAD:
            most, seconds = limits.header_bytes + len(self.url) + FIRST_LINE, limits.head_seconds
            self._fruitless = (size if alone else 0) if self._begun else self._fruitless + size
        else:
            most, seconds = limits.header_bytes, limits.stall_seconds
            barren = self._deadline.is_set and not self._body_moved
            self._fruitless = self._fruitless + size if barren else 0
            if self._body_bytes >= limits.least_progress:
                self._body_bytes = 0
                self._deadline.clear()
        if self._fruitless > most:
            self._refuse(headers_too_large(limits))
        elif not self._deadline.is_set:
            self._deadline.set(seconds)

    def on_message_begin(self) -> None:
        """Begins a request; counts anew."""
        if len(self.pipeline) >= MOST_PIPELINED:
            raise RequestMalformed(f"More than {MOST_PIPELINED} requests wait on this connection.")
        super().on_message_begin()
        self._stage = Stage.HEAD
        self._deadline.clear()
        self._begun += 1
        self._header_count = self._header_bytes = self._hosts = 0
        self._body_seen, self._body_bytes = False, 0

    def on_url(self, url: bytes) -> None:
        """Takes a part of the target."""
        super().on_url(url)
        if len(self.url) > self._limits.target_bytes:
            raise TargetTooLong(f"Path and query are at most {self._limits.target_bytes} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes one header; trailers only count."""
        self._header_count += 1
        self._header_bytes += len(name) + len(value) + 4  # colon, blank, CR, LF
        limits = self._limits
        if self._header_count > limits.headers or self._header_bytes > limits.header_bytes:
            raise headers_too_large(limits)
        if self._stage is Stage.BODY:
            return  # a trailer: it must not become a header of a request that was let in
        super().on_header(name, value)
        self._hosts += self.headers[-1][0] == b"host"

    def on_headers_complete(self) -> None:
        """Hands the request to the application, unless its framing is doubtful."""
        check_framing(self.parser, self.headers, hosts=self._hosts, target=self.url)
        self._upgrade_ignored = self.parser.should_upgrade() and not self._should_upgrade()
        if self._upgrade_ignored:
            return
        if self.parser.should_upgrade():
            if _unfinished(self.cycle):
                raise RequestMalformed("A WebSocket's request waits for no answer before it.")
            check_handshake(self.parser, self.headers, target=self.url)
        super().on_headers_complete()
        self._crowd.leave(self)
        self._stage = Stage.BODY
        self._deadline.clear()

    def _upgrade(self, rest: bytes) -> None:
        if not self._upgrade_ignored:
            self._upgraded = True
            self._deadline.close()
            self._unset_keepalive_if_required()
            self.handle_websocket_upgrade()
            return
        # After any Upgrade llhttp skips the body and would read it as the next request. RFC 9110
        # section 7.8 lets a server ignore the header: the same request is read without it.
        version = self.parser.get_http_version().encode()
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._feed(b"\r\n".join([*lines, b"", rest]))

    def on_body(self, body: bytes) -> None:
        """Takes a part of the body."""
        self._body_moved = self._body_seen = True
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends a request."""
        if self._upgrade_ignored:
            return
        self._stage = Stage.IDLE
        self._deadline.clear()
        super().on_message_complete()
        if self.cycle is not None and self.cycle.response_complete:
            self._rest()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        self._joined = Joined.put_before(cycle)
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Ends an answer; the next request may come within `idle_seconds`."""
        if self._joined is not None:
            self._joined.flush()
        unread = self._stage is Stage.BODY and self._answering is self.cycle
        if unread and self.expect_100_continue and not self._body_seen:
            # The client may send the body or not (RFC 9110 section 10.1.1): what comes next could
            # be read in two ways.
            self.transport.close()
        super().on_response_complete()
        if self.timeout_keep_alive_task is not None:
            self._rest()

    def _rest(self) -> None:
        self._crowd.wait(self)
        self._unset_keepalive_if_required()
        end, seconds = self.timeout_keep_alive_handler, self._limits.idle_seconds
        self.timeout_keep_alive_task = self.loop.call_later(seconds, end)

    def end(self) -> None:
        """Ends what still runs when the service stops: an answer not yet begun becomes a 503."""
        self.pipeline.clear()
        self._refused = True
        running = self._answering
        if running is None or running.response_started or running.disconnected:
            self.transport.close()
            return
        _disconnect(running)
        self._answer(Stopping("The service stops before this request is finished."))

    def _refuse(self, refusal: ProvisionerError) -> None:
        self._refused = True
        self._deadline.clear()
        self.flow.resume_reading()
        reading = self._stage is Stage.BODY
        last = self._abandon() if reading else self.cycle
        if last is not None and _unfinished(last):
            # Answers leave in the order of their requests: the last good one closes.
            last.keep_alive = False
        elif reading and self.cycle.response_started:
            self.transport.close()  # the answer has begun or is out; nothing can be added
        else:
            self._answer(refusal)

    def _abandon(self) -> RequestResponseCycle | None:
        """Gives up the request whose body is being read; returns the one before it, if any."""
        _disconnect(self.cycle)
        if not self.pipeline or self.pipeline[0][0] is not self.cycle:
            return None
        self.pipeline.popleft()
        return self.pipeline[0][0] if self.pipeline else self._answering

    def _answer(self, refusal: ProvisionerError) -> None:
        self.transport.write(refusal_answer(refusal, self.server_state.default_headers))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _overdue(self) -> None:
        if self._waits_for_us():
            self._deadline.set(self._limits.stall_seconds)
        elif not (self._refused or self.transport.is_closing()):
            self._refuse(RequestTooSlow("The request stopped coming before its end."))

    def _waits_for_us(self) -> bool:
        if self.flow.read_paused:
            return True
        return self._stage is Stage.BODY and self.cycle.waiting_for_100_continue


def _unfinished(cycle: RequestResponseCycle | None) -> bool:
    return cycle is not None and not (cycle.response_complete or cycle.disconnected)


def _disconnect(cycle: RequestResponseCycle) -> None:
    cycle.disconnected = True
    cycle.message_event.set()
