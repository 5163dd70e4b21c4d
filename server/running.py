"""One running service: the station, the application over it, and its listeners."""

import asyncio
import gc
import logging
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp

from dashboard.pages import plain_page
from domain.errors import ProvisionerError
from domain.internal_token import TokenNotWritten
from domain.services.units import Units
from domain.station import Station
from resolvers.operation import record_refusal
from rest_compat.documents import Document
from rest_compat.endpoint import RestEndpoint
from rest_compat.errors import ErrorForm
from rest_compat.http_rules import HttpRules
from rest_compat.openapi import document
from rest_compat.routes import ROUTES, SOCKETS, RouteTable
from rest_compat.sockets import SocketEndpoint
from rest_compat.tus_rules import TusRules
from schema.limits import Limits
from server.access import Access
from server.app import Static, Surfaces, describe, document_table
from server.background import Background
from server.doors import Listening
from server.front import Front
from server.guard import Guard, HostRefused, OriginRefused
from server.http_limits import STATUSES
from server.late_graphql import LateGraphql
from server.logs import set_up_logs
from server.metrics import Metrics
from server.pages import page_answer
from server.serve import serve
from server.settings import Settings
from server.tls import Certificates
from server.trusted import trusted_texts
from server.wiring.images import own_accesses
from server.wiring.station import open_station
from server.wiring.versions import service_version

log = logging.getLogger("provisioner.running")
FIRST_LOOK_SECONDS = 2.0
Announce = Callable[[list[str]], None]

SDL = Path(__file__).parents[1] / "schema" / "schema.graphql"
"""The printed schema, which a test compares with the built one."""


@dataclass(frozen=True, slots=True)
class Application:
    """The ASGI application, and the endpoints whose sockets are closed before it stops."""

    asgi: ASGIApp
    graphql: LateGraphql
    sockets: SocketEndpoint


def build_application(station: Station, settings: Settings) -> Application:
    """Builds every surface over `station`."""
    access, metrics, table = Access(settings), Metrics(), RouteTable()
    guard = Guard(settings, changes_by_get=table.changes_by_get)
    form, limits = ErrorForm(settings.rest_errors), Limits()
    rest = RestEndpoint(station, table=table, page=_page, form=form)
    sockets = SocketEndpoint(station, SOCKETS, form=form)
    trusted = trusted_texts(settings)
    graphql = LateGraphql(station, access=access, limits=limits, trusted=trusted)
    _watch(metrics, station, graphql, sockets)
    documents = describe(
        metrics=metrics.text,
        openapi=lambda: orjson.dumps(openapi_document(form)),
        sdl=SDL.read_bytes,
    )
    surfaces = Surfaces(
        graphql=graphql,
        rest=TusRules(rest, most_bytes=station.uploads.limits.bytes),
        sockets=sockets,
        static=Static(rest),
        documents=document_table(documents),
        most_bytes=limits.body_bytes,
    )
    rules = HttpRules(surfaces, allowed_origin=guard.allowed_origin)
    front = Front(
        rules,
        guard=guard,
        access=access,
        metrics=metrics,
        form=form,
        refused=lambda caller, refusal: record_refusal(caller, station, refusal),
    )
    return Application(front, graphql, sockets)


def openapi_document(form: ErrorForm = ErrorForm.FLAT) -> dict[str, object]:
    """Returns the OpenAPI document of this version, with errors in `form`."""

    def nothing() -> bytes:
        return b""

    documents: tuple[Document, ...] = describe(metrics=nothing, openapi=nothing, sdl=nothing)
    anywhere: list[type[ProvisionerError]] = [HostRefused, OriginRefused, *STATUSES]
    version = service_version()
    return dict(document(ROUTES, documents, version=version, form=form, anywhere=anywhere))


async def keep_token(station: Station) -> None:
    """Writes the secret of this start for the station's scripts, and writes down that it did;
    raises `TokenNotWritten`."""
    note, target = own_accesses(station.audit), station.paths.internal_token
    try:
        await station.internal_token.keep()
    except TokenNotWritten as error:
        note("WRITE", target, success=False, info=error.code)
        raise
    note("WRITE", target, info="New token for the station's scripts")


async def first_look(station: Station) -> None:
    """Lets the station look at its images and hash the small ones, for `FIRST_LOOK_SECONDS` at
    most: so the trail of a start is written before the first request's."""
    with suppress(TimeoutError):
        async with asyncio.timeout(FIRST_LOOK_SECONDS):
            await station.images.looking.settled()


async def run_service(
    settings: Settings, *, announce: Announce | None = None, simulated_units: Units | None = None
) -> None:
    """Runs until SIGTERM or SIGINT; `announce` gets the addresses once requests are answered.

    Raises `AddressInUse` and `CannotListen`.
    """
    set_up_logs(settings.log_level)
    async with AsyncExitStack() as stack:
        station = await open_station(settings, stack, simulated_units=simulated_units)
        application = build_application(station, settings)
        stack.push_async_callback(application.graphql.close_all, seconds=1)
        stack.push_async_callback(application.sockets.close_all)
        # Before the first connection; where it cannot be written, rows are found without it.
        with suppress(TokenNotWritten):
            await keep_token(station)
        await first_look(station)
        background = Background()
        stack.push_async_callback(background.aclose)

        def answering(addresses: list[str]) -> None:
            (announce or _log_addresses)(addresses)
            background.run("the loading of GraphQL", partial(_warm_up, application.graphql))

        await serve(
            application.asgi,
            Listening(
                settings.address, settings.port, settings.https_port if settings.https else None
            ),
            ready=answering,
            before_close=stack.aclose,
            tls=Certificates(station.paths, settings.address, socket.gethostname(), _now),
            https_off=lambda reason: log.warning("HTTPS is off: %s", reason),
        )


async def _warm_up(graphql: LateGraphql) -> None:
    """Loads GraphQL, after which what is in memory stays: looking through it for garbage again and
    again would hold everybody up for a tenth of a second."""
    await graphql.loaded()
    gc.freeze()


def _log_addresses(addresses: list[str]) -> None:
    log.info("listening on %s", ", ".join(addresses))


def _now() -> datetime:
    return datetime.now(UTC)


def _page() -> Response:
    return page_answer(plain_page())


def _watch(
    metrics: Metrics, station: Station, graphql: LateGraphql, sockets: SocketEndpoint
) -> None:
    hub = station.hub
    metrics.watch("hub_events", "Events published.", lambda: hub.sequence)
    metrics.watch("hub_subscribers", "Open subscriptions of the hub.", lambda: hub.subscribers)
    metrics.watch("legacy_sockets", "Open legacy WebSockets.", lambda: len(sockets))
    metrics.watch("usb_scans", "Looks at USB.", lambda: station.usb.scanning.count)
    metrics.watch("hub_lagged", "Events that a slow subscriber lost.", lambda: hub.lagged)
    metrics.watch("audit_waiting", "Audit rows not yet written.", lambda: station.audit.waiting)
    metrics.watch(
        "graphql_fallen_behind",
        "Times that a slow subscriber of GraphQL began again with a snapshot.",
        lambda: graphql.fallen_behind,
    )
    metrics.watch(
        "graphql_operations",
        "Operations that run on GraphQL sockets.",
        lambda: graphql.open_operations,
    )
