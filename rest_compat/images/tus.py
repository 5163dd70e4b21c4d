"""The routes of resumable uploads: tus 1.0 with creation, checksum, termination and expiration."""

import base64
import binascii
from collections.abc import AsyncIterator
from email.utils import format_datetime

from starlette.responses import Response
from starlette.types import Receive

from domain.images.descriptor import DescriptorInvalid
from domain.images.hash_refusals import ImageBusy
from domain.images.names import ImageNameInvalid
from domain.images.sparse import SparseInvalid
from domain.uploads.progress import ADDRESS, Upload, UploadPhase
from domain.uploads.refusals import (
    ArchiveBroken,
    ArchiveTooLarge,
    ArchiveUnsafe,
    DecompressionFailed,
    NotAnImage,
    SpaceShort,
    UploadBroken,
    UploadNotFound,
    UploadNotWritten,
    UploadOver,
    UploadRequestInvalid,
    UploadTooLarge,
    UploadTypeUnknown,
)
from domain.uploads.resumable import Part
from domain.uploads.sessions import (
    Checksum,
    UploadChecksumUnknown,
    UploadChecksumWrong,
    UploadExpired,
    UploadLocked,
    UploadOffsetWrong,
    UploadPartWrong,
    UploadSizeUnknown,
)
from resolvers.images.uploads import append_upload, begin_upload, cancel_upload, find_upload
from resolvers.operation import Call
from rest_compat.encoding import json_answer
from rest_compat.http_errors import PartTypeWrong, TusVersionUnknown
from rest_compat.question import Question
from rest_compat.route import Answer, Body, Fault, Json, Parameter, Route, Schema, Served

PART_TYPE = "application/offset+octet-stream"
LARGEST = 2**63 - 1


async def _begin(call: Call, question: Question) -> Response:
    size = _number(question.header("upload-length"))
    if size is None:
        raise UploadSizeUnknown("Upload-Length is a whole number of bytes.")
    filename = _metadata(question.header("upload-metadata")).get("filename", "")
    if not filename:
        message = "Upload-Metadata names the file: `filename`, a blank, and its name in base64."
        raise UploadRequestInvalid(message)
    upload = await begin_upload.perform(call, filename=filename, size=size)
    headers = {"Location": upload.address, **_expiry(upload)}
    return Response(status_code=201, headers=headers)


async def _find(call: Call, question: Question) -> Response:
    upload = await find_upload.perform(call, id=question.places["id"])
    answer = json_answer(_state(upload))
    answer.headers.update(_offset(upload) | {"Upload-Length": str(upload.total_bytes)})
    answer.headers["Cache-Control"] = "no-store"
    return answer


async def _append(call: Call, question: Question) -> Response:
    if question.header("content-type").partition(";")[0].strip().lower() != PART_TYPE:
        raise PartTypeWrong(f"A part has Content-Type: {PART_TYPE}.")
    offset = _number(question.header("upload-offset"))
    if offset is None:
        raise UploadPartWrong("Upload-Offset says where the part begins.")
    part = Part(
        offset=offset,
        chunks=_chunks(question.receive),
        size=_number(question.header("content-length")),
        checksum=Checksum.read(question.header("upload-checksum")),
    )
    upload = await append_upload.perform(call, id=question.places["id"], part=part)
    return Response(status_code=204, headers=_offset(upload))


async def _terminate(call: Call, question: Question) -> Response:
    await cancel_upload.perform(call, id=question.places["id"])
    return Response(status_code=204)


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise UploadBroken("The connection was closed in the middle of a part.")
        if message.get("body"):
            yield message["body"]
        more = message.get("more_body", False)


def _offset(upload: Upload) -> dict[str, str]:
    return {"Upload-Offset": str(upload.received_bytes), **_expiry(upload)}


def _expiry(upload: Upload) -> dict[str, str]:
    if upload.expires_at is None or upload.phase.is_over:
        return {}
    return {"Upload-Expires": format_datetime(upload.expires_at, usegmt=True)}


def _state(upload: Upload) -> dict[str, Json]:
    return {
        "id": upload.id,
        "filename": upload.filename,
        "phase": upload.phase.value.lower(),
        "received_bytes": upload.received_bytes,
        "total_bytes": upload.total_bytes,
        "image": upload.image,
    }


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) < 20
    return int(text) if is_number and int(text) <= LARGEST else None


def _metadata(header: str) -> dict[str, str]:
    """Returns the metadata of a creation: names with values in base64; raises
    `UploadRequestInvalid`."""
    found = dict[str, str]()
    for pair in filter(None, (pair.strip() for pair in header.split(","))):
        name, _, encoded = pair.partition(" ")
        try:
            found[name] = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, ValueError) as error:
            message = "Upload-Metadata is pairs of a name and base64 of UTF-8, with commas."
            raise UploadRequestInvalid(message) from error
    return found


