"""The legacy route that uploads a signing key (contract configuration 12)."""

from starlette.responses import Response

from domain.keys.firmware_crypto import DeviceKeyMissing, FirmwareCryptoUnavailable
from domain.keys.key_files import KeyNameTaken, KeyNotStored
from domain.keys.key_refusals import KeyFileTooLarge
from domain.keys.names import KeyNameInvalid, KeyTypeInvalid
from domain.keys.pem import LARGEST_KEY, KeyFormatInvalid
from domain.keys.registry import RegistryUnreadable
from domain.keys.signing_keys import Registered
from resolvers.keys.signing_keys import upload_signing_key
from rest_compat.encoding import json_answer
from rest_compat.http_errors import BodyTooLarge
from rest_compat.keys.key_form import FormBroken, FormWithoutFile, read_key_form
from rest_compat.keys.keys import REGISTRY_FAULTS
from rest_compat.keys.reports import KEY_INFO, TEXT, key_info
from rest_compat.question import Question
from rest_compat.route import Answer, Arguments, Body, Fault, Json, Route, Schema, served

FORM_BYTES = 16 * 1024
"""What a form may hold beside the key itself."""
FORM: Schema = {
    "type": "object",
    "required": ["keyfile"],
    "properties": {"keyfile": {"type": "string", "contentMediaType": "application/x-pem-file"}},
}
STORED: Schema = {
    "type": "object",
    # `activated` is ours: the old service leaves it out.
    "required": ["success", "path", "filename", "keyId", "keyInfo"],
    "properties": {
        "success": {"const": True},
        "path": TEXT,
        "filename": TEXT,
        "keyId": TEXT,
        "keyInfo": KEY_INFO,
        "activated": {
            "type": "boolean",
            "description": "Whether it is the active key now; one that is not fit never is.",
        },
    },
}


async def _form(question: Question) -> Arguments:
    name, content = await read_key_form(question)
    return {"file_name": name, "content": content}


def _stored(registered: Registered) -> Response:
    key = registered.key
    told: dict[str, Json] = {
        "success": True,
        "path": key.path,
        "filename": key.path.rpartition("/")[2],
        "keyId": key.id,
        "keyInfo": key_info(key.report),
        "activated": registered.activated,
    }
    return json_answer(told)


ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/options/upload-key",
        summary="Stores a signing key wrapped; one that is fit becomes the active one.",
        contract="configuration 12",
        serves=served(upload_signing_key, _stored, _form),
        body=Body("multipart/form-data", FORM, most_bytes=LARGEST_KEY + FORM_BYTES),
        answers=(Answer(200, "It is stored.", schema=STORED),),
        faults=(
            Fault(FormBroken),
            Fault(FormWithoutFile),
            Fault(KeyFileTooLarge),
            Fault(BodyTooLarge, 400, "FILE_TOO_LARGE"),
            Fault(KeyTypeInvalid),
            Fault(KeyNameInvalid),
            Fault(KeyNameTaken),
            Fault(KeyFormatInvalid),
            Fault(KeyNotStored, 500),
            Fault(FirmwareCryptoUnavailable, 500, "WRAP_ERROR"),
            Fault(DeviceKeyMissing, 500, "WRAP_ERROR"),
            Fault(RegistryUnreadable, 500, "REGISTRY_ERROR"),
            *REGISTRY_FAULTS,
        ),
        checks_csrf=True,
    ),
)
