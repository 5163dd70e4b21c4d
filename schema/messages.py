"""The messages of graphql-transport-ws that a client may send, and what can be wrong with them."""

LONGEST_ID = 256
"""Characters of an operation's id; clients send a number or a UUID."""

WITH_PAYLOAD = frozenset({"connection_init", "ping", "pong"})
"""Types whose `payload` is an object, null or absent."""
WITH_ID = frozenset({"subscribe", "complete"})

OPTIONAL_OBJECTS = ("variables", "extensions")
OPTIONAL_TEXTS = ("operationName", "documentId")


def problem_of(message: object) -> str:
    """Returns what is wrong with a message's form, empty if nothing."""
    if not isinstance(message, dict):
        return "A message is a JSON object."
    kind = str(message.get("type"))
    if kind in WITH_PAYLOAD:
        payload = message.get("payload")
        return "" if payload is None or isinstance(payload, dict) else "`payload` is an object."
    if kind not in WITH_ID:
        return f"Unknown message type: {kind[:60]}"
    id = message.get("id")
    if not isinstance(id, str) or not 0 < len(id) <= LONGEST_ID:
        return f"`id` is a text of 1 to {LONGEST_ID} characters."
    return request_problem(message.get("payload")) if kind == "subscribe" else ""


def request_problem(request: object) -> str:
    """Returns what is wrong with a GraphQL request's members, empty if nothing; the same over HTTP
    and WebSocket."""
    if not isinstance(request, dict):
        return "A GraphQL request is a JSON object."
    for name in OPTIONAL_OBJECTS:
        if not isinstance(request.get(name), dict | None):
            return f"`{name}` is an object or null."
    for name in OPTIONAL_TEXTS:
        if not isinstance(request.get(name), str | None):
            return f"`{name}` is a text or null."
    query = request.get("query")
    is_named = "persistedQuery" in (request.get("extensions") or {}) or request.get("documentId")
    if not (isinstance(query, str) and query) and not (query is None and is_named):
        return "`query` is the text of a GraphQL document."
    return ""
