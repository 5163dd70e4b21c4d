"""The GraphQL endpoint of this station: who asks, and the station behind every field."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLHTTPResponse
from strawberry.schema import BaseSchema
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UNSET, UnsetType

from dashboard.pages import Asset
from domain.caller import Role
from domain.station import Station
from schema.context import Context
from schema.limits import Limits
from server.access import Access
from server.pages import page_answer

INIT_SECONDS = 10


class StationGraphQL(GraphQL[Context, None]):
    """GraphQL over GET, POST and `graphql-transport-ws`; browsers get GraphiQL."""

    def __init__(
        self, schema: BaseSchema, station: Station, *, access: Access, limits: Limits, page: Asset
    ) -> None:
        super().__init__(
            schema,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=INIT_SECONDS),
            max_subscriptions_per_connection=limits.operations_per_socket,
            # The guard has judged every Origin before.
            allowed_origins=("*",),
        )
        self._station = station
        self._access = access
        self._limits = limits
        self._page = page
        self.open_sockets = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request or WebSocket."""
        self.open_sockets += scope["type"] == "websocket"
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.open_sockets -= scope["type"] == "websocket"

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        """Returns the context of one request or one socket."""
        del response
        return Context(request.scope["caller"], self._station, self._limits)

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        """Takes a bearer token from the first message, where a browser can send no header."""
        sent = (context.connection_params or {}).get("authorization")
        if isinstance(sent, str):
            name, role = self._access.identify(sent)
            context.caller = replace(context.caller, name=name, role=role)
        if context.caller.role is Role.NOBODY:
            raise ConnectionRejectionError
        return cast("UnsetType", UNSET)

    async def render_graphql_ide(self, request: Request) -> Response:
        """Returns GraphiQL, which works without internet."""
        del request
        return page_answer(self._page)

    def encode_json(self, data: object) -> str:
        """Returns `data` as JSON, for answers and frames."""
        return orjson.dumps(data).decode()

    def decode_json(self, data: str | bytes) -> object:
        """Returns what the client sent."""
        return orjson.loads(data)

    def create_response(
        self,
        response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse],
        sub_response: Response,
    ) -> Response:
        """Returns the answer to a GraphQL request."""
        answer = super().create_response(response_data, sub_response)
        answer.headers["Cache-Control"] = "no-store"
        return answer
