"""The line posts as the station's scripts do, and nothing that answers disturbs it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from domain.host_paths import HostPaths
from server.demo.actor import STATE_CHANGED
from server.demo.notices import TOKEN, Notices

LIMIT = 10.0


class Listener:
    """Keeps the heads of requests, and answers each with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self.heads: list[str] = []
        self._answer = answer

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(self._answer)
        writer.close()


@asynccontextmanager
async def _listening(answer: bytes) -> AsyncIterator[tuple[Listener, str]]:
    listener = Listener(answer)
    server = await asyncio.start_server(listener.hear, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield listener, f"http://127.0.0.1:{port}"


@pytest.fixture
def notices(tmp_path: Path) -> Notices:
    paths = HostPaths(tmp_path)
    file = paths.real(TOKEN)
    file.parent.mkdir(parents=True)
    file.write_text("ab" * 32)
    return Notices(paths)


async def test_it_posts_the_token_and_no_body(notices: Notices) -> None:
    async with _listening(b"HTTP/1.1 204 No Content\r\n\r\n") as (listener, url):
        notices.base_url = url
        await notices.post(STATE_CHANGED)
    [head] = listener.heads
    assert head.startswith("POST /internal/state-changed HTTP/1.1\r\n")
    assert f"\r\nX-Internal-Token: {'ab' * 32}\r\n" in head
    assert "content-length" not in head.lower()


@pytest.mark.parametrize("answer", [b"", b"\r\n", b"HTTP/1.1 404 Not Found\r\n\r\n", b"\xff" * 99])
async def test_any_answer_will_do(notices: Notices, answer: bytes) -> None:
    async with _listening(answer) as (listener, url):
        notices.base_url = url
        await notices.post(STATE_CHANGED)
    assert len(listener.heads) == 1


async def test_without_a_token_or_an_address_nothing_is_posted(
    notices: Notices, tmp_path: Path
) -> None:
    async with _listening(b"") as (listener, url):
        await notices.post(STATE_CHANGED)
        notices.base_url = url
        HostPaths(tmp_path).real(TOKEN).unlink()
        await notices.post(STATE_CHANGED)
    assert listener.heads == []


async def test_nobody_home_is_an_operating_system_error(notices: Notices) -> None:
    async with _listening(b"") as (_, url):
        notices.base_url = url
    with pytest.raises(OSError, match=r"\d"):
        async with asyncio.timeout(LIMIT):
            await notices.post(STATE_CHANGED)
