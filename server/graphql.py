"""The GraphQL endpoint of this station: who asks, and the station behind every field."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.exceptions import ConnectionRejectionError
from strawberry.schema import BaseSchema
from strawberry.types.unset import UNSET, UnsetType

from dashboard.pages import Asset
from domain.caller import Role, Unauthenticated
from domain.station import Station
from resolvers.operation import record_refusal
from schema.context import Context
from schema.endpoint import GraphqlEndpoint
from schema.limits import Limits
from schema.refusals import DocumentNotTrusted
from schema.trusted_documents import TrustedDocuments
from server.access import Access
from server.pages import page_answer

INIT_SECONDS = 10


class StationGraphQL(GraphqlEndpoint[Context]):
    """The endpoint over one station; browsers that ask for HTML get GraphiQL."""

    def __init__(
        self,
        schema: BaseSchema,
        station: Station,
        *,
        access: Access,
        limits: Limits,
        page: Asset,
        trusted: TrustedDocuments | None = None,
    ) -> None:
        # The guard has judged every Origin before. GraphiQL lives from documents nobody knows yet.
        super().__init__(
            schema,
            limits=limits,
            graphql_ide_html=None if trusted else page.body.decode(),
            allowed_origins=("*",),
            trusted=trusted,
        )
        self._station = station
        self._access = access
        self._limits = limits
        self._graphiql = page

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        """Returns the context of one request or one socket."""
        del response
        return Context(request.scope["caller"], self._station, self._limits)

    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        """Takes a bearer token from the first message, where a browser can send no header."""
        sent = _authorizations(context.connection_params or {})
        if len(sent) > 1:
            raise ConnectionRejectionError
        if sent:
            name, role = self._access.identify(sent[0])
            context.caller = replace(context.caller, name=name, role=role)
        if context.caller.role is Role.NOBODY:
            caller = replace(context.caller, entry="/graphql", surface="graphql")
            record_refusal(caller, self._station, Unauthenticated("A token is wanted here."))
            raise ConnectionRejectionError
        return cast("UnsetType", UNSET)

    def note_refusal(self, context: Context, refusal: DocumentNotTrusted) -> None:
        """Writes an audit row: somebody tried a document that is not trusted."""
        caller = replace(context.caller, entry="/graphql", surface="graphql")
        record_refusal(caller, self._station, refusal)

    async def render_graphql_ide(self, request: Request) -> Response:
        """Returns GraphiQL, which works without internet."""
        del request
        return page_answer(self._graphiql)


def _authorizations(parameters: Mapping[str, object]) -> list[str]:
    # Clients write the key like the header, whose case does not matter (RFC 9110 section 5.1).
    named = (value for name, value in parameters.items() if name.lower() == "authorization")
    return [value for value in named if isinstance(value, str)]
