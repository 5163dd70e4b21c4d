"""The legacy routes of options (contract configuration section 12)."""

from starlette.responses import Response

from domain.configuration.file import (
    ConfigLocked,
    ConfigNotWritten,
    ConfigObscure,
    ConfigUnreadable,
)
from domain.configuration.settings import ConfigurationView, Source
from domain.configuration.variables import ConfigKeyRefused, ConfigValueRefused
from domain.host_paths import PathRefused
from domain.manufacturing.new_database import RecordDatabaseNotMade
from domain.preflight.answers import FieldAnswer
from domain.preflight.fields import FieldNameMissing, FieldUnknown
from resolvers.configuration import check_setting, get_configuration, update_configuration
from resolvers.operation import Call
from resolvers.station import issue_csrf_token
from rest_compat.encoding import json_answer
from rest_compat.http_errors import JsonInvalid
from rest_compat.json_texts import AS_TEXT, as_text
from rest_compat.question import Question
from rest_compat.route import (
    Answer,
    Body,
    Fault,
    Json,
    Route,
    Schema,
    Served,
    Showing,
    served,
)

TEXT: Schema = {"type": "string"}
OPTIONS: Schema = {"type": "object", "additionalProperties": TEXT}
CHANGES: Schema = {
    "type": ["object", "null"],
    "propertyNames": {"pattern": "^[A-Za-z0-9_]+$"},
    "additionalProperties": AS_TEXT,
}
QUESTION: Schema = {
    "type": "object",
    "required": ["field"],
    "properties": {"field": {"type": "string", "minLength": 1}, "value": AS_TEXT},
}
VALIDATED: Schema = {
    "type": "object",
    "required": ["valid", "field"],
    "properties": {
        "valid": {"type": "boolean"},
        "field": TEXT,
        "error": {"type": "string", "description": "Why not; only where it is not valid."},
        "message": TEXT,
        "is_idp": {"const": True},
        "validation_errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "description"],
                "properties": {"path": TEXT, "description": TEXT},
            },
        },
    },
}
CSRF_MEMBER = "_csrf_token"
"""The old service kept it as a setting by mistake (contract configuration 2.1)."""


def _token(token: str) -> Response:
    return json_answer({"token": token})


def _options(view: ConfigurationView) -> Response:
    settings = (one for one in view.settings if one.source is not Source.UNSET)
    return json_answer({one.variable.name: one.value for one in settings})


async def _set(call: Call, question: Question) -> Response:
    body = await question.json_object(null_is_empty=True)
    changes = {
        name: as_text(value, name=name) for name, value in body.items() if name != CSRF_MEMBER
    }
    await update_configuration.perform(call, changes=changes)
    return Response()


async def _validate(call: Call, question: Question) -> Response:
    body = await question.json_object(null_is_empty=True)
    name = as_text(body.get("field"), name="field")
    value = as_text(body.get("value"), name="value")
    answer = await check_setting.perform(call, name=name, value=value)
    return json_answer(_validated(name, answer))


def _validated(name: str, answer: FieldAnswer) -> dict[str, Json]:
    told: dict[str, Json] = {"valid": answer.is_valid, "field": name}
    if answer.error:
        told["error"] = answer.error
    if answer.message:
        told["message"] = answer.message
    if answer.is_artefact:
        told["is_idp"] = True
    if answer.faults:
        told["validation_errors"] = [
            {"path": fault.path, "description": fault.description} for fault in answer.faults
        ]
    return told


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/options/get",
        summary="All settings that either file names, secrets masked; a browser gets the page.",
        contract="configuration 12",
        serves=served(get_configuration, _options),
        answers=(Answer(200, "The values in force, by name.", schema=OPTIONS),),
        faults=(Fault(ConfigUnreadable),),
        showing=Showing.ON_HTML,
    ),
    Route(
        method="POST",
        path="/options/set",
        summary="Stores settings, all or none; a mask that was shown leaves the secret as it is.",
        contract="configuration 12",
        serves=Served(update_configuration.name, update_configuration.policy, _set),
        body=Body("application/json", CHANGES),
        answers=(Answer(200, "They are in force. Nothing is said.", media_type=""),),
        faults=(
            Fault(JsonInvalid),
            Fault(ConfigKeyRefused),
            Fault(ConfigValueRefused),
            Fault(PathRefused),
            Fault(ConfigNotWritten, 500),
            # The old clients know one code for all that keeps the file from being written.
            Fault(ConfigLocked, 500, "CONFIG_WRITE_ERROR"),
            Fault(ConfigObscure, 500, "CONFIG_WRITE_ERROR"),
            Fault(ConfigUnreadable, 500, "CONFIG_WRITE_ERROR"),
            Fault(RecordDatabaseNotMade, 500),
        ),
        checks_csrf=True,
    ),
    Route(
        method="POST",
        path="/options/validate",
        summary="Says whether a setting may have a value; nothing is changed.",
        contract="configuration 4, 12",
        serves=Served(check_setting.name, check_setting.policy, _validate),
        body=Body("application/json", QUESTION),
        answers=(Answer(200, "The answer, also for a value that is not valid.", schema=VALIDATED),),
        faults=(
            Fault(JsonInvalid),
            Fault(FieldNameMissing),
            Fault(FieldUnknown),
            Fault(ConfigUnreadable),
        ),
    ),
    Route(
        method="GET",
        path="/options/csrf-token",
        summary="A token for the header X-CSRF-Token of form posts.",
        contract="configuration 2.1",
        serves=served(issue_csrf_token, _token),
        answers=(
            Answer(
                200,
                "A token of 32 letters and digits, good for an hour after each use.",
                schema={
                    "type": "object",
                    "required": ["token"],
                    "properties": {"token": {"type": "string", "pattern": "^[A-Za-z0-9]{32}$"}},
                },
            ),
        ),
    ),
)
