"""Results as clients read them: the members of the answer, and their JSON."""

import json

import orjson
from graphql import GraphQLError
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError

from schema.refusals import OperationUnknown, VariablesInvalid, coded

Payload = dict[str, object]


def answer_of(result: ExecutionResult) -> Payload:
    """Returns the answer; one that was refused before anything ran has no `data` (GraphQL
    specification, section 7.1)."""
    answer: Payload = {} if is_refused(result) else {"data": result.data}
    if result.errors:
        answer["errors"] = [told(error) for error in result.errors]
    if result.extensions:
        answer["extensions"] = result.extensions
    return answer


def is_refused(result: ExecutionResult) -> bool:
    """Whether nothing ran: the document, the operation's name or the variables are wrong."""
    if isinstance(result, PreExecutionError):
        return True
    codes = [(error.extensions or {}).get("code") for error in result.errors or ()]
    return result.data is None and VariablesInvalid.code in codes


def told(error: GraphQLError) -> Payload:
    """Returns the error's members: `message`, `locations`, `path`, `extensions`."""
    if isinstance(error.original_error, CannotGetOperationTypeError):
        coded(error, OperationUnknown.code)
    return dict(error.formatted)


def encode(value: object) -> bytes:
    """Returns `value` as JSON."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        # File names need not be Unicode; their stray bytes are lone surrogates in Python, which
        # JSON can only escape (RFC 8259 section 8.2).
        return json.dumps(value, separators=(",", ":")).encode()
