"""Texts in JSON bodies, as lenient as the old service was (contract configuration 2)."""

import json

from rest_compat.http_errors import JsonInvalid
from rest_compat.route import Schema

AS_TEXT: Schema = {"type": ["string", "number", "boolean", "null"]}
"""What `as_text` takes."""


def as_text(value: object, *, name: str) -> str:
    """Returns a JSON value as text: null is empty, numbers and truths as JSON writes them. Raises
    `JsonInvalid` for lists and objects."""
    if isinstance(value, dict | list):
        raise JsonInvalid(f"`{name[:128]}` must be a text.", field=name[:128])
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
