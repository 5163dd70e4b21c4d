"""The legacy routes of signing keys (contract configuration 10, 12)."""

from starlette.responses import Response

from domain.audit.log import AuditUnavailable
from domain.caller import RoleTooLow, Unauthenticated
from domain.configuration.file import ConfigLocked, ConfigNotWritten, ConfigObscure
from domain.csrf_tokens import CsrfTokenRefused
from domain.errors import Conflict, Invalid, NotFound, Unavailable, Unsupported
from domain.keys.key_uses import KeyPathRefused
from domain.keys.pin import PinMalformed, PinTooLong
from domain.keys.pkcs11_uri import Pkcs11UriInvalid
from domain.keys.registry import (
    KeyKind,
    KeyNotFound,
    Registry,
    RegistryUnreadable,
    SigningKey,
    encode_key,
)
from domain.keys.registry_file import RegistryLocked, RegistryNotWritten
from domain.keys.reports import KeyReport
from resolvers.keys.signing_keys import (
    activate_signing_key,
    check_key,
    list_signing_keys,
    remove_signing_key,
    wrap_signing_key,
)
from resolvers.keys.tokens import check_token_key
from resolvers.operation import Call
from rest_compat.encoding import json_answer
from rest_compat.http_errors import JsonInvalid
from rest_compat.json_texts import as_text
from rest_compat.keys.pins import pin_of
from rest_compat.keys.reports import KEY_INFO, TEXT, key_info
from rest_compat.question import Question
from rest_compat.route import Answer, Arguments, Body, Fault, Json, Route, Schema, Served, served

ID: Schema = {"type": "object", "required": ["id"], "properties": {"id": TEXT}}
SUCCESS: Schema = {
    "type": "object",
    "required": ["success"],
    "properties": {"success": {"const": True}, "activeKeyId": TEXT},
}
KEY: Schema = {
    "type": "object",
    "required": [
        "id",
        "type",
        "label",
        "fingerprint",
        "algorithm",
        "keySize",
        "isFitForPurpose",
        "statusMessage",
        "statusLevel",
        "wrapped",
        "addedAt",
    ],
    "properties": {
        "id": TEXT,
        "type": {"enum": [kind.value for kind in KeyKind]},
        "label": TEXT,
        "path": {"type": "string", "description": "The file; only of a key in one."},
        "uri": {"type": "string", "description": "The PKCS#11 URI; only of a token's key."},
        "fingerprint": {"type": "string", "description": "64 hex digits, or empty."},
        "algorithm": TEXT,
        "keySize": {"type": "integer", "description": "Bits."},
        "isFitForPurpose": {"type": "boolean"},
        "statusMessage": TEXT,
        "statusLevel": {"enum": ["valid", "error"]},
        "wrapped": {"type": "boolean", "description": "As the file lies there now."},
        "addedAt": {"type": "string", "description": "YYYY-MM-DDTHH:MM:SSZ."},
    },
}
KEYS: Schema = {
    "type": "object",
    "required": ["activeKeyId", "keys"],
    "properties": {"activeKeyId": TEXT, "keys": {"type": "array", "items": KEY}},
}
QUESTION: Schema = {"type": "object", "properties": {"path": TEXT, "uri": TEXT, "pin": TEXT}}
CHECKED: Schema = {
    "type": "object",
    "required": ["keyType", "keyInfo"],
    "properties": {"keyType": {"enum": ["pem", "pkcs11"]}, "keyInfo": KEY_INFO},
}
REGISTRY_FAULTS = (
    Fault(RegistryUnreadable, 500),
    Fault(RegistryNotWritten, 500),
    Fault(RegistryLocked, 500, "REGISTRY_ERROR"),
    Fault(ConfigNotWritten, 500, "REGISTRY_ERROR"),
    Fault(ConfigLocked, 500, "REGISTRY_ERROR"),
    Fault(ConfigObscure, 500, "REGISTRY_ERROR"),
)


class KeyIdMissing(Invalid):
    """A request that names no key."""

    code = "MISSING_KEY_ID"
    title = "Invalid Request"
    meaning = "The request does not say which key."
    remedy = 'Send `{"id": "…"}` with an id of the list of keys.'


class KeyIdentifierMissing(Invalid):
    """A request that names neither a file nor a token's key."""

    code = "MISSING_KEY_IDENTIFIER"
    title = "Invalid Request"
    meaning = "The request names neither the file nor the URI of a key."
    remedy = "Send `path` or `uri`."


