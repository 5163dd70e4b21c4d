"""How a file leaves the station: whole, or a range of it, in flat memory (RFC 9110 sections 13 and
14)."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Mapping
from datetime import datetime
from email.utils import formatdate, parsedate_to_datetime
from typing import Protocol

from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from rest_compat.http_errors import RangeNotSatisfiable
from rest_compat.question import Question

log = logging.getLogger("provisioner.rest")
BLOCK = 256 * 1024
RANGE = re.compile(r"bytes=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII)
MOST_DIGITS = 18


class SentFile(Protocol):
    """A file as it was when it was opened; `identity` changes when it is another one."""

    @property
    def path(self) -> str:
        """Where it is, logical."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def modified_at(self) -> datetime:
        """When it was last written, UTC."""

    @property
    def modified_ns(self) -> int:
        """The same in nanoseconds."""

    @property
    def identity(self) -> tuple[int, int]:
        """Its device and inode."""


class OpenFile(Protocol):
    """A file that can be sent. All methods block."""

    @property
    def file(self) -> SentFile:
        """What it is."""

    def read(self, offset: int, most: int) -> bytes:
        """Returns at most `most` bytes from `offset` on, none behind the end."""

    def close(self) -> None:
        """Closes it; it may be closed already."""


class FileAnswer(StreamingResponse):
    """A part of a file, from `start` to `end`; closes the file when it is sent or given up."""

    def __init__(
        self,
        opened: OpenFile,
        *,
        start: int,
        end: int,
        status: int,
        headers: Mapping[str, str],
        media_type: str,
    ) -> None:
        self._opened = opened
        self._start = start
        self._end = end
        length = {"Content-Length": str(end - start)}
        super().__init__(self._blocks(), status, {**headers, **length}, media_type)

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
                log.warning("the file %s became shorter while it was sent", self._opened.file.path)
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


def file_answer(
    opened: OpenFile,
    question: Question,
    *,
    media_type: str,
    start: int = 0,
    headers: Mapping[str, str] | None = None,
    is_zipped: bool = False,
) -> Response:
    """Returns what the request's conditions and range ask for, of the file from `start` on; a
    range counts only where that is the beginning.

    `is_zipped` tells that the answer may be compressed on its way. Other `headers` go with the
    file. Raises `RangeNotSatisfiable`; the file is closed then.
    """
    file = opened.file
    sent = dict(headers or {})
    sent["Last-Modified"] = formatdate(file.modified_at.timestamp(), usegmt=True)
    sent["ETag"] = _etag(file, start, weak=is_zipped)
    sent["Accept-Ranges"] = "none" if start else "bytes"
    if _is_known(question, sent["ETag"], file):
        opened.close()
        return Response(status_code=304, headers=sent)
    wanted = question.header("range") if not start else ""
    part = _range(wanted, file.size) if wanted and _range_counts(question, sent) else None
    if part is None:
        whole = (start, file.size)
        return _answer(opened, whole, status=200, headers=sent, media_type=media_type)
    if part[0] >= part[1]:
        opened.close()
        raise RangeNotSatisfiable(file.size)
    sent["Content-Range"] = f"bytes {part[0]}-{part[1] - 1}/{file.size}"
    return _answer(opened, part, status=206, headers=sent, media_type=media_type)


def _answer(
    opened: OpenFile,
    part: tuple[int, int],
    *,
    status: int,
    headers: Mapping[str, str],
    media_type: str,
) -> FileAnswer:
    start, end = part
    return FileAnswer(
        opened, start=start, end=end, status=status, headers=headers, media_type=media_type
    )


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Returns where a single range begins and ends, None where the header is to be ignored: other
    units, several ranges, or none."""
    found = RANGE.fullmatch(header.strip())
    if found is None or not (found[1] or found[2]) or len(found[0]) > 2 * MOST_DIGITS:
        return None
    if not found[1]:
        last = int(found[2])
        return (max(0, size - last), size) if last else (size, size)
    first, end = int(found[1]), int(found[2]) + 1 if found[2] else size
    if found[2] and end <= first:
        return None
    return first, min(end, size)


def _range_counts(question: Question, headers: Mapping[str, str]) -> bool:
    """Whether the client's part is of this very file (RFC 9110 section 13.1.5)."""
    known = question.header("if-range")
    if not known:
        return True
    return known in (headers["ETag"], headers["Last-Modified"]) and not known.startswith("W/")


def _is_known(question: Question, etag: str, file: SentFile) -> bool:
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


def _etag(file: SentFile, start: int, *, weak: bool) -> str:
    """Returns the tag; weak where the answer may be compressed on the way: its bytes are others
    then (RFC 9110 section 8.8.3.3)."""
    tag = f'"{file.identity[1]:x}-{file.size:x}-{file.modified_ns:x}-{start:x}"'
    return f"W/{tag}" if weak else tag
