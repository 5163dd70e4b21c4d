"""The pages: ready-made bytes of the dashboard's files, and what a browser must be told of them."""

import hashlib
import mimetypes
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

STATIC_FOLDER = Path(__file__).parent / "static"

_CHARSET = "; charset=utf-8"
# The system's table of types differs between machines; what browsers insist on is said here.
_CONTENT_TYPES = {
    ".css": "text/css" + _CHARSET,
    ".html": "text/html" + _CHARSET,
    ".js": "text/javascript" + _CHARSET,
    ".json": "application/json",
    ".svg": "image/svg+xml",
    "": "text/plain" + _CHARSET,
}

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# GraphiQL's editor and menus make style elements while they run, and its style sheet carries its
# fonts and pictures as data; scripts stay confined to this host.
_GRAPHIQL_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)

_DOCUMENT = re.compile(r"^export const \w+ = `([^`]*)`;$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it goes to a browser.

    `etag` is strong, with its quotes (RFC 9110 8.8.3): the same bytes have the same tag in every
    process. `content_security_policy` is the value of the header of that name.
    """

    body: bytes
    content_type: str
    etag: str
    content_security_policy: str

    def is_known_to(self, if_none_match: str | None) -> bool:
        """Says whether a request with this `If-None-Match` is answered 304 (RFC 9110 13.1.2)."""
        if if_none_match is None:
            return False
        tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
        return "*" in tags or self.etag in tags


def plain_page() -> Asset:
    """Returns the page of the whole station, for every path whose own page is not there yet."""
    return _asset("plain.html")


def graphiql_page() -> Asset:
    """Returns the page that explores `/graphql`, all of it from this host."""
    return _asset("graphiql.html")


def favicon() -> Asset:
    """Returns the station's icon."""
    return _asset("favicon.svg")


def page_documents() -> tuple[str, ...]:
    """Returns every GraphQL document that the pages send, character by character."""
    return tuple(_DOCUMENT.findall(_asset("documents.js").body.decode()))


def find_asset(name: str) -> Asset | None:
    """Returns the file called `name` below `/static/` (no leading slash), None where none is."""
    return _asset(name) if name in _names() else None


@cache
def _names() -> frozenset[str]:
    # Only what is listed here is ever opened, so no name can lead out of the folder.
    found = (path for path in STATIC_FOLDER.rglob("*") if path.is_file())
    return frozenset(path.relative_to(STATIC_FOLDER).as_posix() for path in found)


@cache
def _asset(name: str) -> Asset:
    path = STATIC_FOLDER / name
    body = path.read_bytes()
    return Asset(
        body=body,
        content_type=_content_type(path),
        etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        content_security_policy=_GRAPHIQL_POLICY if name == "graphiql.html" else _POLICY,
    )


def _content_type(path: Path) -> str:
    known = _CONTENT_TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    return known or "application/octet-stream"
