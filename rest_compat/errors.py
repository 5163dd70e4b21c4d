"""The one mapping of errors to legacy answers: flat JSON, RFC 9457, or a page (common section
1, design 2.1)."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from html import escape

import orjson
from starlette.responses import Response

from domain.errors import ProvisionerError
from domain.unicode_texts import as_unicode
from resolvers.statuses import INTERNAL, natural_status
from rest_compat.http_errors import (
    BodyTooLarge,
    MethodNotAllowed,
    PartTypeWrong,
    RangeNotSatisfiable,
    TusVersionUnknown,
)
from rest_compat.route import Fault, Json

log = logging.getLogger("provisioner.rest")

STATUSES: dict[type[ProvisionerError], int] = {
    MethodNotAllowed: 405,
    BodyTooLarge: 413,
    PartTypeWrong: 415,
    RangeNotSatisfiable: 416,
    TusVersionUnknown: 412,
}
"""Errors of HTTP itself, whose status no kind gives."""


class ErrorForm(StrEnum):
    """The setting `rest_errors`: what clients send errors in that ask for plain JSON."""

    FLAT = "flat"
    DOCUMENTED = "documented"


@dataclass(frozen=True, slots=True)
class Told:
    """An error as a client is told it; `headers` are what HTTP wants to be said besides."""

    status: int
    code: str
    title: str
    message: str
    details: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def status_of(error: type[ProvisionerError]) -> int:
    """Returns the status of an error where no route overrides it."""
    return STATUSES.get(error) or natural_status(error)


def told(error: Exception, faults: tuple[Fault, ...], *, correlation_id: str) -> Told:
    """Returns what the client is told; what nobody expected is masked and logged with its id."""
    if not isinstance(error, ProvisionerError):
        log.error("unexpected error, correlation id %s", correlation_id, exc_info=error)
        message = f"Something unexpected went wrong; the log has it under {correlation_id}."
        return Told(INTERNAL, "INTERNAL", "Internal Error", message, correlation_id)
    fault = next((fault for fault in faults if isinstance(error, fault.error)), Fault(type(error)))
    return Told(
        status=fault.status or status_of(type(error)),
        code=fault.code or error.code,
        title=error.title,
        message=error.message,
        details=error.detail,
        headers=_headers(error),
    )


def _headers(error: ProvisionerError) -> dict[str, str]:
    """Returns what RFC 9110 asks of the statuses 405 (section 15.5.6) and 416 (15.5.17)."""
    if isinstance(error, MethodNotAllowed):
        return {"Allow": ", ".join(error.allowed)}
    if isinstance(error, RangeNotSatisfiable):
        return {"Content-Range": f"bytes */{error.size}"}
    return {}


def encode_error(
    error: Told, *, accept: str, form: ErrorForm, members: Mapping[str, Json] | None = None
) -> Response:
    """Returns the answer in the form that the request accepts; `members` are what a route's flat
    envelope has besides."""
    headers = {"Vary": "Accept", **error.headers}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="provisioner"'
    if "text/html" in accept:
        page = error_page(error)
        return Response(page, error.status, headers, "text/html; charset=utf-8")
    if "application/problem+json" in accept:
        body, media_type = _problem(error), "application/problem+json"
    elif form is ErrorForm.DOCUMENTED:
        body, media_type = _documented(error), "application/json; charset=utf-8"
    else:
        body, media_type = {**_flat(error), **(members or {})}, "application/json; charset=utf-8"
    return Response(json_bytes(body), error.status, headers, media_type)


def json_bytes(value: object) -> bytes:
    """Returns `value` as JSON; of texts that are no Unicode (from the disk) what is none becomes
    U+FFFD."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(as_unicode(value))


def _flat(error: Told) -> dict[str, object]:
    body: dict[str, object] = {"error": error.message, "error_code": error.code}
    if error.details:
        body["details"] = error.details
    return body | {"status": error.status, "title": error.title}


def _problem(error: Told) -> dict[str, object]:
    return {
        "type": f"/docs/errors#{error.code.lower()}",
        "title": error.title,
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "details": error.details,
    }


def _documented(error: Told) -> dict[str, object]:
    return {
        "error": {
            "status": error.status,
            "title": error.title,
            "code": error.code,
            "detail": error.message,
            "additional": error.details,
        }
    }


def error_page(error: Told) -> bytes:
    """Returns the page of an error; every text in it is escaped."""
    details = f"<h2>Details</h2><pre>{escape(error.details)}</pre>" if error.details else ""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(error.title)}</title>"
        '<link rel="icon" href="/static/favicon.svg">'
        '<link rel="stylesheet" href="/static/plain.css">'
        f"</head><body><main><h1>{escape(error.title)}</h1><p>{escape(error.message)}</p>"
        f"<p>Error code: <code>{escape(error.code)}</code></p>{details}"
        '<p><a href="/devices">Back to the devices</a></p></main></body></html>'
    ).encode("utf-8", "replace")
