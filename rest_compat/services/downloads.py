"""The download of a unit's whole log: ours, not the old service's."""

import logging
import re
from collections.abc import AsyncGenerator, Sequence
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from domain.services.journal import JournalLine, JournalUnavailable
from domain.services.shown_text import shown
from domain.services.unit_names import permitted
from domain.services.units import UnitUnknown
from resolvers.operation import Call
from resolvers.services import read_whole_unit_log
from rest_compat.question import Question
from rest_compat.route import Answer, Fault, Route, Served
from rest_compat.services.unit_logs import FAULTS, NAME, TEXT, stamp

log = logging.getLogger("provisioner.rest")
TEXT_TYPE = "text/plain; charset=utf-8"
CONTINUED = "\n    "
_UNSAFE = re.compile(r"[^A-Za-z0-9@._-]")

Pieces = AsyncGenerator[Sequence[JournalLine], None]


class UnitLogAnswer(StreamingResponse):
    """A log as text, piece by piece, in flat memory."""

    def __init__(self, pieces: Pieces, unit: str) -> None:
        self._pieces = pieces
        plain = _UNSAFE.sub("_", unit)
        # RFC 6266: the plain name for old clients, the exact one for all others.
        name = f"attachment; filename=\"{plain}.log\"; filename*=UTF-8''{quote(unit, safe='')}.log"
        super().__init__(
            self._blocks(), headers={"Content-Disposition": name}, media_type=TEXT_TYPE
        )

    async def stream_response(self, send: Send) -> None:
        """Sends the log; where the journal fails on the way, the answer ends unfinished, so that
        the client knows."""
        start = {"type": "http.response.start", "status": self.status_code}
        try:
            await send({**start, "headers": self.raw_headers})
            async for block in self._blocks():
                await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except JournalUnavailable as error:
            log.warning("the download of a unit's log broke off: %s", error)
        finally:
            await self._pieces.aclose()

    async def _blocks(self) -> AsyncGenerator[bytes, None]:
        async for lines in self._pieces:
            yield "".join(map(_text, lines)).encode("utf-8", "replace")


def _text(line: JournalLine) -> str:
    who = line.identifier or "unknown"
    process = f"[{line.pid}]" if line.pid is not None else ""
    message = shown(line.message or "").replace("\n", CONTINUED)
    return f"{stamp(line.at)} {shown(who)}{process}: {message}\n"


async def _download(call: Call, question: Question) -> Response:
    name = question.places["name"]
    pieces = await read_whole_unit_log.perform(call, name=name)
    return UnitLogAnswer(pieces, permitted(name))


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v2/service-log/{name}/download",
        summary="The whole log of a unit, oldest line first, with systemd's lines about it.",
        contract="ours",
        serves=Served(read_whole_unit_log.name, read_whole_unit_log.policy, _download),
        parameters=(NAME,),
        answers=(Answer(200, "The log.", "text/plain", TEXT),),
        faults=(*FAULTS, Fault(UnitUnknown)),
    ),
)
