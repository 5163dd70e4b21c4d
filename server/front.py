"""The front door: correlation id, guard, caller, security headers, metrics and the request log."""

import itertools
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import replace

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from domain.caller import Caller
from domain.errors import Denied
from rest_compat.errors import ErrorForm, encode_error, told
from server.access import Access
from server.guard import CSP, SAFE_METHODS, Guard
from server.metrics import Metrics

log = logging.getLogger("provisioner.requests")
Refused = Callable[[Caller, Denied], None]
CSP_HEADER = (b"content-security-policy", CSP.encode())
ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Front:
    """The outermost application: everything that is the same for all surfaces."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        guard: Guard,
        access: Access,
        metrics: Metrics,
        form: ErrorForm,
        refused: Refused,
    ) -> None:
        self._app = app
        self._guard = guard
        self._access = access
        self._metrics = metrics
        self._form = form
        self._refused = refused
        # Unlike any other run's, and unlike each other; nothing depends on their being secret.
        self._run = secrets.token_hex(4)
        self._requests = itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request or WebSocket."""
        scope["caller"] = self._access.caller(scope, self._correlation_id())
        refusal = self._guard.refusal(scope)
        if refusal is not None:
            # No route was looked for: the path itself says what was wanted.
            path = scope["path"][:200]
            surface = "graphql" if path.lower() == "/graphql" else "rest"
            self._refused(replace(scope["caller"], entry=path, surface=surface), refusal)
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send, refusal)
            return
        began, watched = time.perf_counter(), _Watched(send, scope)
        try:
            if refusal is None:
                await self._app(scope, receive, watched)
            else:
                await self._tell(scope, receive, watched, refusal)
        except Exception as error:
            # What a surface lets through (a body that is too large) is told here; an answer that
            # has begun cannot be mended any more, and the connection is closed.
            if watched.status:
                raise
            await self._tell(scope, receive, watched, error)
        finally:
            self._note(scope, watched.status, time.perf_counter() - began)

    def _correlation_id(self) -> str:
        return f"{self._run}{next(self._requests):08x}"

    async def _tell(self, scope: Scope, receive: Receive, send: Send, error: Exception) -> None:
        known = told(error, (), correlation_id=scope["caller"].correlation_id)
        accept = next((v for k, v in scope["headers"] if k == b"accept"), b"").decode("latin-1")
        await encode_error(known, accept=accept, form=self._form)(scope, receive, send)

    async def _socket(
        self, scope: Scope, receive: Receive, send: Send, refusal: Denied | None
    ) -> None:
        if refusal is None:
            await self._app(scope, receive, send)
            return
        known = told(refusal, (), correlation_id=scope["caller"].correlation_id)
        answer = encode_error(known, accept="", form=self._form)
        await WebSocket(scope, receive, send).send_denial_response(answer)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = scope.get("route") or "other"
        self._metrics.answered(route=route, method=method, status=status, seconds=seconds)
        level = logging.DEBUG if method in SAFE_METHODS and status < 500 else logging.INFO
        if not log.isEnabledFor(level):
            return
        caller = scope["caller"]
        facts = {
            "method": method,
            "path": scope["path"][:200],
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
            "caller": caller.name,
            "address": caller.address,
            "correlation_id": caller.correlation_id,
        }
        log.log(level, "%s %s %d", method, scope["path"][:200], status, extra={"facts": facts})


class _Watched:
    """Adds the headers of every answer and remembers its status."""

    __slots__ = ("_scope", "_send", "status")

    def __init__(self, send: Send, scope: Scope) -> None:
        self._send = send
        self._scope = scope
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            correlation_id = self._scope["caller"].correlation_id
            headers = [*message["headers"], *ALWAYS, (b"x-correlation-id", correlation_id.encode())]
            if CSP_HEADER[0] not in dict(headers):
                headers.append(CSP_HEADER)
            message["headers"] = headers
        await self._send(message)
