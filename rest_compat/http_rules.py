"""The HTTP rules of common sections 3 and 4, in one place: path, HEAD, OPTIONS, gzip."""

from collections.abc import Callable
from contextlib import suppress

from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rest_compat.question import decoded_path
from rest_compat.tus_rules import is_tus

GZIP_FROM_BYTES = 1024
BINARY = (*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/octet-stream", "image/*", "font/*")
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
HEADERS = (
    "Content-Type, Authorization, X-Requested-With, X-CSRF-Token, X-Upload-Id, Tus-Resumable, "
    "Upload-Length, Upload-Metadata, Upload-Offset, Upload-Checksum, X-HTTP-Method-Override"
)
EXPOSED = "Location, Tus-Resumable, Upload-Offset, Upload-Length, Upload-Expires"

AllowedOrigin = Callable[[Scope], str]


class HttpRules:
    """Normalises requests before routing and answers after it.

    The path is decoded once, as the old router did; HEAD runs as GET and its body is dropped; every
    OPTIONS request is answered 200, with the CORS headers only for origins that `allowed_origin`
    names (it returns the origin, or the empty text); answers of 1 KiB or more are gzipped on offer.
    """

    def __init__(self, app: ASGIApp, *, allowed_origin: AllowedOrigin) -> None:
        self._plain = app
        self._zipping = GZipMiddleware(
            app, GZIP_FROM_BYTES, compresslevel=5, exclude_content_types=BINARY
        )
        self._allowed_origin = allowed_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request or WebSocket."""
        scope["path"] = decoded_path(scope.get("raw_path") or scope["path"].encode())
        if scope["type"] != "http":
            await self._plain(scope, receive, send)
            return
        origin = self._allowed_origin(scope)
        send = _with_cors(send, origin) if origin else send
        if scope["method"] == "OPTIONS" and not is_tus(scope["path"]):
            await Response()(scope, receive, send)
        elif scope["method"] == "HEAD":
            with suppress(_HeadIsAll):
                await self._answer({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        for name, value in scope["headers"]:
            if name == b"accept-encoding" and b"gzip" in value:
                await self._zipping(scope, receive, send)
                return
        # What the middleware does where nothing is offered, at a tenth of its cost.
        await self._plain(scope, receive, _varying(send))


def _varying(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"vary", b"Accept-Encoding")]
        await send(message)

    return sending


def _with_cors(send: Send, origin: str) -> Send:
    added = [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-allow-methods", METHODS.encode()),
        (b"access-control-allow-headers", HEADERS.encode()),
        (b"access-control-expose-headers", EXPOSED.encode()),
        (b"access-control-max-age", b"86400"),
        (b"vary", b"Origin"),
    ]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *added]
        await send(message)

    return sending


class _HeadIsAll(Exception):
    """A HEAD request has its answer."""


def _without_body(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        if message.get("more_body", False):
            # Whoever streams gigabytes shall not go on for nobody.
            raise _HeadIsAll

    return sending
