"""The catalogue of errors as a page: where the `type` of a problem leads (RFC 9457 section 3.1.1)
on a station without internet."""

from html import escape

from domain.errors import ProvisionerError, every_error
from rest_compat.errors import status_of

MASKED = ("INTERNAL", 500, "Something unexpected.", "The log has it under the correlation id.")
"""What no error of the domain is told as."""
HEADINGS = ("code", "status", "meaning", "what to do")
Row = tuple[str, int, str, str]


def catalogue_page() -> bytes:
    """Returns the page; each code is an anchor in lower case. What is loaded counts: for a moment
    after the start GraphQL's own codes are missing, which no problem links to."""
    rows = sorted([MASKED, *map(_row, every_error())])
    head = "".join(f"<th>{heading}</th>" for heading in HEADINGS)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<title>Errors</title><link rel="icon" href="/static/favicon.svg">'
        '<link rel="stylesheet" href="/static/plain.css"></head><body><main><h1>Errors</h1>'
        "<p>A route may answer another status where the old service did.</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(_shown, rows))}</tbody></table>"
        "</main></body></html>"
    ).encode()


def _row(error: type[ProvisionerError]) -> Row:
    return error.code, status_of(error), error.meaning, error.remedy


def _shown(row: Row) -> str:
    code, status, meaning, remedy = row
    words = "".join(f"<td>{escape(text)}</td>" for text in (meaning, remedy))
    number = f'<td class="number">{status}</td>'
    return f'<tr id="{code.lower()}"><td><code>{code}</code></td>{number}{words}</tr>'
