"""The GraphQL endpoint: GET and POST as GraphQL over HTTP has them, and graphql-transport-ws.

The draft: https://graphql.github.io/graphql-over-http/draft/
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.execution import ExecutionResult
from strawberry.types.graphql import OperationType

from domain.errors import ProvisionerError
from schema.broadcasts import Broadcasts
from schema.http_requests import GraphqlRequest, read_request
from schema.limits import Limits
from schema.media_types import GRAPHQL, JSON, chosen, names_html
from schema.outgoing import TextFrames
from schema.payloads import answer_of, encode, is_refused, told
from schema.refusals import (
    AcceptRefused,
    DocumentNotTrusted,
    MediaTypeRefused,
    MethodRefused,
    OperationRefused,
    OperationUnknown,
    RequestMalformed,
    refused,
)
from schema.sockets import OpenSockets, SocketHandler
from schema.station_executor import StationExecutor
from schema.trusted_documents import TrustedDocuments, plain_text_of

ContextT = TypeVar("ContextT")

STATUSES: Mapping[type[ProvisionerError], int] = {
    AcceptRefused: 406,
    DocumentNotTrusted: 403,
    MediaTypeRefused: 415,
    MethodRefused: 405,
    OperationRefused: 400,
    OperationUnknown: 400,
    RequestMalformed: 400,
}
"""What is refused before GraphQL answers."""


class GraphqlEndpoint(GraphQL[ContextT, None]):
    """Answers GraphQL; a subclass says what the context is (`get_context`) and who may open a
    WebSocket (`on_ws_connect`).

    `graphql_ide_html` is the page for browsers, None for no page. `stall_seconds` is how long a
    client may leave a frame unread before its WebSocket is closed. With `trusted` no other document
    is executed. Errors of the domain that
    `get_context` or the reading of the body raises go to whoever serves this.
    """

    def __init__(
        self,
        schema: BaseSchema,
        *,
        limits: Limits,
        graphql_ide_html: str | None = None,
        allowed_origins: tuple[str, ...] = (),
        init_seconds: float = 10.0,
        stall_seconds: float = 30.0,
        trusted: TrustedDocuments | None = None,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=init_seconds),
            max_subscriptions_per_connection=limits.operations_per_socket,
            allowed_origins=allowed_origins,
        )
        self.sockets = OpenSockets()
        self.broadcasts = Broadcasts()
        self._page = graphql_ide_html
        self._trusted = trusted
        # Strawberry declares the two as classes, and only ever calls them.
        adapter = partial(TextFrames, stall_seconds=stall_seconds)
        handler = partial(
            SocketHandler,
            sockets=self.sockets,
            broadcasts=self.broadcasts,
            text_of=self.text_of,
        )
        self.websocket_adapter_class = cast("Any", adapter)
        self.graphql_transport_ws_handler_class = cast("Any", handler)

    @property
    def graphql_ide_html(self) -> str:
        """The page for browsers."""
        return self._page or ""

    @property
    def open_operations(self) -> int:
        """How many operations, most of them subscriptions, run on all WebSockets."""
        return self.sockets.operations

    @property
    def fallen_behind(self) -> int:
        """How often a client was too slow for a subscription and began again with a snapshot."""
        return self.broadcasts.fallen_behind

    async def close_all(self, *, seconds: float = 3.0) -> None:
        """Closes every WebSocket with 1001, then gives mutations `seconds` to end."""
        await self.sockets.close_all()
        await self.broadcasts.aclose()
        executor = getattr(self.schema, "execution_context_class", None)
        if isinstance(executor, type) and issubclass(executor, StationExecutor):
            await executor.work.ended(seconds)

    def text_of(self, asked: GraphqlRequest, context: ContextT) -> str:
        """Returns the document to execute; raises `DocumentNotTrusted`, `RequestMalformed`."""
        if self._trusted is None:
            return plain_text_of(asked)
        try:
            return self._trusted.text_of(asked)
        except DocumentNotTrusted as refusal:
            self.note_refusal(context, refusal)
            raise

    def note_refusal(self, context: ContextT, refusal: DocumentNotTrusted) -> None:
        """Writes down who asked for a document that is not trusted; a subclass knows where."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request or WebSocket."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        media_type = chosen(request.headers.get("accept"))
        try:
            answer = await self._answer(request, media_type)
        except tuple(STATUSES) as error:
            answer = self._refusal(error, media_type or JSON)
        await answer(scope, receive, send)

    async def _answer(self, request: Request, media_type: str | None) -> Response:
        if self._wants_page(request):
            return await self.render_graphql_ide(request)
        if media_type is None:
            raise AcceptRefused(f"GraphQL answers in {GRAPHQL} or {JSON}; accept one of them.")
        asked = await read_request(request)
        details = await self.get_sub_response(request)
        context = await self.get_context(request, details)
        result = await self._result(request, asked, context)
        answer = self.create_response(cast("GraphQLHTTPResponse", answer_of(result)), details)
        if is_refused(result) and media_type == GRAPHQL:
            answer.status_code = 400
        return _finished(answer, media_type)

    def _wants_page(self, request: Request) -> bool:
        is_bare = request.method == "GET" and "query" not in request.query_params
        return is_bare and self._page is not None and names_html(request.headers.get("accept"))

    async def _result(
        self, request: Request, asked: GraphqlRequest, context: ContextT
    ) -> ExecutionResult:
        kinds = {OperationType.QUERY}
        if request.method == "POST":
            kinds.add(OperationType.MUTATION)
        try:
            return await self.schema.execute(
                self.text_of(asked, context),
                variable_values=asked.variables,
                context_value=context,
                operation_name=asked.operation_name,
                allowed_operation_types=kinds,
                operation_extensions=asked.extensions,
            )
        except CannotGetOperationTypeError as error:
            raise OperationUnknown(
                "The document has no such operation.", detail=(asked.operation_name or "")[:100]
            ) from error
        except InvalidOperationTypeError as error:
            raise _not_here(error.operation_type) from error

    def _refusal(self, error: ProvisionerError, media_type: str) -> Response:
        answer = Response(encode({"errors": [told(refused(error))]}), STATUSES[type(error)])
        if isinstance(error, MethodRefused):
            answer.headers["Allow"] = ", ".join(error.allowed)
        return _finished(answer, media_type)

    def encode_json(self, data: object) -> bytes:
        """Returns `data` as JSON."""
        return encode(data)


def _not_here(kind: OperationType) -> ProvisionerError:
    if kind is OperationType.MUTATION:
        return MethodRefused("GET changes nothing; send mutations by POST.", allowed=("POST",))
    return OperationRefused("Subscribe over the WebSocket at this address (graphql-transport-ws).")


def _finished(answer: Response, media_type: str) -> Response:
    answer.headers["Content-Type"] = f"{media_type}; charset=utf-8"
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Vary"] = "Accept"
    return answer
