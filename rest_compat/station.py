"""The routes of the station itself: where `/` leads, and whether it is ready."""

from starlette.responses import Response

from domain.readiness import Part
from resolvers.station import list_parts
from rest_compat.encoding import json_answer
from rest_compat.route import Answer, Json, Route, Schema, served


def _ready(answer: tuple[bool, list[Part]]) -> Response:
    ready, parts = answer
    body: dict[str, Json] = {"ready": ready, "parts": [_part(part) for part in parts]}
    return json_answer(body, 200 if ready else 503)


def _part(part: Part) -> dict[str, Json]:
    return {
        "name": part.name,
        "state": part.state.value,
        "reason": part.reason,
        "remedy": part.remedy,
    }


READINESS: Schema = {
    "type": "object",
    "required": ["ready", "parts"],
    "properties": {
        "ready": {"type": "boolean"},
        "parts": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "state", "reason", "remedy"],
                "properties": {
                    "name": {"type": "string"},
                    "state": {"enum": ["READY", "UNAVAILABLE"]},
                    "reason": {"type": "string"},
                    "remedy": {"type": "string"},
                },
            },
        },
    },
}

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/",
        summary="Leads to the page of devices.",
        contract="common 8",
        serves=None,
        redirect="/devices",
        answers=(Answer(302, "Location: /devices", media_type=""),),
    ),
    Route(
        method="GET",
        path="/readyz",
        summary="Which parts of the station work; 503 while an essential one does not.",
        contract="design 2",
        serves=served(list_parts, _ready),
        answers=(
            Answer(200, "Essential parts work.", schema=READINESS),
            Answer(503, "An essential part does not work.", schema=READINESS),
        ),
    ),
)
