"""Close codes of the GraphQL WebSocket: the protocol's own and this service's."""

from collections.abc import Mapping

CLOSE_CODES: Mapping[int, str] = {
    1001: "the service stops; come back",
    1009: "the client said more at once than a message may have",
    1013: "the client did not read for too long; come back",
    4400: "a message that the protocol does not know",
    4401: "a subscription before the connection was acknowledged",
    4403: "the connection is not allowed",
    4406: "the client does not offer the subprotocol `graphql-transport-ws`",
    4408: "no `connection_init` came in time",
    4409: "a second subscription with the id of one that runs",
    4429: "a second `connection_init`",
    4500: "something unexpected; the log has it",
}
"""Each code with what it means (graphql-transport-ws; RFC 6455 section 7.4)."""
