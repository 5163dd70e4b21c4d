"""What the tus protocol 1.0 says of every request and answer (https://tus.io/protocols), in one
place."""

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.uploads.progress import ADDRESS
from domain.uploads.sessions import ALGORITHMS
from rest_compat.errors import ErrorForm, encode_error, told
from rest_compat.http_errors import TusVersionUnknown

VERSION = "1.0.0"
EXTENSIONS = "creation,checksum,termination,expiration"
OVERRIDABLE = ("PATCH", "DELETE", "HEAD")


def is_tus(path: str) -> bool:
    """Whether a path belongs to resumable uploads."""
    return path.lower() == ADDRESS or path.lower().startswith(ADDRESS + "/")


class TusRules:
    """Answers OPTIONS with what the server can, refuses other versions, honours
    X-HTTP-Method-Override, and names the version in every answer. `most_bytes` is the largest
    upload, 0 for no limit."""

    def __init__(self, app: ASGIApp, *, most_bytes: int = 0) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; other paths than those of uploads pass as they are."""
        if not is_tus(scope["path"]):
            await self._app(scope, receive, send)
            return
        sending = _versioned(send)
        if scope["method"] == "OPTIONS":
            await self._capabilities()(scope, receive, sending)
            return
        headers = dict(scope["headers"])
        scope = _overridden(scope, headers)
        version = headers.get(b"tus-resumable", b"").decode("latin-1")
        # A GET is also for people who look; who asks with HEAD, or changes something, says which
        # protocol it speaks.
        is_ours = scope["method"] in _methods_of(scope["path"])
        if is_ours and version != VERSION and (version or scope["method"] != "GET"):
            refused = TusVersionUnknown(f"This service speaks tus {VERSION}; say so in the header.")
            known = told(refused, (), correlation_id="")
            answer = encode_error(known, accept="", form=ErrorForm.FLAT)
            answer.headers["Tus-Version"] = VERSION
            await answer(scope, receive, sending)
            return
        await self._app(scope, receive, sending)

    def _capabilities(self) -> Response:
        headers = {
            "Tus-Version": VERSION,
            "Tus-Extension": EXTENSIONS,
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        }
        if self._most_bytes:
            headers["Tus-Max-Size"] = str(self._most_bytes)
        return Response(status_code=204, headers=headers)


def _methods_of(path: str) -> tuple[str, ...]:
    # Every other method is refused as such, whatever protocol it speaks.
    return ("POST",) if path.lower().rstrip("/") == ADDRESS else ("GET", "HEAD", "PATCH", "DELETE")


def _overridden(scope: Scope, headers: dict[bytes, bytes]) -> Scope:
    wanted = headers.get(b"x-http-method-override", b"").decode("latin-1").upper()
    if scope["method"] != "POST" or wanted not in OVERRIDABLE:
        return scope
    return {**scope, "method": "GET" if wanted == "HEAD" else wanted}


def _versioned(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"tus-resumable", VERSION.encode())]
        await send(message)

    return sending
