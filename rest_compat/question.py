"""One request as the legacy rules read it: decoded path, merged parameters, strict JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import cast
from urllib.parse import parse_qsl, unquote_to_bytes

import orjson
from starlette.types import Receive, Scope

from domain.caller import Caller
from rest_compat.http_errors import BodyTooLarge, ClientGone, JsonInvalid

BODY_BYTES = 1 << 20
"""The largest body of a route that does not say otherwise: 1 MiB."""


@dataclass(slots=True)
class Question:
    """A request. `path` is decoded as common section 3 says; `places` are the path's parameters.

    Bodies are read at most once, and never beyond `most_bytes`.
    """

    scope: Scope
    receive: Receive
    path: str
    places: Mapping[str, str] = field(default_factory=dict)
    most_bytes: int = BODY_BYTES
    _body: bytes | None = None

    @property
    def method(self) -> str:
        """The method, in capitals as sent."""
        return cast("str", self.scope["method"])

    @property
    def caller(self) -> Caller:
        """Who asks, as the guard found out."""
        return cast("Caller", self.scope["caller"])

    def header(self, name: str) -> str:
        """Returns the first header of this lower-case name, else the empty text."""
        wanted = name.encode()
        found = next((value for key, value in self.scope["headers"] if key == wanted), b"")
        return found.decode("latin-1")

    async def body(self) -> bytes:
        """Returns the whole body; raises `BodyTooLarge` and `ClientGone`."""
        if self._body is None:
            self._body = await read_body(
                self.receive, self.header("content-length"), self.most_bytes
            )
        return self._body

    async def parameters(self, *, errors: str = "replace") -> dict[str, str]:
        """Returns query and form parameters; a later duplicate wins, so body beats query. `errors`
        says what becomes of bytes that are no UTF-8."""
        pairs = _pairs(self.scope["query_string"], errors)
        kind = self.header("content-type")
        # A body without a type counts as a form (common section 3).
        if self.method != "GET" and ("x-www-form-urlencoded" in kind or not kind):
            pairs += _pairs(await self.body(), errors)
        return dict(pairs)

    async def json_object(self, *, null_is_empty: bool = False) -> dict[str, object]:
        """Returns the JSON object in the body; raises `JsonInvalid`. `null_is_empty` where the old
        service took null for an object without members."""
        if "application/json" not in self.header("content-type"):
            raise JsonInvalid("A JSON object is needed, with Content-Type: application/json.")
        try:
            value = orjson.loads(await self.body())
        except orjson.JSONDecodeError as error:
            raise JsonInvalid(f"The body is not JSON: {error}.") from error
        if value is None and null_is_empty:
            return {}
        if not isinstance(value, dict):
            raise JsonInvalid("The body is JSON, but not an object.")
        return value


async def read_body(receive: Receive, content_length: str, most_bytes: int) -> bytes:
    """Returns the request's body; raises `BodyTooLarge` before more than `most_bytes` are kept."""
    if content_length.isascii() and content_length.isdigit() and int(content_length) > most_bytes:
        raise too_large(most_bytes)
    parts, size, more = list[bytes](), 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise client_gone()
        part = message.get("body", b"")
        size += len(part)
        if size > most_bytes:
            raise too_large(most_bytes)
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def client_gone() -> ClientGone:
    """Returns the error of a request that nobody waits for any more."""
    return ClientGone("The connection was closed before the request was complete.")


def too_large(most_bytes: int) -> BodyTooLarge:
    """Returns the error that names the limit."""
    return BodyTooLarge(f"The body is larger than the {most_bytes} bytes that this address takes.")


@lru_cache(64)
def decoded_path(raw: bytes) -> str:
    """Returns the path as the old router saw it: percent-decoded, `+` a space, bad UTF-8
    replaced."""
    path = raw.partition(b"?")[0].replace(b"+", b" ")
    return (unquote_to_bytes(path) if b"%" in path else path).decode("utf-8", "replace")


def _pairs(raw: bytes, errors: str) -> list[tuple[str, str]]:
    return parse_qsl(raw.decode("latin-1"), keep_blank_values=True, errors=errors)
