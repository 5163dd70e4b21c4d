"""The legacy routes of secrets at rest (contract configuration 12)."""

from starlette.responses import Response

from domain.configuration.file import ConfigUnreadable
from domain.errors import Invalid
from domain.keys.secrets_at_rest import EncryptionStatus, Migration, Protection, Target
from resolvers.keys.secrets_at_rest import get_encryption_status, migrate_secrets
from rest_compat.encoding import json_answer
from rest_compat.errors import ErrorForm, Told, encode_error
from rest_compat.json_texts import as_text
from rest_compat.keys.keys import REGISTRY_FAULTS
from rest_compat.question import Question
from rest_compat.route import Answer, Arguments, Body, Fault, Json, Route, Schema, served

STILL_PLAIN = "SECRETS_STILL_PLAIN"
BOOLEAN: Schema = {"type": "boolean"}
PROTECTION: Schema = {
    "type": "object",
    "required": ["configured", "wrapped"],
    "properties": {"configured": BOOLEAN, "wrapped": BOOLEAN},
}
STATUS: Schema = {
    "type": "object",
    "required": ["pin", "key", "anyUnwrapped"],
    "properties": {"pin": PROTECTION, "key": PROTECTION, "anyUnwrapped": BOOLEAN},
}
WRAPPED: Schema = {"type": "object", "properties": {"migrated": BOOLEAN}}
MIGRATED: Schema = {
    "type": "object",
    "required": ["success"],
    "properties": {
        "success": BOOLEAN,
        "pin": WRAPPED,
        "key": WRAPPED,
        "error": {"type": "string"},
        "error_code": {"const": STILL_PLAIN},
    },
}
ORDER: Schema = {
    "type": ["object", "null"],
    # An empty text and null are as good as absent.
    "properties": {"target": {"enum": [*(one.value for one in Target), "", None]}},
}


class TargetUnknown(Invalid):
    """Secrets of no known kind."""

    code = "INVALID_TARGET"
    title = "Invalid Request"
    meaning = "Secrets are wrapped by the targets pin, key, all and everything."
    remedy = "Send one of these targets, or none for all."


async def _target(question: Question) -> Arguments:
    body = {}
    if await question.body():
        body = await question.json_object(null_is_empty=True)
    text = as_text(body.get("target"), name="target") or Target.ALL.value
    if text not in {target.value for target in Target}:
        message = "`target` is pin, key, all or everything."
        raise TargetUnknown(message, detail=text[:64], field="target")
    return {"target": Target(text)}


def _status(status: EncryptionStatus) -> Response:
    told: dict[str, Json] = {
        "pin": _protection(status.pin),
        "key": _protection(status.key),
        "anyUnwrapped": status.any_plain,
    }
    return json_answer(told)


def _protection(protection: Protection) -> dict[str, Json]:
    return {"configured": protection.configured, "wrapped": protection.wrapped}


def _migrated(migration: Migration) -> Response:
    problems = migration.problems
    told: dict[str, Json] = {"success": not problems}
    if migration.pin is not None:
        told["pin"] = {"migrated": not migration.pin.problem}
    if migration.keys:
        told["key"] = {"migrated": not any(result.problem for result in migration.keys)}
    if not problems:
        return json_answer(told)
    # What could be wrapped is wrapped: a partial failure is told, not undone, and told as JSON
    # whatever is accepted (12 [K]).
    failure = Told(500, STILL_PLAIN, "Secrets Still Plain", " ".join(problems))
    return encode_error(failure, accept="", form=ErrorForm.FLAT, members=told)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/options/encryption-status",
        summary="Whether the PIN and the keys lie wrapped on the disk.",
        contract="configuration 12",
        serves=served(get_encryption_status, _status),
        answers=(Answer(200, "How they lie; one that is absent is wrapped.", schema=STATUS),),
        faults=(Fault(ConfigUnreadable, 500),),
    ),
    Route(
        method="POST",
        path="/options/migrate-secrets",
        summary="Wraps the PIN and the configured key, with the target everything all keys.",
        contract="configuration 12",
        serves=served(migrate_secrets, _migrated, _target),
        body=Body("application/json", ORDER, required=False),
        answers=(
            Answer(200, "All that was there is wrapped.", schema=MIGRATED),
            Answer(500, "Something is still plain; `error` says why.", schema=MIGRATED),
        ),
        faults=(Fault(TargetUnknown), *REGISTRY_FAULTS),
        checks_csrf=True,
    ),
)
