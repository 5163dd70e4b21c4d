"""The application: which surface answers which path."""

from collections.abc import Callable, Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.pages import find_asset
from rest_compat.documents import Document
from rest_compat.question import client_gone, too_large
from server.error_catalogue import catalogue_page
from server.pages import page_answer

GRAPHQL = "/graphql"
STATIC = "/static/"


class Surfaces:
    """Hands each request to GraphQL, a document, the static files or the legacy surface: routes
    or WebSockets.

    `most_bytes` is the largest body that GraphQL takes.
    """

    def __init__(
        self,
        *,
        graphql: ASGIApp,
        rest: ASGIApp,
        sockets: ASGIApp,
        static: ASGIApp,
        documents: Mapping[str, Document],
        most_bytes: int,
    ) -> None:
        self._graphql = graphql
        self._rest = rest
        self._sockets = sockets
        self._static = static
        self._documents = documents
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request or WebSocket."""
        path = scope["path"].lower()
        if path == GRAPHQL:
            scope["route"] = GRAPHQL
            await self._graphql(scope, _limited(receive, self._most_bytes), send)
        elif scope["type"] == "websocket":
            await self._sockets(scope, receive, send)
        elif path in self._documents:
            await self._documents[path](scope, receive, send)
        elif path.startswith(STATIC) and scope["method"] == "GET":
            scope["route"] = STATIC
            await self._static(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


class Static:
    """The pages' own files; whatever is not one of them is the legacy surface's 404."""

    def __init__(self, missing: ASGIApp) -> None:
        self._missing = missing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request for a file."""
        asset = find_asset(scope["path"][len(STATIC) :])
        if asset is None:
            await self._missing(scope, receive, send)
            return
        known = next((v for k, v in scope["headers"] if k == b"if-none-match"), b"")
        if asset.is_known_to(known.decode("latin-1") or None):
            await Response(status_code=304, headers={"ETag": asset.etag})(scope, receive, send)
            return
        await page_answer(asset)(scope, receive, send)


def document_table(documents: tuple[Document, ...]) -> Mapping[str, Document]:
    """Returns the documents by lower-case path."""
    return {document.path.lower(): document for document in documents}


def describe(
    *, metrics: Callable[[], bytes], openapi: Callable[[], bytes], sdl: Callable[[], bytes]
) -> tuple[Document, ...]:
    """Returns the documents that describe and watch the service."""
    return (
        Document("/docs/errors", "Every error code.", "text/html", catalogue_page),
        Document("/healthz", "The process answers.", "text/plain", lambda: b"ok\n"),
        Document("/metrics", "Counters for Prometheus.", "text/plain; version=0.0.4", metrics),
        Document("/openapi.json", "This document.", "application/json", openapi),
        Document("/schema.graphql", "The GraphQL schema (SDL).", "text/plain", sdl),
    )


def _limited(receive: Receive, most_bytes: int) -> Receive:
    size = 0

    async def receiving() -> dict[str, object]:
        nonlocal size
        message = await receive()
        if message["type"] == "http.disconnect":
            raise client_gone()
        if message["type"] == "http.request":
            size += len(message.get("body", b""))
            if size > most_bytes:
                raise too_large(most_bytes)
        return dict(message)

    return receiving
