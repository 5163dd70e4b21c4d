"""Files in multipart/form-data (RFC 7578), read as they arrive: nothing is kept (contract images
4.1)."""

import re
from collections.abc import AsyncIterator

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser
from starlette.types import Receive

from domain.uploads.refusals import UploadBroken, UploadRequestInvalid

Chunk = bytes | memoryview
LONGEST_BOUNDARY = 200
LONGEST_HEADER = 8192
_PARAMETER = re.compile(rb';\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"([^"]*)"|([^;"]*))')
EXACTLY_ONE = "Invalid request: Expected exactly one file in multipart form data"


class FormFile:
    """The one file of a form. `begin` reads up to it, `chunks` from there to the form's end."""

    def __init__(self, receive: Receive, content_type: str) -> None:
        self._receive = receive
        self._boundary = _boundary(content_type)
        self._parser = MultipartParser(
            self._boundary,
            {
                "on_part_begin": self._part_begun,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ended,
                "on_headers_finished": self._headers_ended,
                "on_part_data": self._data,
                "on_part_end": self._part_ended,
                "on_end": self._ended,
            },
            max_header_size=LONGEST_HEADER,
        )
        self._name = self._value = b""
        self._filename: bytes | None = None
        self._is_file = self._is_over = self._is_whole = False
        self._waiting: list[Chunk] = []

    async def begin(self) -> str:
        """Returns the file's name as it was sent, in UTF-8.

        Raises `UploadRequestInvalid` for a form without a file and `UploadBroken` for a broken one.
        """
        while self._filename is None:
            if not await self._read():
                raise UploadRequestInvalid(f"{EXACTLY_ONE}; there is none.")
        return self._filename.decode("utf-8", "surrogateescape")

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Yields what the file holds; raises `UploadRequestInvalid` for a second file and
        `UploadBroken` for a form that is cut off or malformed."""
        is_more = True
        while is_more:
            waiting, self._waiting = self._waiting, []
            for chunk in waiting:
                yield chunk
            is_more = await self._read()
        for chunk in self._waiting:
            yield chunk

    async def _read(self) -> bool:
        """Reads what comes next; returns whether there is more."""
        if self._is_over:
            return False
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise UploadBroken("Upload stream failed: the connection was closed before the end.")
        body = message.get("body", b"")
        try:
            if body:
                self._parser.write(body)
        except MultipartParseError as error:
            raise UploadBroken("Upload stream failed: the form is malformed.") from error
        self._is_over = not message.get("more_body", False)
        if self._is_over and not self._is_whole:
            raise UploadBroken("Upload stream failed: the form is cut off before its end.")
        return True

    def _part_begun(self) -> None:
        self._is_file = False
        self._name = self._value = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ended(self) -> None:
        if self._name.lower() == b"content-disposition":
            filename = filename_in(self._value)
            if filename is not None:
                self._found(filename)
        self._name = self._value = b""

    def _found(self, filename: bytes) -> None:
        if self._filename is not None:
            raise UploadRequestInvalid(f"{EXACTLY_ONE}; there are more.")
        self._filename = filename
        self._is_file = True

    def _headers_ended(self) -> None:
        return

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._waiting.append(memoryview(data)[start:end])

    def _part_ended(self) -> None:
        self._is_file = False

    def _ended(self) -> None:
        self._is_whole = True


def filename_in(disposition: bytes) -> bytes | None:
    """Returns the file name of a Content-Disposition as the old service reads it: `filename="…"`
    or unquoted, nothing decoded, `filename*` ignored; None without one."""
    for name, quoted, plain in _PARAMETER.findall(disposition):
        if name.lower() == b"filename":
            return bytes(quoted or plain.strip())
    return None


def _boundary(content_type: str) -> bytes:
    kind, _, _ = content_type.partition(";")
    if kind.strip().lower() != "multipart/form-data":
        message = "Invalid request: an upload is multipart/form-data."
        raise UploadRequestInvalid(message, detail=content_type[:100])
    for name, quoted, plain in _PARAMETER.findall(content_type.encode("latin-1")):
        boundary = quoted or plain.strip()
        if name.lower() == b"boundary" and 0 < len(boundary) <= LONGEST_BOUNDARY:
            return bytes(boundary)
    raise UploadRequestInvalid("Invalid request: the form's boundary is missing.")
