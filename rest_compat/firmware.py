"""The legacy routes of bootloader firmware (contract configuration 11, 12)."""

from starlette.responses import Response

from domain.configuration.file import ConfigLocked, ConfigNotWritten, ConfigObscure
from domain.firmware.firmware import FirmwareView
from domain.firmware.notes import FirmwareNotes
from domain.firmware.refusals import (
    FirmwareChipUnknown,
    FirmwareNotAFile,
    FirmwareNotesNotFound,
    FirmwareNotFound,
    FirmwareOutside,
    FirmwarePathMissing,
    FirmwareUnsuitable,
    FirmwareVersionMissing,
)
from domain.firmware.releases import FirmwareRelease
from domain.host_paths import PathRefused
from resolvers.firmware import (
    get_firmware,
    get_firmware_documented,
    get_firmware_notes,
    select_firmware,
)
from rest_compat.encoding import json_answer
from rest_compat.http_errors import JsonInvalid
from rest_compat.question import Question
from rest_compat.route import (
    Answer,
    Arguments,
    Body,
    Fault,
    Json,
    Parameter,
    Route,
    Schema,
    Showing,
    served,
)

TEXT: Schema = {"type": "string"}
CHIP: Schema = {"enum": ["2711", "2712"]}
RELEASE: Schema = {
    "type": "object",
    "required": ["version", "filename", "filepath", "releaseChannel", "size"],
    "properties": {
        "version": {"type": "string", "description": "YYYY-MM-DD."},
        "filename": TEXT,
        "filepath": TEXT,
        "releaseChannel": TEXT,
        "size": {"type": "string", "pattern": "^[0-9]+$", "description": "Bytes, as a text."},
    },
}
FIRMWARE: Schema = {
    "type": "object",
    "required": ["deviceFamily", "chipNumber", "firmwareList", "selectedFirmwareFile"],
    "properties": {
        "deviceFamily": TEXT,
        "chipNumber": {"enum": ["2711", "2712", ""]},
        "firmwareList": {"type": "array", "items": RELEASE},
        "selectedFirmwareFile": TEXT,
    },
}
NOTES: Schema = {
    "type": "object",
    "required": ["version", "notes"],
    "properties": {"version": TEXT, "notes": TEXT},
}
ORDER: Schema = {
    "type": "object",
    "required": ["firmware_path"],
    "properties": {
        "firmware_path": {"type": "string", "description": "Empty: automatic selection."}
    },
}


def _firmware(view: FirmwareView) -> Response:
    return json_answer(
        {
            "deviceFamily": view.family,
            "chipNumber": view.chip or "",
            "firmwareList": [_release(release) for release in view.releases],
            "selectedFirmwareFile": view.selection.path,
        }
    )


def _release(release: FirmwareRelease) -> dict[str, Json]:
    return {
        "version": release.version,
        "filename": release.name,
        "filepath": release.path,
        "releaseChannel": release.channel,
        # A text, as every client knows it (contract configuration 12).
        "size": str(release.size_bytes or 0),
    }


def _notes(notes: FirmwareNotes) -> Response:
    return json_answer({"version": notes.version, "notes": notes.text})


def _nothing(view: FirmwareView) -> Response:
    del view
    return Response()


async def _version(question: Question) -> Arguments:
    parameters = await question.parameters()
    return {"version": question.places["version"], "chip": parameters.get("chip", "")}


async def _path(question: Question) -> Arguments:
    body = await question.json_object()
    path = body.get("firmware_path")
    if path is None:
        # A forgotten member must not undo the selection (contract configuration 12 [F!]).
        message = "`firmware_path` is missing; an empty text goes back to automatic selection."
        raise FirmwarePathMissing(message, field="firmware_path")
    if not isinstance(path, str):
        raise JsonInvalid("`firmware_path` is a text.", field="firmware_path")
    return {"path": path}


LISTED = (Answer(200, "The releases of the configured family.", schema=FIRMWARE),)
ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/options/firmware/list",
        summary="The bootloader firmware of the configured family, the newest first.",
        contract="configuration 12",
        serves=served(get_firmware, _firmware),
        answers=LISTED,
    ),
    Route(
        method="GET",
        path="/options/firmware",
        aliases=("/options/firmware/",),
        summary="The same; a browser gets the page of options.",
        contract="configuration 12",
        serves=served(get_firmware_documented, _firmware),
        answers=LISTED,
        showing=Showing.ON_HTML,
    ),
    Route(
        method="GET",
        path="/options/firmware/notes/{version}",
        summary="What the release notes say of one version.",
        contract="configuration 12",
        serves=served(get_firmware_notes, _notes, _version),
        parameters=(
            Parameter("version", "path", "The version's date, YYYY-MM-DD.", required=True),
            Parameter(
                "chip", "query", "Of this chip, not of the configured family's.", schema=CHIP
            ),
        ),
        answers=(Answer(200, "The notes, Markdown.", schema=NOTES),),
        faults=(
            Fault(FirmwareVersionMissing),
            Fault(FirmwareNotesNotFound),
            Fault(FirmwareChipUnknown),
        ),
        entry="/options/firmware/notes",
    ),
    Route(
        method="POST",
        path="/options/firmware/set",
        summary="Selects the firmware that boards get, or with an empty text the automatic choice.",
        contract="configuration 12",
        serves=served(select_firmware, _nothing, _path),
        body=Body("application/json", ORDER),
        answers=(Answer(200, "Selected; nothing is said.", media_type=""),),
        faults=(
            Fault(FirmwarePathMissing),
            Fault(FirmwareNotFound, 400),
            Fault(FirmwareOutside),
            Fault(FirmwareNotAFile),
            Fault(FirmwareUnsuitable),
            Fault(PathRefused),
            Fault(ConfigNotWritten, 500),
            Fault(ConfigObscure, 500, "CONFIG_WRITE_ERROR"),
            Fault(ConfigLocked, 500, "CONFIG_WRITE_ERROR"),
        ),
        checks_csrf=True,
    ),
)
