"""GraphQL requests as HTTP carries them: by GET in the query string, by POST as JSON."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request

from schema.media_types import is_json_in_utf_8
from schema.messages import OPTIONAL_OBJECTS, request_problem
from schema.refusals import MediaTypeRefused, MethodRefused, RequestMalformed

Members = dict[str, object]


@dataclass(frozen=True, slots=True)
class GraphqlRequest:
    """What the client asks; `query` is None where it names a document by its hash."""

    query: str | None
    variables: dict[str, object] | None
    operation_name: str | None
    extensions: dict[str, object] | None
    document_id: str | None


async def read_request(request: Request) -> GraphqlRequest:
    """Returns the request; raises `MethodRefused`, `MediaTypeRefused` and `RequestMalformed`."""
    if request.method == "GET":
        return _checked(_from_query_string(_parameters(request.scope["query_string"])))
    if request.method != "POST":
        message = f"GraphQL does not take {request.method[:20]}; use GET or POST."
        raise MethodRefused(message, allowed=("GET", "POST"))
    content_type = request.headers.get("content-type", "")
    if not is_json_in_utf_8(content_type):
        raise MediaTypeRefused(
            "Send the request as application/json in UTF-8.", detail=content_type[:100]
        )
    return _checked(_decoded(await request.body(), "The body"))


def _parameters(raw: bytes) -> QueryParams:
    try:
        # Not Starlette's own: it would replace what is no UTF-8, and run something else.
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise RequestMalformed("The query string is not UTF-8.") from error
    return QueryParams(pairs)


def _from_query_string(parameters: QueryParams) -> Members:
    members: Members = dict(parameters)
    repeated = [name for name in members if len(parameters.getlist(name)) > 1]
    if repeated:
        # Which one a proxy in between has looked at, nobody knows.
        raise RequestMalformed(f"`{repeated[0][:60]}` came more than once; send it once.")
    for name in OPTIONAL_OBJECTS:
        text = parameters.get(name)
        if text is not None:
            members[name] = _decoded(text.encode(), f"`{name}`") if text else None
    return members


def _decoded(text: bytes, what: str) -> object:
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RequestMalformed(f"{what} is not JSON: {error}.") from error
    return value


def _checked(members: object) -> GraphqlRequest:
    if isinstance(members, list):
        raise RequestMalformed("Send one operation in one request; batches are not taken.")
    problem = request_problem(members)
    if problem or not isinstance(members, dict):
        raise RequestMalformed(problem)
    return request_of(members)


def request_of(members: dict[str, Any]) -> GraphqlRequest:
    """Returns the request of members in which `request_problem` finds nothing."""
    return GraphqlRequest(
        query=members.get("query"),
        variables=members.get("variables"),
        operation_name=members.get("operationName"),
        extensions=members.get("extensions"),
        document_id=members.get("documentId"),
    )
