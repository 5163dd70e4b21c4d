"""What clients say on the legacy WebSockets of images, and how frames are written (contract images
9)."""

import orjson

from rest_compat.errors import json_bytes
from rest_compat.route import Json

Frame = dict[str, Json]
INVALID: Frame = {"error": "Invalid JSON"}


def object_of(text: str) -> dict[str, object] | None:
    """Returns the object that a message is, None for anything else."""
    try:
        value = orjson.loads(text)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return None
    return value if isinstance(value, dict) else None


def name_in(message: dict[str, object]) -> str:
    """Returns the image that a message names, nothing where it names none."""
    asked = message.get("image_name")
    return asked if isinstance(asked, str) else ""


def text_of(frame: Frame) -> str:
    """Returns a frame as it is sent."""
    return json_bytes(frame).decode()
