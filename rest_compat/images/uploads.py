"""The legacy route of uploads (contract images 4)."""

from starlette.responses import Response

from domain.images.descriptor import DescriptorInvalid
from domain.images.hash_refusals import ImageBusy
from domain.images.names import ImageNameInvalid
from domain.images.sparse import SparseInvalid
from domain.uploads.kinds import ACCEPTED, UploadKind
from domain.uploads.refusals import (
    ArchiveBroken,
    ArchiveTooLarge,
    ArchiveUnsafe,
    DecompressionFailed,
    NotAnImage,
    SpaceShort,
    TooManyUploads,
    UploadBroken,
    UploadCancelled,
    UploadNotWritten,
    UploadRequestInvalid,
    UploadTooLarge,
    UploadTypeUnknown,
)
from domain.uploads.uploads import Incoming
from resolvers.images.uploads import Received, upload_image
from resolvers.operation import Call
from rest_compat.encoding import json_answer
from rest_compat.images.analysis import analysis_of
from rest_compat.images.images import TEXT
from rest_compat.multipart import FormFile
from rest_compat.question import Question
from rest_compat.route import Answer, Body, Fault, Json, Parameter, Route, Schema, Served

MESSAGES = {
    UploadKind.PLAIN: "File uploaded successfully",
    UploadKind.COMPRESSED: "Compressed image uploaded and decompressed successfully",
    UploadKind.ARCHIVE: "IDP artefact uploaded and extracted successfully",
}
RENAMED = "File uploaded successfully (renamed to avoid conflict)"


async def _upload(call: Call, question: Question) -> Response:
    form = FormFile(question.receive, question.header("content-type"))
    length = question.header("content-length")
    incoming = Incoming(
        filename=await form.begin(),
        chunks=form.chunks(),
        size=int(length) if length.isascii() and length.isdigit() else None,
        id=question.header("x-upload-id"),
    )
    return json_answer(_answer(await upload_image.perform(call, incoming=incoming)))


def _answer(received: Received) -> dict[str, Json]:
    uploaded = received.uploaded
    kind = uploaded.plan.kind
    is_plain_renamed = kind is UploadKind.PLAIN and uploaded.is_renamed
    told: dict[str, Json] = {
        "success": True,
        "is_idp": kind is UploadKind.ARCHIVE,
        "filename": uploaded.name.text,
        "renamed": uploaded.is_renamed,
        "message": RENAMED if is_plain_renamed else MESSAGES[kind],
        "sha256": uploaded.sha256,
    }
    if uploaded.is_renamed:
        told["original_filename"] = uploaded.plan.filename
    if received.analysis is not None:
        told["analysis"] = analysis_of(received.analysis)
    return told


UPLOADED: Schema = {
    "type": "object",
    "required": ["success", "is_idp", "filename", "renamed", "message", "sha256"],
    "properties": {
        "success": {"const": True},
        "is_idp": {"type": "boolean"},
        "filename": {"type": "string", "description": "The name in the store."},
        "renamed": {"type": "boolean"},
        "original_filename": {"type": "string", "description": "Only if renamed."},
        "message": TEXT,
        "analysis": {"type": "object", "description": "Of an artefact: what /analyze-image says."},
        "sha256": {
            "type": "string",
            "description": "Of the stored bytes; of an artefact that of its archive.",
            "pattern": "^[0-9a-f]{64}$",
        },
    },
}
FORM: Schema = {
    "type": "object",
    "required": ["image"],
    "properties": {
        "image": {
            "type": "string",
            "contentMediaType": "application/octet-stream",
            "description": "The one file; any field name will do. " + ", ".join(ACCEPTED),
        }
    },
}

ROUTES: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/upload-image",
        summary="Takes an image, compressed or not, or the archive of an IDP artefact; answers "
        "when it lies in the store, with its hash.",
        contract="images 4",
        serves=Served(upload_image.name, upload_image.policy, _upload),
        parameters=(
            Parameter("X-Upload-Id", "header", "Names the topic of its progress on /ws/progress."),
        ),
        body=Body("multipart/form-data", FORM),
        answers=(Answer(200, "It lies in the store.", schema=UPLOADED),),
        faults=(
            Fault(UploadRequestInvalid),
            Fault(UploadBroken),
            Fault(ImageNameInvalid),
            # One code for two things, as the old service has it (contract images 4.5).
            Fault(UploadTypeUnknown, 400, "UPLOAD_WRITE_ERROR"),
            Fault(NotAnImage),
            Fault(DecompressionFailed),
            Fault(ArchiveBroken),
            Fault(ArchiveUnsafe),
            Fault(ArchiveTooLarge, 413),
            Fault(DescriptorInvalid),
            Fault(SparseInvalid),
            Fault(UploadTooLarge, 413),
            Fault(UploadCancelled),
            Fault(SpaceShort, 507),
            Fault(UploadNotWritten, 500),
            Fault(ImageBusy),
            Fault(TooManyUploads),
        ),
        checks_csrf=True,
    ),
)
