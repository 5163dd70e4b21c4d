"""The legacy routes of boot packages (contract images 8)."""

import re
from urllib.parse import quote

from starlette.responses import Response

from domain.configuration.file import ConfigUnreadable
from domain.images.boot_package_refusals import (
    BootPackageNameMissing,
    BootPackageNotFound,
    BootPackageUnreadable,
    GeneratorNotStarted,
    NotBootable,
    StyleUnsupported,
)
from domain.images.boot_package_states import BootPackageState, BootPackageStatus
from domain.images.names import ImageNotFound, printable
from domain.images.store_folder import ImageUnreadable
from resolvers.images.boot_packages import (
    generate_boot_package,
    get_boot_package,
    open_boot_package,
)
from resolvers.operation import Call
from rest_compat.encoding import json_answer
from rest_compat.file_answers import file_answer
from rest_compat.http_errors import RangeNotSatisfiable
from rest_compat.images.images import FORM, NAME, TEXT, name_of
from rest_compat.question import Question
from rest_compat.route import Answer, Body, Fault, Json, Parameter, Route, Schema, Served, served

PACKAGE_TYPE = "application/octet-stream"
UNSUPPORTED, AVAILABLE, MISSING = "unsupported", "available", "not_found"
CHECK_ERROR = "BOOT_PACKAGE_CHECK_ERROR"
_UNSAFE = re.compile(r"[^A-Za-z0-9+~:@._-]")
DOWNLOAD_ERROR = "BOOT_PACKAGE_DOWNLOAD_ERROR"


def _info(state: BootPackageState) -> Response:
    return json_answer(info_of(state))


def info_of(state: BootPackageState) -> dict[str, Json]:
    """Returns what is known of a package; `generating`, `version` and `error` are ours beside the
    old members (contract images 8.1)."""
    is_supported = state.status is not BootPackageStatus.UNSUPPORTED
    package = state.package if is_supported else None
    told: dict[str, Json] = {
        "image_name": printable(state.image),
        "exists": package is not None,
        "status": AVAILABLE if package else MISSING if is_supported else UNSUPPORTED,
        "generating": state.status is BootPackageStatus.GENERATING,
    }
    if package is not None:
        told |= {"package_name": package.name, "package_path": package.file.path}
        told |= {"version": package.version} if package.version else {}
    if state.status is BootPackageStatus.FAILED:
        told["error"] = state.reason
    return told


def _generated(state: BootPackageState) -> Response:
    message = f"Boot package generation started for {state.image}"
    return json_answer({"success": True, "message": message, "image_name": state.image})


async def _download(call: Call, question: Question) -> Response:
    name = (await question.parameters()).get("name", "")
    opened = await open_boot_package.perform(call, name=name)
    attached = {"Content-Disposition": _attached(opened.package.name)}
    return file_answer(opened, question, media_type=PACKAGE_TYPE, headers=attached)


def _attached(name: str) -> str:
    plain = _UNSAFE.sub("_", name)
    told = f'attachment; filename="{plain}"'
    # RFC 6266: the plain name for old clients, the exact one for all others.
    return told if plain == name else f"{told}; filename*=UTF-8''{quote(name, safe='')}"


INFO: Schema = {
    "type": "object",
    # `generating` is ours: the old service does not send it.
    "required": ["image_name", "exists", "status"],
    "properties": {
        "image_name": TEXT,
        "exists": {"type": "boolean"},
        "status": {"enum": [UNSUPPORTED, AVAILABLE, MISSING]},
        "generating": {"type": "boolean", "description": "Whether one is being made."},
        "package_name": TEXT,
        "package_path": TEXT,
        "version": TEXT,
        "error": {"type": "string", "description": "Why the last run made none."},
    },
}
STARTED: Schema = {
    "type": "object",
    "required": ["success", "message", "image_name"],
    "properties": {"success": {"const": True}, "message": TEXT, "image_name": TEXT},
}
FILE: Schema = {"type": "string", "format": "binary"}
RANGE = Parameter("Range", "header", "One range of bytes, such as bytes=1000-.")
KNOWN = Parameter("If-None-Match", "header", "The ETag of what the client has.")
GENERATED = Answer(200, "It is being made.", schema=STARTED)
GENERATE_FAULTS = (
    Fault(StyleUnsupported),
    Fault(BootPackageNameMissing),
    Fault(ImageNotFound, 404),
    Fault(ImageUnreadable, 500, CHECK_ERROR),
    Fault(NotBootable),
    Fault(GeneratorNotStarted, 503),
    Fault(BootPackageUnreadable, 500),
    Fault(ConfigUnreadable),
)

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/get-boot-package-info",
        summary="Whether an image has a boot package, and where it is.",
        contract="images 8.1",
        serves=served(get_boot_package, _info, name_of),
        parameters=(NAME,),
        answers=(Answer(200, "What is known.", schema=INFO),),
        faults=(
            Fault(BootPackageNameMissing),
            Fault(BootPackageUnreadable, 500),
            Fault(ImageUnreadable, 500, CHECK_ERROR),
            Fault(ConfigUnreadable, 500, CHECK_ERROR),
        ),
    ),
    # The old pages generate with a GET (contract images 0.1).
    Route(
        method="GET",
        path="/generate-boot-package",
        summary="Has the boot package of an image made.",
        contract="images 8.2",
        serves=served(generate_boot_package, _generated, name_of),
        parameters=(NAME,),
        answers=(GENERATED,),
        faults=GENERATE_FAULTS,
        checks_csrf=True,
    ),
    Route(
        method="POST",
        path="/generate-boot-package",
        summary="Has the boot package of an image made.",
        contract="images 8.2",
        serves=served(generate_boot_package, _generated, name_of),
        parameters=(Parameter("name", "query", "The image's name, unless the form has it."),),
        body=Body("application/x-www-form-urlencoded", FORM),
        answers=(GENERATED,),
        faults=GENERATE_FAULTS,
        checks_csrf=True,
    ),
    Route(
        method="GET",
        path="/download-boot-package",
        summary="The boot package of an image, or a range of it.",
        contract="images 8.3",
        serves=Served(open_boot_package.name, open_boot_package.policy, _download),
        parameters=(NAME, RANGE, KNOWN),
        answers=(
            Answer(200, "The Debian package.", PACKAGE_TYPE, FILE),
            Answer(206, "The range that was asked for.", PACKAGE_TYPE, FILE),
            Answer(304, "The client has it already.", media_type=""),
        ),
        faults=(
            Fault(BootPackageNameMissing),
            Fault(BootPackageNotFound),
            Fault(BootPackageUnreadable, 500, DOWNLOAD_ERROR),
            Fault(RangeNotSatisfiable),
        ),
    ),
)
