"""How answers are written: compact JSON with a charset, or nothing."""

from starlette.responses import Response

from rest_compat.errors import json_bytes

JSON_TYPE = "application/json; charset=utf-8"


def json_answer(value: object, status: int = 200) -> Response:
    """Returns compact JSON with the newline that most legacy answers end in (common section 2)."""
    return Response(json_bytes(value) + b"\n", status, media_type=JSON_TYPE)
