"""A stand-in for the service: the real pages and a small GraphQL station, on a port of its own."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from strawberry.asgi import GraphQL

from dashboard.pages import Asset, find_asset, graphiql_page, plain_page


@strawberry.type
class Part:
    name: str
    state: str
    reason: str | None = None
    remedy: str | None = None


@strawberry.type
class Reason:
    sentence: str


@strawberry.type
class Device:
    serial: str
    port: str
    state: str
    status: str
    reason: Reason | None
    last_change_at: str | None


@strawberry.type
class Edge:
    node: Device


@strawberry.type
class Connection:
    edges: list[Edge]


@strawberry.type
class Station:
    name: str
    version: str
    parts: list[Part]
    device_count: int


@strawberry.type
class Change:
    sequence: int
    station: Station


@dataclass
class Line:
    """What the stand-in shows; `change` pushes it to every subscriber."""

    devices: list[Device] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    sequence: int = 0

    def station(self) -> Station:
        return Station(
            name="Jig 7", version="1.2.3", parts=self.parts, device_count=len(self.devices)
        )

    async def change(self) -> None:
        async with self.changed:
            self.sequence += 1
            self.changed.notify_all()

    async def changes(self) -> AsyncGenerator[Change, None]:
        seen = self.sequence
        yield Change(sequence=seen, station=self.station())
        while True:
            async with self.changed:
                while self.sequence == seen:
                    await self.changed.wait()
                seen = self.sequence
            yield Change(sequence=seen, station=self.station())


def build_app(line: Line) -> Starlette:
    """Returns the app around `line`."""

    @strawberry.type
    class Query:
        @strawberry.field
        def station(self) -> Station:
            return line.station()

        @strawberry.field
        def devices(self, first: int) -> Connection:
            return Connection(edges=[Edge(node=device) for device in line.devices[:first]])

    @strawberry.type
    class Subscription:
        @strawberry.subscription
        async def station_changes(self) -> AsyncGenerator[Change, None]:
            async for change in line.changes():
                yield change

    schema = strawberry.Schema(query=Query, subscription=Subscription)
    graphql = GraphQL[None, None](schema, graphql_ide=None)
    routes: list[BaseRoute] = [
        Route("/", lambda _: RedirectResponse("/devices")),
        Route("/devices", lambda _: _answer(plain_page())),
        Route("/graphql", lambda _: _answer(graphiql_page()), methods=["GET"]),
        Route("/graphql", graphql, methods=["POST"]),
        WebSocketRoute("/graphql", graphql),
        Route("/static/{name:path}", _static),
    ]
    return Starlette(routes=routes)


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    """Serves `app` on a free port of this host; yields the base URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    settings = uvicorn.Config(
        app, lifespan="off", log_level="error", ws="websockets-sansio", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(settings)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 10)
        listening.close()


def _static(request: Request) -> Response:
    found = find_asset(request.path_params["name"])
    return _answer(found) if found else Response(status_code=404)


def _answer(asset: Asset) -> Response:
    headers = {
        "content-type": asset.content_type,
        "content-security-policy": asset.content_security_policy,
        "etag": asset.etag,
    }
    return Response(asset.body, headers=headers)
