"""GraphQL while its engine is not loaded yet: whoever asks first waits for it."""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from adapters.service_db.database import import_tortoise
from dashboard.pages import graphiql_page
from domain.station import Station
from schema.limits import Limits
from server.access import Access

if TYPE_CHECKING:
    from server.graphql import StationGraphQL


class LateGraphql:
    """Loads the schema and the engine under it in a thread, so that the listeners answer without
    them (design 7)."""

    def __init__(
        self,
        station: Station,
        *,
        access: Access,
        limits: Limits,
        trusted: Iterable[str] | None = None,
    ) -> None:
        self._station = station
        self._access = access
        self._limits = limits
        self._trusted = trusted
        self._loading: asyncio.Task[StationGraphQL] | None = None
        self._endpoint: StationGraphQL | None = None

    async def loaded(self) -> "StationGraphQL":
        """Returns the endpoint; the first call begins to load it."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._load())
        # A client that goes away while it waits must not take the endpoint with it.
        return await asyncio.shield(self._loading)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request or WebSocket."""
        endpoint = await self.loaded()
        await endpoint(scope, receive, send)

    @property
    def open_operations(self) -> int:
        """How many operations, most of them subscriptions, run on all WebSockets."""
        return 0 if self._endpoint is None else self._endpoint.open_operations

    @property
    def fallen_behind(self) -> int:
        """How often a client was too slow for a subscription and began again with a snapshot."""
        return 0 if self._endpoint is None else self._endpoint.fallen_behind

    async def close_all(self, *, seconds: float) -> None:
        """Closes every WebSocket with 1001, then gives mutations `seconds` to end."""
        if self._loading is not None:
            await asyncio.wait({self._loading})
        if self._endpoint is not None:
            await self._endpoint.close_all(seconds=seconds)

    async def _load(self) -> "StationGraphQL":
        self._endpoint = await asyncio.to_thread(self._build)
        return self._endpoint

    def _build(self) -> "StationGraphQL":
        # Strawberry looks at pydantic where it finds it, also one that another thread has only
        # half imported: Tortoise brings it along where it is installed.
        import_tortoise()
        from schema.build import build_schema
        from schema.trusted_documents import TrustedDocuments
        from server.graphql import StationGraphQL

        return StationGraphQL(
            build_schema(self._limits),
            self._station,
            access=self._access,
            limits=self._limits,
            page=graphiql_page(),
            trusted=None if self._trusted is None else TrustedDocuments.of(self._trusted),
        )
