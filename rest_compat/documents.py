"""Paths that describe and watch the service itself; they tell nothing of boards or people."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rest_compat.errors import ErrorForm, encode_error, told
from rest_compat.http_errors import MethodNotAllowed

ALLOWED = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Document:
    """A path whose content is made when somebody asks. `content` never raises."""

    path: str
    summary: str
    media_type: str
    content: Callable[[], bytes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers GET; every other method is refused."""
        scope["route"] = self.path
        if scope["method"] == "GET":
            answer = Response(self.content(), media_type=self.media_type)
        else:
            refused = MethodNotAllowed(scope["method"], self.path, ALLOWED)
            known = told(refused, (), correlation_id="")
            answer = encode_error(known, accept="", form=ErrorForm.FLAT)
        await answer(scope, receive, send)
