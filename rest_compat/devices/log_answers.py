"""How a log leaves the station: whole, a range of it or its last lines, in flat memory."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator
from email.utils import formatdate, parsedate_to_datetime

from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from domain.devices.log_files import BLOCK, LogFile, OpenLog
from domain.devices.log_pages import LogTail
from domain.errors import Invalid
from rest_compat.errors import ErrorForm, encode_error, told
from rest_compat.question import Question

log = logging.getLogger("provisioner.rest")
TEXT_TYPE = "text/plain; charset=utf-8"
RANGE = re.compile(r"bytes=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII)
MOST_DIGITS = 18


class RangeNotSatisfiable(Invalid):
    """The range begins behind the end of the log."""

    code = "RANGE_NOT_SATISFIABLE"
    title = "Range Not Satisfiable"
    meaning = "The range that was asked for begins behind the end of the file."
    remedy = "Ask for a range within the size that the header Content-Range names."


class LogAnswer(StreamingResponse):
    """A part of a log, from `start` to `end`; closes the log when it is sent or given up."""

    def __init__(
        self, opened: OpenLog, *, start: int, end: int, status: int, headers: dict[str, str]
    ) -> None:
        headers["Content-Length"] = str(end - start)
        self._opened = opened
        self._start = start
        self._end = end
        super().__init__(self._blocks(), status, headers, TEXT_TYPE)

    async def stream_response(self, send: Send) -> None:
        """Sends the part; where the file became shorter meanwhile, the answer ends unfinished, so
        that the client knows."""
        start = {"type": "http.response.start", "status": self.status_code}
        try:
            await send({**start, "headers": self.raw_headers})
            async for block in self._blocks():
                await send({"type": "http.response.body", "body": block, "more_body": True})
            if self._start == self._end:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                log.warning("the log %s became shorter while it was sent", self._opened.file.path)
        finally:
            self._opened.close()

    async def _blocks(self) -> AsyncGenerator[bytes, None]:
        while self._start < self._end:
            most = min(BLOCK, self._end - self._start)
            block = await asyncio.to_thread(self._opened.read, self._start, most)
            if not block:
                return
            self._start += len(block)
            yield block


def log_answer(found: LogTail, question: Question) -> Response:
    """Returns what the request's conditions and range ask for (RFC 9110 sections 13 and 14)."""
    file, opened = found.log.file, found.log
    zipped = "gzip" in question.header("accept-encoding")
    headers = {"Last-Modified": formatdate(file.modified_at.timestamp(), usegmt=True)}
    headers["ETag"] = _etag(file, found.start, weak=zipped)
    headers["Accept-Ranges"] = "none" if found.start else "bytes"
    if _is_known(question, headers["ETag"], file):
        opened.close()
        return Response(status_code=304, headers=headers)
    wanted = question.header("range") if not found.start else ""
    if wanted and _range_counts(question, headers):
        part = _range(wanted, file.size)
        if part is not None:
            return _partial(opened, part, headers=headers, question=question)
    return LogAnswer(opened, start=found.start, end=file.size, status=200, headers=headers)


def _partial(
    opened: OpenLog, part: tuple[int, int], *, headers: dict[str, str], question: Question
) -> Response:
    (start, end), size = part, opened.file.size
    if start >= end:
        opened.close()
        message = f"The log has {size} bytes; the range begins behind them."
        known = told(RangeNotSatisfiable(message), (), correlation_id="")
        answer = encode_error(known, accept=question.header("accept"), form=ErrorForm.FLAT)
        answer.status_code = 416
        answer.headers["Content-Range"] = f"bytes */{size}"
        return answer
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return LogAnswer(opened, start=start, end=end, status=206, headers=headers)


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Returns where a single range begins and ends, None where the header is to be ignored: other
    units, several ranges, or none."""
    found = RANGE.fullmatch(header.strip())
    if found is None or not (found[1] or found[2]) or len(found[0]) > 2 * MOST_DIGITS:
        return None
    if not found[1]:
        last = int(found[2])
        return (max(0, size - last), size) if last else (size, size)
    first, last = int(found[1]), int(found[2]) if found[2] else size
    if last < first:
        return None
    return first, min(last + 1, size)


def _range_counts(question: Question, headers: dict[str, str]) -> bool:
    """Whether the client's part is of this very file (RFC 9110 section 13.1.5)."""
    known = question.header("if-range")
    if not known:
        return True
    return known in (headers["ETag"], headers["Last-Modified"]) and not known.startswith("W/")


def _is_known(question: Question, etag: str, file: LogFile) -> bool:
    """Whether the client has this already."""
    tags = question.header("if-none-match")
    if tags:
        bare = etag.removeprefix("W/")
        known = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        return bare in known or "*" in known
    since = question.header("if-modified-since")
    try:
        moment = parsedate_to_datetime(since).timestamp() if since else None
    except (ValueError, TypeError, OverflowError):
        return False
    return moment is not None and int(file.modified_at.timestamp()) <= moment


def _etag(file: LogFile, start: int, *, weak: bool) -> str:
    """Returns the tag; weak where the answer may be compressed on the way: its bytes are others
    then (RFC 9110 section 8.8.3.3)."""
    tag = f'"{file.identity[1]:x}-{file.size:x}-{file.modified_ns:x}-{start:x}"'
    return f"W/{tag}" if weak else tag
