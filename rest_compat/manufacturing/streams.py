"""Rows of the manufacturing database on their way to a client: in batches, in flat memory."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from typing import Generic

from starlette.responses import StreamingResponse
from starlette.types import Send

from domain.errors import ProvisionerError
from domain.manufacturing.listing import B, RecordStream

log = logging.getLogger("provisioner.rest")


async def opened(stream: RecordStream[B]) -> tuple[B | None, AsyncIterator[B]]:
    """Returns the first batch and all others; it is read before the answer begins, so that its
    errors show."""
    async for rows in stream.batches:
        return rows, stream.batches
    return None, stream.batches


class RowsAnswer(StreamingResponse, Generic[B]):
    """Text of rows: `begin`, `text` of each batch (in a thread: the loop has others to serve),
    `end`."""

    def __init__(
        self,
        first: B | None,
        others: AsyncIterator[B],
        *,
        begin: bytes,
        text: Callable[[B], bytes],
        end: bytes,
        media_type: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._first, self._others = first, others
        self._begin, self._text, self._end = begin, text, end
        super().__init__(self._blocks(), headers=headers, media_type=media_type)

    async def stream_response(self, send: Send) -> None:
        """Sends the text; where the database fails on the way, the answer ends unfinished, so
        that the client knows."""
        start = {"type": "http.response.start", "status": self.status_code}
        try:
            await send({**start, "headers": self.raw_headers})
            async for block in self._blocks():
                await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except ProvisionerError as error:
            log.warning("a listing of manufacturing records broke off: %s", error)
        finally:
            if isinstance(self._others, AsyncGenerator):
                await self._others.aclose()

    async def _blocks(self) -> AsyncGenerator[bytes, None]:
        yield self._begin
        if self._first:
            yield await asyncio.to_thread(self._text, self._first)
        self._first = None
        async for rows in self._others:
            yield await asyncio.to_thread(self._text, rows)
        yield self._end
