"""The legacy route of an image's hash (contract images 3)."""

from starlette.responses import Response

from domain.images.hash_states import HashState, HashStatus
from domain.images.hashes import AskedHash
from domain.images.image import ImageKind
from domain.images.store_folder import ImageUnreadable
from resolvers.images.hashing import ask_image_hash
from rest_compat.encoding import json_answer
from rest_compat.images.images import ARTEFACT, CALCULATING, ERROR, NAME, TEXT, UNKNOWN, name_of
from rest_compat.route import Answer, Fault, Json, Route, Schema, served

FOLDERS = frozenset({ImageKind.IDP, ImageKind.UNKNOWN_DIRECTORY})
COMPLETE, PENDING, FAILED = "complete", "pending", "error"


def _hash(asked: AskedHash) -> Response:
    told = _of_folder(asked.state) if asked.kind in FOLDERS else _of_file(asked)
    return json_answer({"name": asked.name.text, **told})


def _of_folder(state: HashState) -> dict[str, Json]:
    if state.status is HashStatus.FAILED:
        return {"sha256": ARTEFACT, "status": FAILED}
    if state.sha256:
        return {"sha256": state.sha256, "status": COMPLETE}
    message = "No archive hash available (sidecar file missing)."
    return {"sha256": ARTEFACT, "status": COMPLETE, "message": message}


def _of_file(asked: AskedHash) -> dict[str, Json]:
    state = asked.state
    if state.status is HashStatus.COMPLETE:
        return {"sha256": state.sha256, "status": COMPLETE}
    if state.status is HashStatus.FAILED:
        return {"sha256": state.error or ERROR, "status": FAILED}
    going_on = state.error or "SHA256 calculation is in progress."
    message = "SHA256 calculation started." if asked.is_begun else going_on
    return {"sha256": CALCULATING, "status": PENDING, "message": message, **progress_of(state)}


def progress_of(state: HashState) -> dict[str, Json]:
    """Returns the two members that tell a progress once there is one."""
    if not state.progress:
        return {}
    return {"progress": state.progress, "progress_percent": int(state.progress * 100)}


HASH: Schema = {
    "type": "object",
    # The old service names artefacts only (contract images 3).
    "required": ["sha256", "status"],
    "properties": {
        "name": TEXT,
        "sha256": {
            "type": "string",
            "description": f"64 hex digits, `{CALCULATING}`, `{ARTEFACT}`, or why there is none.",
        },
        "status": {"enum": [COMPLETE, PENDING, FAILED]},
        "message": TEXT,
        "progress": {"type": "number", "minimum": 0, "maximum": 1},
        "progress_percent": {"type": "integer", "minimum": 0, "maximum": 100},
    },
}

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/get-image-sha256",
        summary="The SHA-256 of an image, or how far it is; of an artefact that of its archive.",
        contract="images 3",
        serves=served(ask_image_hash, _hash, name_of),
        parameters=(NAME,),
        answers=(Answer(200, "The hash.", schema=HASH),),
        faults=(*UNKNOWN, Fault(ImageUnreadable, 500)),
    ),
)
