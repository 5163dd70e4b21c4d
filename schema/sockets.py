"""The handler of one WebSocket that speaks graphql-transport-ws.

The protocol: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from graphql import GraphQLError
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import (
    NonJsonMessageReceived,
    NonTextMessageReceived,
    WebSocketDisconnected,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.types.execution import ExecutionResult, PreExecutionError
from strawberry.utils.aio import aclosing

from domain.errors import Denied, ProvisionerError
from schema.outgoing import ClientStalled, TextFrames
from schema.payloads import answer_of, encode, is_refused, told
from schema.refusals import OperationLimit, refused
from schema.shared_subscriptions import SharedResult

if TYPE_CHECKING:
    from strawberry.schema.schema import StreamResult
    from schema.endpoint import GraphqlEndpoint

ContextT = TypeVar("ContextT")
Message = dict[str, object]

log = logging.getLogger("provisioner.graphql.sockets")

LONGEST_ID = 256
"""Characters of an operation's id; clients send a number or a UUID."""
