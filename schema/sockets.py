"""The handler of one WebSocket that speaks graphql-transport-ws, and the sockets that are open.

The protocol: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias, TypeVar, cast

import orjson
from graphql import GraphQLError
from strawberry.http.exceptions import (
    NonJsonMessageReceived,
    NonTextMessageReceived,
    WebSocketDisconnected,
)
from strawberry.schema.schema import StreamResult
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.types.execution import ExecutionResult
from strawberry.utils.aio import aclosing

from domain.errors import Denied, ProvisionerError
from schema.broadcasts import Broadcasts
from schema.http_requests import GraphqlRequest, request_of
from schema.messages import problem_of
from schema.outgoing import ClientStalled, TextFrames
from schema.payloads import answer_of, encode, is_refused, told
from schema.refusals import DocumentNotTrusted, OperationLimit, RequestMalformed, refused
from schema.shared_subscriptions import SharedResult

ContextT = TypeVar("ContextT")
TextOf: TypeAlias = Callable[[GraphqlRequest, ContextT], str]

log = logging.getLogger("provisioner.graphql.sockets")

GOING_AWAY = 1001
"""RFC 6455 section 7.4.1: the server goes away."""
STALLED = 1013
"""Try again later (IANA's WebSocket close codes): after 1008 graphql-ws would never come back,
though a client that slept wants to."""
FAILED = 4500
"""What graphql-ws servers say when they fail; its clients do not repeat what made them."""


class OpenSockets:
    """The sockets that are served now."""

    def __init__(self) -> None:
        self._handlers: set[SocketHandler[Any]] = set()

    def __len__(self) -> int:
        return len(self._handlers)

    @property
    def operations(self) -> int:
        """How many operations run on all sockets."""
        return sum(len(handler.operations) for handler in self._handlers)

    def add(self, handler: "SocketHandler[Any]") -> None:
        """Counts a socket in."""
        self._handlers.add(handler)

    def remove(self, handler: "SocketHandler[Any]") -> None:
        """Counts a socket out."""
        self._handlers.discard(handler)

    async def close_all(self) -> None:
        """Closes every socket with 1001, all at once."""
        closing = [handler.end(GOING_AWAY, "The service stops.") for handler in self._handlers]
        await asyncio.gather(*closing, return_exceptions=True)


class SocketOperation(Operation[ContextT, None]):
    """One operation of a socket. The part of its frames that is the same each time is made once."""

    __slots__ = ("opening",)

    def __init__(
        self, handler: "SocketHandler[ContextT]", id: str, text: str, asked: GraphqlRequest
    ) -> None:
        super().__init__(handler, id, text, asked.variables, asked.operation_name)
        self.opening = f'{{"id":{orjson.dumps(id).decode()},"type":"next","payload":'

    async def send_next(self, execution_result: ExecutionResult) -> None:
        """Sends one result; a shared one was encoded for all."""
        if self.completed:
            return
        if isinstance(execution_result, SharedResult):
            payload = execution_result.frame.encoded(execution_result)
        else:
            payload = encode(answer_of(execution_result)).decode()
        frames = cast("TextFrames", self.handler.websocket)
        await frames.send_text(f"{self.opening}{payload}}}")

    async def send_initial_errors(self, errors: list[GraphQLError]) -> None:
        """Ends the operation with what was wrong with it."""
        message: dict[str, object] = {"id": self.id, "type": "error"}
        message["payload"] = [told(error) for error in errors]
        await self.send_operation_message(cast("Any", message))


class SocketHandler(BaseGraphQLTransportWSHandler[ContextT, None]):
    """Speaks with one client until either side closes."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 -- strawberry's own
        sockets: OpenSockets,
        broadcasts: Broadcasts,
        text_of: TextOf[ContextT],
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        self._text_of = text_of
        self._sockets = sockets
        self._broadcasts = broadcasts
        self._serving = asyncio.timeout(None)
        self._is_serving = False

    async def handle(self) -> None:
        """Serves the socket, which has been accepted."""
        self._sockets.add(self)
        self.on_request_accepted()
        try:
            async with self._serving:
                self._is_serving = True
                await self._converse()
        except TimeoutError:
            if not self._serving.expired():
                raise
        finally:
            self._is_serving = False
            self._sockets.remove(self)
            await self.shutdown()

    async def end(self, code: int, reason: str) -> None:
        """Closes the socket from outside and stops serving it."""
        await self.websocket.close(code, reason)
        if self._is_serving and not self._serving.expired():
            self._serving.reschedule(asyncio.get_running_loop().time())

    async def _converse(self) -> None:
        try:
            async for message in self.websocket.iter_json():
                await self.handle_message(cast("Any", message))
        except NonTextMessageReceived:
            await self.handle_invalid_message("A message is a text frame.")
        except NonJsonMessageReceived:
            await self.handle_invalid_message("A message is JSON.")
        except ClientStalled:
            await self._end_stalled()
        except WebSocketDisconnected:
            return
        except Exception:
            log.exception("a WebSocket failed")
            await self.end(FAILED, "The service failed; the log has it.")

    async def _end_stalled(self) -> None:
        log.info("a client stopped reading its WebSocket, which is closed")
        await self.end(STALLED, "The client does not read what it asked for.")

    async def handle_message(self, message: Any) -> None:  # noqa: ANN401 -- whatever came
        """Answers one message; what the protocol does not know closes the socket with 4400."""
        problem = problem_of(message)
        if problem:
            await self.handle_invalid_message(problem)
            return
        await super().handle_message(message)

    async def handle_connection_init(self, message: Any) -> None:  # noqa: ANN401 -- checked above
        """Lets the client in, unless the endpoint does not (4403)."""
        opening: Any = {"type": "connection_init", "payload": message.get("payload") or {}}
        try:
            await super().handle_connection_init(opening)
        except Denied:
            await self.websocket.close(4403, "Forbidden")

    async def handle_ping(self, message: Any) -> None:  # noqa: ANN401 -- checked above
        """Answers with what the ping carried."""
        payload = message.get("payload")
        pong = {"type": "pong"} if payload is None else {"type": "pong", "payload": payload}
        await self.websocket.send_json(pong)

    async def handle_subscribe(self, message: Any) -> None:  # noqa: ANN401 -- checked above
        """Begins an operation."""
        if not self.connection_acknowledged:
            await self.websocket.close(4401, "Unauthorized")
            return
        id = message["id"]
        if id in self.operations:
            await self.websocket.close(4409, f"Subscriber for {id} already exists")
            return
        most = self.max_subscriptions_per_connection
        if most is not None and len(self.operations) >= most:
            error = OperationLimit(f"This socket runs {most} operations; complete one first.")
            await self._refuse(id, error)
            return
        asked = request_of(message["payload"])
        try:
            text = self._text_of(asked, self.context)
        except (DocumentNotTrusted, RequestMalformed) as refusal:
            await self._refuse(id, refusal)
            return
        operation = SocketOperation(self, id, text, asked)
        operation.task = asyncio.create_task(self.run_operation(operation))
        operation.task.add_done_callback(self._task_done)
        self.operations[id] = operation

    async def _refuse(self, id: str, refusal: ProvisionerError) -> None:
        payload = [told(refused(refusal))]
        await self.websocket.send_json({"id": id, "type": "error", "payload": payload})

    async def run_operation(self, operation: Operation[ContextT, None]) -> None:
        """Runs one operation to its end, in its own task."""
        open = partial(
            self.schema.stream,
            operation.query,
            variable_values=operation.variables,
            context_value=self.context,
            root_value=self.root_value,
            operation_name=operation.operation_name,
        )
        try:
            async with aclosing(self._broadcasts.results(open)) as results:
                await self._send_result_stream(operation, results)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except ClientStalled:
            await self._end_stalled()
        except WebSocketDisconnected:
            log.debug("a WebSocket was gone before its operation ended")
        except Exception:
            log.exception("an operation of a WebSocket failed")
            await self.end(FAILED, "An operation failed; the log has it.")

    async def _send_result_stream(
        self, operation: Operation[ContextT, None], result_source: StreamResult
    ) -> None:
        async for result in result_source:
            if not isinstance(result, ExecutionResult):
                await self._reject_incremental_delivery(operation)
                return
            if is_refused(result):
                # Whatever is wrong with one operation, the others of the socket go on.
                await operation.send_initial_errors(result.errors or [])
                return
            await operation.send_next(result)