async def key_id_of(question: Question) -> Arguments:
    """Parses a request that names a key; raises `KeyIdMissing`."""
    try:
        body = await question.json_object(null_is_empty=True)
    except JsonInvalid as error:
        # So the old service answers whatever is wrong with the body (contract configuration 12).
        raise KeyIdMissing("Which key? The request needs a JSON object with `id`.") from error
    key_id = as_text(body.get("id"), name="id")
    if not key_id:
        raise KeyIdMissing("Which key? `id` is missing.", field="id")
    return {"key_id": key_id}


def _keys(keys: Registry) -> Response:
    return json_answer(
        {
            **{name: value for name, value in keys.known.items() if name != "keys"},
            "activeKeyId": keys.active_id,
            "keys": [encode_key(key.shown) for key in keys.keys],
        }
    )


def _activated(key: SigningKey) -> Response:
    return json_answer({"success": True, "activeKeyId": key.id})


def _done(key: object) -> Response:
    del key
    return json_answer({"success": True})


async def _check(call: Call, question: Question) -> Response:
    body = await question.json_object(null_is_empty=True)
    names = {name: as_text(body.get(name), name=name) for name in ("path", "uri")}
    if not any(names.values()):
        raise KeyIdentifierMissing("Which key? `path` and `uri` are missing.")
    if not names["uri"]:
        return _checked(await check_key.perform(call, path=names["path"]), "pem")
    report = await check_token_key.perform(call, uri=names["uri"], pin=pin_of(body))
    return _checked(report, "pkcs11")


def _checked(report: KeyReport, kind: str) -> Response:
    told: dict[str, Json] = {"keyType": kind, "keyInfo": key_info(report)}
    return json_answer(told)


def _refused(code: str) -> tuple[Fault, ...]:
    """This area answers 400 and one code for whatever stops it (contract configuration 12)."""
    own = (Unauthenticated, RoleTooLow, CsrfTokenRefused, AuditUnavailable)
    kinds = (NotFound, Conflict, Unavailable, Unsupported, Invalid)
    return (
        Fault(KeyIdMissing),
        Fault(JsonInvalid),
        *(Fault(error) for error in own),
        *(Fault(kind, 400, code) for kind in kinds),
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/options/keys",
        summary="The registry of signing keys, in step with the configuration and the files.",
        contract="configuration 12",
        serves=served(list_signing_keys, _keys),
        answers=(Answer(200, "The registry.", schema=KEYS),),
        faults=(Fault(RegistryUnreadable, 500),),
    ),
    Route(
        method="POST",
        path="/options/keys/activate",
        summary="Makes boards be signed with a key, once it was read again and is fit.",
        contract="configuration 12",
        serves=served(activate_signing_key, _activated, key_id_of),
        body=Body("application/json", ID),
        answers=(Answer(200, "It is the active key.", schema=SUCCESS),),
        faults=_refused("KEY_ACTIVATE_FAILED"),
        checks_csrf=True,
    ),
    Route(
        method="POST",
        path="/options/keys/remove",
        summary="Forgets a key that is not active; its file goes only from the keys' folder.",
        contract="configuration 12",
        serves=served(remove_signing_key, _done, key_id_of),
        body=Body("application/json", ID),
        answers=(Answer(200, "It is forgotten.", schema=SUCCESS),),
        faults=_refused("KEY_REMOVE_FAILED"),
        checks_csrf=True,
    ),
    Route(
        method="POST",
        path="/options/keys/wrap",
        summary="Wraps a key's file with the board's own key.",
        contract="configuration 12",
        serves=served(wrap_signing_key, _done, key_id_of),
        body=Body("application/json", ID),
        answers=(Answer(200, "It is wrapped, now or since before.", schema=SUCCESS),),
        faults=(
            Fault(KeyIdMissing),
            Fault(KeyNotFound),
            *REGISTRY_FAULTS,
            Fault(AuditUnavailable),
            *(Fault(kind, 500) for kind in (NotFound, Conflict, Unavailable)),
        ),
        failure={"success": False},
        checks_csrf=True,
    ),
    Route(
        method="POST",
        path="/options/validate-key",
        summary="Says what is in a key's file, or on a token, also where it is no usable key.",
        contract="configuration 12",
        # The policy of the graver of both: a token may be logged in to.
        serves=Served(check_token_key.name, check_token_key.policy, _check),
        body=Body("application/json", QUESTION),
        answers=(Answer(200, "What was found out.", schema=CHECKED),),
        faults=(
            Fault(KeyIdentifierMissing),
            Fault(Pkcs11UriInvalid),
            Fault(KeyPathRefused),
            Fault(PinTooLong),
            Fault(PinMalformed),
        ),
        checks_csrf=True,
    ),
)
