"""The legacy routes of tokens and of the stored PIN (contract configuration 9, 12)."""

import orjson
from starlette.responses import Response

from domain.errors import Invalid
from domain.keys.firmware_crypto import DeviceKeyMissing, FirmwareCryptoUnavailable
from domain.keys.pin import PinMalformed, PinTooLong
from domain.keys.pkcs11_uri import parse_uri
from domain.keys.signing_tokens import Discovery, TokensStatus
from domain.keys.stored_pin import PinNotRemoved, PinNotSaved
from resolvers.keys.tokens import (
    discover_token_keys,
    get_tokens,
    is_pin_stored,
    remove_token_pin,
    set_token_pin,
)
from resolvers.operation import Call
from rest_compat.encoding import json_answer
from rest_compat.http_errors import JsonInvalid
from rest_compat.keys.pins import MAYBE_PIN, PIN, pin_of
from rest_compat.question import Question
from rest_compat.route import Answer, Arguments, Body, Fault, Route, Schema, Served, served

TEXT: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
MAYBE: Schema = {"type": ["string", "null"]}
STATUS: Schema = {
    "type": "object",
    "required": ["providerAvailable"],
    "properties": {"providerAvailable": BOOLEAN},
}
OBJECT: Schema = {
    "type": "object",
    "required": ["uri", "label", "token", "type"],
    "properties": {"uri": TEXT, "label": TEXT, "token": TEXT, "type": TEXT},
}
DISCOVERED: Schema = {
    "type": "object",
    "required": ["providerAvailable", "objects"],
    "properties": {
        "providerAvailable": BOOLEAN,
        "objects": {"type": "array", "items": OBJECT},
        "errorMessage": {"type": "string", "description": "What is in the way, if anything is."},
    },
}
CONFIGURED: Schema = {
    "type": "object",
    "required": ["configured"],
    "properties": {"configured": BOOLEAN},
}
SAVED: Schema = {
    "type": "object",
    "required": ["success", "configured"],
    "properties": {"success": {"const": True}, "configured": BOOLEAN, "message": TEXT},
}


class PinMissing(Invalid):
    """A request to store a PIN that holds none."""

    code = "MISSING_PIN"
    title = "Invalid Request"
    meaning = "The request does not say which PIN to store."
    remedy = 'Send `{"pin": "…"}`; an empty text removes the stored PIN.'


async def _wanted(question: Question) -> Arguments:
    content = await question.body()
    if not content or "application/json" not in question.header("content-type"):
        return {}
    try:
        body = orjson.loads(content)
    except orjson.JSONDecodeError:
        # Whatever is no JSON counts as nothing (contract configuration 12).
        return {}
    if body is not None and not isinstance(body, dict):
        raise JsonInvalid("The body is JSON, but not an object.")
    token = (body or {}).get("token")
    if token is None:
        token = ""
    if not isinstance(token, str):
        raise JsonInvalid("`token` must be a text.", field="token")
    return {"token": token, "pin": pin_of(body or {})}


def _status(status: TokensStatus) -> Response:
    return json_answer({"providerAvailable": status.seen is not None})


def _discovered(found: Discovery) -> Response:
    told = [_object(key.uri) for key in found.keys]
    problem = {"errorMessage": found.problem} if found.problem else {}
    return json_answer({"providerAvailable": found.is_available, "objects": told, **problem})


def _object(text: str) -> dict[str, str]:
    uri = parse_uri(text)
    return {
        "uri": text,
        "label": uri.text("object"),
        "token": uri.text("token"),
        "type": uri.text("type"),
    }


def _configured(is_stored: bool) -> Response:  # noqa: FBT001 -- the resolver's answer
    return json_answer({"configured": is_stored})


async def _set_pin(call: Call, question: Question) -> Response:
    body = await question.json_object(null_is_empty=True)
    # Null is no order to remove: a forgotten value must not.
    if body.get("pin") is None:
        raise PinMissing("Which PIN? `pin` is missing; an empty text removes it.", field="pin")
    pin = pin_of(body)
    if pin:
        stored = await set_token_pin.perform(call, pin=pin)
        return json_answer({"success": True, "configured": stored})
    stored = await remove_token_pin.perform(call)
    return json_answer({"success": True, "configured": stored, "message": "No PIN is stored."})


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/options/pkcs11-status",
        summary="Whether tokens can be asked; to ask this is no login.",
        contract="configuration 9, 12",
        serves=served(get_tokens, _status),
        answers=(Answer(200, "Whether a PKCS#11 module answers.", schema=STATUS),),
    ),
    Route(
        method="POST",
        path="/options/pkcs11-discover",
        summary="The RSA private keys of one token, after a login with the PIN given or stored.",
        contract="configuration 9, 12",
        serves=served(discover_token_keys, _discovered, _wanted),
        body=Body(
            "application/json",
            {"type": ["object", "null"], "properties": {"pin": MAYBE_PIN, "token": MAYBE}},
            required=False,
        ),
        answers=(Answer(200, "The keys, or what is in the way.", schema=DISCOVERED),),
        faults=(Fault(JsonInvalid), Fault(PinTooLong), Fault(PinMalformed)),
        checks_csrf=True,
    ),
    Route(
        method="GET",
        path="/options/pkcs11-pin-status",
        summary="Whether a PIN is stored; never the PIN.",
        contract="configuration 12",
        serves=served(is_pin_stored, _configured),
        answers=(Answer(200, "Whether one is stored.", schema=CONFIGURED),),
    ),
    Route(
        method="POST",
        path="/options/set-pkcs11-pin",
        summary="Stores the PIN that signs, wrapped; an empty one removes it.",
        contract="configuration 9, 12",
        serves=Served(set_token_pin.name, set_token_pin.policy, _set_pin),
        body=Body(
            "application/json",
            {"type": "object", "required": ["pin"], "properties": {"pin": PIN}},
        ),
        answers=(Answer(200, "Stored or removed.", schema=SAVED),),
        faults=(
            Fault(JsonInvalid),
            Fault(PinMissing),
            Fault(PinTooLong),
            Fault(PinMalformed),
            Fault(PinNotSaved, 500),
            Fault(PinNotRemoved, 500),
            Fault(FirmwareCryptoUnavailable, 500, "PIN_SAVE_ERROR"),
            Fault(DeviceKeyMissing, 500, "PIN_SAVE_ERROR"),
        ),
        checks_csrf=True,
    ),
)