ID = Parameter("id", "path", "The upload's id, from the Location of its creation.", required=True)
VERSION = Parameter(
    "Tus-Resumable", "header", "The protocol.", required=True, schema={"enum": ["1.0.0"]}
)
BYTES: Schema = {"type": "string", "pattern": "^[0-9]{1,18}$"}
PAIRS: Schema = {
    "type": "string",
    "pattern": "^[!-+.-~]+( [A-Za-z0-9+/=]*)?(,[!-+.-~]+( [A-Za-z0-9+/=]*)?)*$",
}
CHECKSUM: Schema = {"type": "string", "pattern": "^[a-z0-9]+ [A-Za-z0-9+/]+=*$"}
SPOKEN = (Fault(TusVersionUnknown),)
MISSING = (*SPOKEN, Fault(UploadNotFound), Fault(UploadExpired, 410), Fault(UploadLocked, 423))
STATE: Schema = {
    "type": "object",
    "required": ["id", "filename", "phase", "received_bytes", "total_bytes", "image"],
    "properties": {
        "id": {"type": "string"},
        "filename": {"type": "string"},
        "phase": {"enum": [phase.value.lower() for phase in UploadPhase]},
        "received_bytes": {"type": "integer"},
        "total_bytes": {"type": ["integer", "null"]},
        "image": {"type": ["string", "null"], "description": "The name in the store, once there."},
    },
}

ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path=ADDRESS,
        aliases=(ADDRESS + "/",),
        summary="Begins a resumable upload (tus creation); its parts go to the Location.",
        contract="tus 1.0",
        serves=Served(begin_upload.name, begin_upload.policy, _begin),
        parameters=(
            VERSION,
            Parameter(
                "Upload-Length", "header", "All bytes of the file.", required=True, schema=BYTES
            ),
            Parameter(
                "Upload-Metadata", "header", "`filename` and base64.", required=True, schema=PAIRS
            ),
        ),
        answers=(Answer(201, "It may be sent to the Location.", media_type=""),),
        faults=(
            *SPOKEN,
            Fault(UploadRequestInvalid),
            Fault(UploadSizeUnknown),
            Fault(ImageNameInvalid),
            Fault(UploadTypeUnknown),
            Fault(UploadTooLarge, 413),
            Fault(SpaceShort, 507),
            Fault(UploadNotWritten, 500),
        ),
        checks_csrf=True,
    ),
    Route(
        method="GET",
        path=ADDRESS + "/{id}",
        summary="How far a resumable upload is: Upload-Offset, for HEAD too.",
        contract="tus 1.0",
        serves=Served(find_upload.name, find_upload.policy, _find),
        parameters=(ID,),
        answers=(Answer(200, "Where to go on.", schema=STATE),),
        faults=MISSING,
    ),
    Route(
        method="PATCH",
        path=ADDRESS + "/{id}",
        summary="Appends a part; with the last one the image lies in the store.",
        contract="tus 1.0",
        serves=Served(append_upload.name, append_upload.policy, _append),
        parameters=(
            ID,
            VERSION,
            Parameter(
                "Upload-Offset", "header", "Where the part begins.", required=True, schema=BYTES
            ),
            Parameter(
                "Upload-Checksum",
                "header",
                "Algorithm, blank, base64 of the part's.",
                schema=CHECKSUM,
            ),
        ),
        body=Body(PART_TYPE, {"type": "string"}),
        answers=(Answer(204, "It is kept; Upload-Offset says up to where.", media_type=""),),
        faults=(
            *MISSING,
            Fault(UploadOffsetWrong, 409),
            Fault(UploadPartWrong),
            Fault(UploadChecksumUnknown),
            Fault(UploadChecksumWrong, 460),
            Fault(UploadBroken),
            Fault(NotAnImage),
            Fault(DecompressionFailed),
            Fault(ArchiveBroken),
            Fault(ArchiveUnsafe),
            Fault(ArchiveTooLarge, 413),
            Fault(UploadTooLarge, 413),
            Fault(DescriptorInvalid),
            Fault(SparseInvalid),
            Fault(SpaceShort, 507),
            Fault(UploadNotWritten, 500),
            Fault(ImageBusy),
            Fault(PartTypeWrong),
        ),
        checks_csrf=True,
    ),
    Route(
        method="DELETE",
        path=ADDRESS + "/{id}",
        summary="Gives up a resumable upload (tus termination); nothing of it is kept.",
        contract="tus 1.0",
        serves=Served(cancel_upload.name, cancel_upload.policy, _terminate),
        parameters=(ID, VERSION),
        answers=(Answer(204, "It is gone.", media_type=""),),
        faults=(*MISSING, Fault(UploadOver)),
        checks_csrf=True,
    ),
)
