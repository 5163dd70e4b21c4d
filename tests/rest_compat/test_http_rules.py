"""The HTTP rules over an application of one function."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from rest_compat.http_rules import HttpRules

PARTS = 100


class Endless:
    """Streams as long as somebody listens, and counts."""

    def __init__(self) -> None:
        self.streamed = 0
        self.ended = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = StreamingResponse(self._parts(), headers={"content-length": str(PARTS * 1000)})
        await answer(scope, receive, send)

    async def _parts(self) -> AsyncIterator[bytes]:
        try:
            for _ in range(PARTS):
                self.streamed += 1
                yield b"x" * 1000
        finally:
            self.ended = True


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_head_of_a_long_stream_reads_next_to_nothing_of_it(encoding: str) -> None:
    app = Endless()
    transport = httpx2.ASGITransport(HttpRules(app, allowed_origin=lambda _: ""))
    async with httpx2.AsyncClient(transport=transport, base_url="http://station") as client:
        answer = await client.head("/log", headers={"Accept-Encoding": encoding})
    assert (answer.status_code, answer.content) == (200, b"")
    assert app.streamed <= 2


async def test_head_of_a_stream_has_the_length_of_get() -> None:
    transport = httpx2.ASGITransport(HttpRules(Endless(), allowed_origin=lambda _: ""))
    async with httpx2.AsyncClient(transport=transport, base_url="http://station") as client:
        answer = await client.head("/log", headers={"Accept-Encoding": "identity"})
    assert answer.headers["content-length"] == str(PARTS * 1000)
