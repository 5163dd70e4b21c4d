"""A whole service in this process, over a throw-away station."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from domain.station import Station
from server.demo.station import build_station
from server.running import Application, build_application
from server.settings import Settings
from server.wiring.station import open_station
from tests.surfaces.described import checking

PATIENCE = 20.0
NO_BUS = "unix:path=/nonexistent/bus"


@dataclass(frozen=True, slots=True)
class Service:
    """A running service and its client."""

    client: httpx2.AsyncClient
    station: Station
    application: Application
    root: Path

    async def graphql(self, query: str, **variables: object) -> Any:
        """Returns the whole answer of a GraphQL request."""
        body = {"query": query, "variables": variables}
        return (await self.client.post("/graphql", json=body)).json()

    async def audit_rows(self) -> list[sqlite3.Row]:
        """Returns the audit log as it is on the disk, oldest first."""
        await self.station.audit.durable()
        with sqlite3.connect(self.root / "srv/rpi-sb-provisioner/audit.db") as connection:
            connection.row_factory = sqlite3.Row
            return connection.execute("select * from audit_log order by id").fetchall()


@asynccontextmanager
async def running(root: Path, **settings: Any) -> AsyncIterator[Service]:
    """Runs a service over the tree at `root`."""
    chosen = Settings(root=root, bus_address=NO_BUS, **settings)
    async with AsyncExitStack() as stack:
        station = await open_station(chosen, stack)
        application = build_application(station, chosen)
        transport = httpx2.ASGITransport(application.asgi, client=("127.0.0.1", 5000))
        client = httpx2.AsyncClient(
            transport=transport,
            base_url="http://127.0.0.1:3142",
            event_hooks={"response": [checking(chosen.rest_errors)]},
        )
        await stack.enter_async_context(client)
        yield Service(client, station, application, root)


async def settle(station: Station) -> None:
    """Waits until all sources were heard; a question waits a moment only, and may be told what is
    still being checked."""
    await station.statuses.settle()
    await station.usb.scanning.wait_for_first(PATIENCE)


@pytest.fixture(scope="session")
def station_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One demo station for tests that only read."""
    root = tmp_path_factory.mktemp("station")
    build_station(root, now=datetime(2026, 8, 1, tzinfo=UTC))
    return root


@pytest.fixture
async def service(station_root: Path) -> AsyncIterator[Service]:
    """A service over the demo station."""
    async with running(station_root) as started:
        await settle(started.station)
        yield started


@pytest.fixture
async def empty_service(tmp_path: Path) -> AsyncIterator[Service]:
    """A service on a machine where nothing of the station is there."""
    async with running(tmp_path) as started:
        yield started
