"""The legacy routes of the image store (contract images 1, 2, 5)."""

from starlette.responses import Response

from domain.images.deletions import ImageNotDeleted
from domain.images.hash_refusals import ImageBusy
from domain.images.hash_states import HashState, HashStatus
from domain.images.image import MEBIBYTE, Image, ImageKind
from domain.images.names import ImageNameMissing, ImageNotFound
from domain.images.store_folder import ImageUnreadable
from resolvers.images.images import delete_image, get_image, list_images, list_images_bare
from resolvers.operation import Call
from rest_compat.encoding import json_answer
from rest_compat.question import Question
from rest_compat.route import (
    NOTHING,
    Answer,
    Arguments,
    Body,
    Fault,
    Json,
    Link,
    Parameter,
    Route,
    Schema,
    Served,
    Showing,
    served,
)

CALCULATING = "Calculating..."
ERROR = "Error"
ARTEFACT = "IDP Artefact"

TEXT: Schema = {"type": "string"}
NAME = Parameter(
    "name",
    "query",
    "The image's name, as /images/list shows it.",
    required=True,
    schema={"type": "string", "minLength": 1},
)
UNKNOWN = (Fault(ImageNameMissing), Fault(ImageNotFound, 400))
"""This area answers 400 for an image that is not there; only its analysis answers 404 (contract
images 2, 3, 5, 6)."""


async def name_of(question: Question) -> Arguments:
    """Parses a request that names an image."""
    return {"name": (await question.parameters()).get("name", "")}


def mebibytes(image: Image) -> float:
    """Returns an image's size in MiB, with a decimal point whatever it is."""
    return image.size_bytes / MEBIBYTE


def _list(images: list[Image]) -> Response:
    return json_answer({"images": [_item(image) for image in images]})


def _bare(images: list[Image]) -> Response:
    # Every generation of this path's clients finds its members (contract images 1).
    return json_answer([_item(image) for image in images])


def _item(image: Image) -> dict[str, Json]:
    return {
        "name": image.name.text,
        "path": image.path,
        "sha256": _sha256(image.kind, image.hash),
        "size_mb": mebibytes(image),
        "is_gold_master": image.is_gold_master,
        "is_idp": image.kind is ImageKind.IDP,
        "type": image.kind.value,
    }


def _sha256(kind: ImageKind, state: HashState) -> str:
    if state.sha256:
        return state.sha256
    if kind is not ImageKind.TRADITIONAL:
        return ARTEFACT
    return ERROR if state.status is HashStatus.FAILED else CALCULATING


def _metadata(image: Image) -> Response:
    return json_answer(
        {
            "name": image.name.text,
            "size_bytes": image.size_bytes,
            "size_mb": mebibytes(image),
            "size_formatted": formatted(image.size_bytes),
            # Local time, as the old service tells it (contract images 2).
            "last_modified": image.modified_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            "estimated_process_minutes": image.estimated_minutes,
        }
    )


def formatted(size: int) -> str:
    """Returns bytes as people read them: base 1024, two decimals from KB on (contract images 2)."""
    if size < 1024:
        return f"{size} B"
    units = (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10))
    name, unit = next((name, unit) for name, unit in units if size >= unit)
    return f"{size / unit:.2f} {name}"


async def _delete(call: Call, question: Question) -> Response:
    name = (await question.parameters()).get("name", "")
    deleted = await delete_image.perform(call, name=name)
    if "application/json" not in question.header("accept"):
        # Nothing is what the old service says (contract images 5).
        return Response(media_type="text/html")
    told: dict[str, Json] = {
        "success": True,
        "name": deleted.image.name.text,
        "gold_master_cleared": deleted.gold_master_cleared,
    }
    return json_answer(told)


ITEM: Schema = {
    "type": "object",
    "required": ["name", "path", "sha256", "size_mb", "is_gold_master", "is_idp", "type"],
    "properties": {
        "name": TEXT,
        "path": TEXT,
        "sha256": {
            "type": "string",
            "description": f"64 hex digits, or `{CALCULATING}`, `{ERROR}` or `{ARTEFACT}`.",
        },
        "size_mb": {"type": "number", "description": "MiB."},
        "is_gold_master": {"type": "boolean"},
        "is_idp": {"type": "boolean"},
        "type": {"enum": [ImageKind.TRADITIONAL.value, ImageKind.IDP.value]},
    },
}
DELETED: Schema = {
    "type": "object",
    "required": ["success", "name", "gold_master_cleared"],
    "properties": {
        "success": {"const": True},
        "name": TEXT,
        "gold_master_cleared": {"type": "boolean"},
    },
}
METADATA: Schema = {
    "type": "object",
    "required": [
        "name",
        "size_bytes",
        "size_mb",
        "size_formatted",
        "last_modified",
        "estimated_process_minutes",
    ],
    "properties": {
        "name": TEXT,
        "size_bytes": {"type": "integer"},
        "size_mb": {"type": "number", "description": "MiB."},
        "size_formatted": TEXT,
        "last_modified": {"type": "string", "description": "The station's local time."},
        "estimated_process_minutes": {"type": "integer"},
    },
}
FORM: Schema = {"type": "object", "properties": {"name": TEXT}}

OF_ONE = ("get_image", "ask_image_hash", "analyse_image")

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/images/list",
        summary="All images, by name.",
        contract="images 1",
        serves=served(list_images, _list),
        answers=(
            Answer(
                200,
                "The images.",
                schema={
                    "type": "object",
                    "required": ["images"],
                    "properties": {"images": {"type": "array", "items": ITEM}},
                },
                links=(Link("/images/0/name", "name", OF_ONE),),
            ),
        ),
    ),
    Route(
        method="GET",
        path="/get-images",
        summary="All images, by name, as a bare array; a browser gets the page of images.",
        contract="images 1",
        serves=served(list_images_bare, _bare),
        answers=(Answer(200, "The images.", schema={"type": "array", "items": ITEM}),),
        showing=Showing.ON_HTML,
    ),
    Route(
        method="GET",
        path="/get-image-metadata",
        summary="Size and time of one image, of an artefact the sum of its files.",
        contract="images 2",
        serves=served(get_image, _metadata, name_of),
        parameters=(NAME,),
        answers=(Answer(200, "The image.", schema=METADATA),),
        faults=(*UNKNOWN, Fault(ImageUnreadable, 500, "METADATA_ERROR")),
    ),
    Route(
        method="POST",
        path="/delete-image",
        summary="Deletes an image with its sidecar; a gold master that it was is none afterwards.",
        contract="images 5",
        serves=Served(delete_image.name, delete_image.policy, _delete),
        parameters=(Parameter("name", "query", "The image's name, unless the form has it."),),
        body=Body("application/x-www-form-urlencoded", FORM),
        answers=(
            Answer(200, "It is gone.", schema=DELETED),
            Answer(200, "Nothing is said unless JSON is asked for.", "text/html", NOTHING),
        ),
        faults=(
            *UNKNOWN,
            Fault(ImageNotDeleted, 500),
            Fault(ImageBusy, 500, "IMAGE_DELETE_ERROR"),
            Fault(ImageUnreadable, 500, "IMAGE_DELETE_ERROR"),
        ),
        checks_csrf=True,
    ),
)
