"""The toy schema behind a real endpoint."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.exceptions import ConnectionRejectionError
from strawberry.types.unset import UNSET, UnsetType

from domain.caller import RoleTooLow
from domain.events import Hub
from schema.document_checks import checks
from schema.endpoint import GraphqlEndpoint
from schema.limits import Limits
from schema.station_executor import StationExecutor, station_executor
from tests.schema.driver import LIMIT
from tests.schema.toy import Context, Station, toy_schema


class ToyEndpoint(GraphqlEndpoint[Context]):
    """Gives every request the toy's station; turns away who is named `stranger` or `viewer`."""

    station: Station
    share_key: object = "viewer"

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        return Context(self.station, share_key=self.share_key)

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        name = (context.connection_params or {}).get("name")
        if name == "stranger":
            raise ConnectionRejectionError
        if name == "viewer":
            raise RoleTooLow("This needs another role.")
        return cast("UnsetType", UNSET)


@dataclass
class Toy:
    """An endpoint and what is behind it."""

    endpoint: ToyEndpoint
    executor: type[StationExecutor]
    station: Station = field(default_factory=Station)

    def __post_init__(self) -> None:
        self.endpoint.station = self.station

    @property
    def hub(self) -> Hub:
        return self.station.hub

    async def watched_by(self, count: int) -> None:
        """Returns when the hub has `count` subscribers."""
        async with asyncio.timeout(LIMIT):
            while self.hub.subscribers != count:
                await asyncio.sleep(0)


def toy(*, limits: Limits | None = None, extensions: tuple[Any, ...] = (), **settings: Any) -> Toy:
    """Returns the toy, served with `limits`; `settings` are the endpoint's."""
    limits = limits or Limits()
    executor = station_executor(limits)
    schema = toy_schema(execution_context_class=executor, extensions=[checks(limits), *extensions])
    return Toy(ToyEndpoint(schema, limits=limits, **settings), executor)
