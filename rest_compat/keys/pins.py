"""PINs in JSON bodies (contract configuration 2, 12)."""

from collections.abc import Mapping

from rest_compat.http_errors import JsonInvalid
from rest_compat.route import Schema

PIN: Schema = {
    "type": ["string", "integer"],
    "description": "The PIN; a number is taken as its digits.",
}
MAYBE_PIN: Schema = {**PIN, "type": ["string", "integer", "null"]}


def pin_of(body: Mapping[str, object]) -> str:
    """Returns the member `pin` as text, empty where there is none; numbers are their digits
    (contract configuration 2). Raises `JsonInvalid`."""
    pin = body.get("pin")
    if pin is None:
        return ""
    # A truth or a fraction is a mistake, not a PIN.
    if isinstance(pin, bool) or not isinstance(pin, str | int):
        raise JsonInvalid("`pin` must be a text.", field="pin")
    return str(pin)
