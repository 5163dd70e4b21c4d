"""What one connection may ask of the service, and how the service says no."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from domain.errors import Invalid, ProvisionerError, Unavailable, Unsupported

CLOCK_STEP = 0.002
"""Seconds; uvloop's clock counts milliseconds, so a timer may run a little early."""
# A method is a token (RFC 9110 section 5.6.2); a TLS greeting, say, is not HTTP at all.
METHOD = re.compile(rb"[\r\n]*[!#$%&'*+.^_`|~0-9A-Za-z-]+(?: |$)")


@dataclass(frozen=True, slots=True)
class Limits:
    """What connections may ask of the service; sizes in bytes, times in seconds.

    A body brings `body_bytes_per_second` on average in each `stall_seconds`: a slow line's upload
    may take hours, one that drips is ended. Apache's mod_reqtimeout has the same rate.
    """

    headers: int = 100
    header_bytes: int = 32 * 1024
    target_bytes: int = 16 * 1024
    head_seconds: float = 10.0
    stall_seconds: float = 30.0
    body_bytes_per_second: float = 500.0
    idle_seconds: float = 60.0
    message_bytes: int = 1024 * 1024
    connections: int = 8192
    ping_seconds: float = 30.0
    pong_seconds: float = 20.0

    @property
    def least_progress(self) -> float:
        """Bytes of a body that are worth another `stall_seconds`."""
        return self.body_bytes_per_second * self.stall_seconds


DEFAULT_LIMITS = Limits()


class Deadline:
    """Calls `passed` when the time is over; one timer, seldom moved, so that a body of many parts
    costs no timers."""

    def __init__(self, loop: asyncio.AbstractEventLoop, passed: Callable[[], None]) -> None:
        self._loop = loop
        self._passed = passed
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_set(self) -> bool:
        """Whether something is waited for."""
        return self._due is not None

    def set(self, seconds: float) -> None:
        """Moves the deadline to `seconds` from now."""
        self._due = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._due:
            self._start(self._due)

    def clear(self) -> None:
        """Waits for nothing any more; the timer may run out by itself."""
        self._due = None

    def close(self) -> None:
        """Ends the timer."""
        self._due = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._loop.time() + CLOCK_STEP < self._due:
            self._start(self._due)
            return
        self._due = None
        self._passed()


class RequestMalformed(Invalid):
    """What came is not a request that can be read in one way only."""

    code, title = "BAD_REQUEST", "Bad Request"
    meaning = "The request breaks HTTP/1.1 (RFC 9112) or can be read in two ways."
    remedy = "Send it with an ordinary HTTP client; look at proxies on the way."


class HeadersTooLarge(Invalid):
    """More headers, or longer ones, than this service reads."""

    code, title = "HEADERS_TOO_LARGE", "Request Header Fields Too Large"
    meaning = "The request has more headers, or longer ones, than this service reads."
    remedy = "Send fewer headers; clear the cookies of this address."


class TargetTooLong(Invalid):
    """An address longer than this service reads."""

    code, title = "URI_TOO_LONG", "URI Too Long"
    meaning = "Path and query are longer than this service reads."
    remedy = "Send long inputs in the body of a POST."


class RequestTooSlow(Invalid):
    """The client let too much time pass in the middle of a request."""

    code, title = "REQUEST_TIMEOUT", "Request Timeout"
    meaning = "The request, or the next part of its body, did not come in time."
    remedy = "Send it again; look at the network between the client and the station."


class HttpUnsupported(Unsupported):
    """A method or a transfer coding that HTTP allows and this service does not know."""

    code, title = "HTTP_UNSUPPORTED", "Not Implemented"
    meaning = "The request's method or transfer coding is unknown here."
    remedy = "Use a method that docs/endpoints.md names, and no coding but `chunked`."


class TooManyConnections(Unavailable):
    """All places are taken by connections that are served."""

    code, title = "TOO_MANY_CONNECTIONS", "Too Many Connections"
    meaning = "As many connections are served as the service, or the system's files, allow."
    remedy = "Try again in a moment; close sockets and pages that nobody looks at."


class Stopping(Unavailable):
    """The service stops and could not finish the request."""

    code, title = "STOPPING", "Service Stopping"
    meaning = "The service was stopped or restarted before the request was finished."
    remedy = "Wait until /readyz answers, look whether the change was made, then repeat it."


STATUSES: dict[type[ProvisionerError], int] = {
    RequestMalformed: 400,
    RequestTooSlow: 408,
    TargetTooLong: 414,
    HeadersTooLarge: 431,
    HttpUnsupported: 501,
    Stopping: 503,
    TooManyConnections: 503,
}


def headers_too_large(limits: Limits) -> HeadersTooLarge:
    """Returns the refusal that names the limits."""
    return HeadersTooLarge(
        f"A request has at most {limits.headers} headers of {limits.header_bytes} bytes together."
    )


def refusal_of(error: httptools.HttpParserError, data: bytes) -> ProvisionerError:
    """Returns why the parser stopped at `data`: what one of our own checks raised, or its view."""
    if isinstance(error.__context__, ProvisionerError):
        return error.__context__
    if isinstance(error, httptools.HttpParserInvalidMethodError) and METHOD.match(data):
        return HttpUnsupported("This method is unknown here; docs/endpoints.md names those in use.")
    return RequestMalformed("This is not a request that HTTP/1.1 allows.")


def refusal_answer(refusal: ProvisionerError, headers: list[tuple[bytes, bytes]]) -> bytes:
    """Returns the whole answer that carries `refusal` in the legacy error form (contract common
    section 1) after `headers`, and ends the connection."""
    status = STATUSES[type(refusal)]
    facts = {"error": refusal.message, "error_code": refusal.code}
    body = json.dumps({**facts, "status": status, "title": refusal.title}).encode()
    own = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
    ]
    lines = [b"%s: %s\r\n" % header for header in [*headers, *own]]
    return b"".join([STATUS_LINE[status], *lines, b"\r\n", body])
