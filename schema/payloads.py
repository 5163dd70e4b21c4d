"""Results as clients read them: the members of the answer, and their JSON."""

import logging

import orjson
from graphql import GraphQLError
from strawberry.schema.exceptions import CannotGetOperationTypeError
from strawberry.types.execution import ExecutionResult, PreExecutionError

from domain.errors import ProvisionerError
from domain.unicode_texts import as_unicode
from schema.given_values import without_values
from schema.refusals import ExecutionTimeout, OperationUnknown, VariablesInvalid, coded

Payload = dict[str, object]

log = logging.getLogger("provisioner.graphql")


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
    codes = [(error.extensions or {}).get("code") for error in result.errors or ()]
    if isinstance(result, PreExecutionError):
        return ExecutionTimeout.code not in codes
    return result.data is None and VariablesInvalid.code in codes


def told(error: GraphQLError) -> Payload:
    """Returns the error's members: `message`, `locations`, `path`, `extensions`.

    What the schema's extensions did not mask, because it was raised around them, is masked here.
    """
    original = error.original_error
    if isinstance(original, CannotGetOperationTypeError):
        coded(error, OperationUnknown.code)
    elif original is not None and not isinstance(original, GraphQLError | ProvisionerError):
        log.error("an error reached the answer unmasked", exc_info=original)
        message = "Something unexpected went wrong; the log has it."
        masked: Payload = {"message": message, "extensions": {"code": "INTERNAL"}}
        return masked | ({"path": error.path} if error.path else {})
    members: Payload = {**error.formatted}
    if not isinstance(original, ProvisionerError):
        members["message"] = without_values(error.message)
    return members


def encode(value: object) -> bytes:
    """Returns `value` as JSON; of texts that are no Unicode (from the disk) what is none becomes
    U+FFFD."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return orjson.dumps(as_unicode(value))
