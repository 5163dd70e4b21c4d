"""The legacy route that registers a key on a token (contract configuration 9, 10, 12)."""

from starlette.responses import Response

from domain.audit.log import AuditUnavailable
from domain.caller import RoleTooLow, Unauthenticated
from domain.csrf_tokens import CsrfTokenRefused
from domain.errors import Conflict, Invalid, NotFound, Unavailable
from domain.keys.key_refusals import KeyLabelInvalid
from domain.keys.pin import PinMalformed, PinTooLong
from domain.keys.signing_keys import Registered
from resolvers.keys.tokens import register_token_key
from rest_compat.encoding import json_answer
from rest_compat.http_errors import JsonInvalid
from rest_compat.json_texts import as_text
from rest_compat.keys.keys import REGISTRY_FAULTS
from rest_compat.keys.pins import PIN, pin_of
from rest_compat.keys.reports import KEY_INFO, TEXT, key_info
from rest_compat.question import Question
from rest_compat.route import Answer, Arguments, Body, Fault, Route, Schema, served

ORDER: Schema = {
    "type": "object",
    "required": ["uri"],
    "properties": {
        "uri": TEXT,
        "label": TEXT,
        "pin": PIN,
        "activate": {"type": "boolean", "default": True},
    },
}
REGISTERED: Schema = {
    "type": "object",
    "required": ["success", "keyId", "keyInfo", "activated"],
    "properties": {
        "success": {"const": True},
        "keyId": TEXT,
        "keyInfo": KEY_INFO,
        "activated": {
            "type": "boolean",
            "description": "Whether it is the active key now; one that is not fit never is.",
        },
    },
}
OWN_FAULTS = (
    PinTooLong,
    PinMalformed,
    KeyLabelInvalid,
    Unauthenticated,
    RoleTooLow,
    CsrfTokenRefused,
    AuditUnavailable,
)


class UriMissing(Invalid):
    """A request that names no key on a token."""

    code = "MISSING_PKCS11_URI"
    title = "Invalid Request"
    meaning = "The request does not say which key of a token to register."
    remedy = "Send `uri` as discovery lists it."


async def _wanted(question: Question) -> Arguments:
    try:
        body = await question.json_object(null_is_empty=True)
    except JsonInvalid as error:
        # So the old service answers whatever is wrong with the body (contract configuration 12).
        raise UriMissing("Which key? The request needs a JSON object with `uri`.") from error
    uri, label = (as_text(body.get(name), name=name) for name in ("uri", "label"))
    if not uri:
        raise UriMissing("Which key? `uri` is missing.", field="uri")
    activate = body.get("activate", True)
    if not isinstance(activate, bool | int | float | None):
        raise JsonInvalid("`activate` must be true or false.", field="activate")
    return {"uri": uri, "label": label, "pin": pin_of(body), "activate": bool(activate)}


def _registered(done: Registered) -> Response:
    return json_answer(
        {
            "success": True,
            "keyId": done.key.id,
            "keyInfo": key_info(done.key.report),
            "activated": done.activated,
        }
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/options/keys/register-pkcs11",
        summary="Registers a key on a token, once it was read there; activates it if it is fit.",
        contract="configuration 12",
        serves=served(register_token_key, _registered, _wanted),
        body=Body("application/json", ORDER),
        answers=(Answer(200, "It is registered.", schema=REGISTERED),),
        faults=(
            Fault(UriMissing),
            Fault(JsonInvalid),
            *(Fault(error) for error in OWN_FAULTS),
            *REGISTRY_FAULTS,
            *(
                Fault(kind, 400, "INVALID_PKCS11_KEY")
                for kind in (Invalid, NotFound, Conflict, Unavailable)
            ),
        ),
        checks_csrf=True,
    ),
)
