"""The legacy WebSocket of uploads' progress (contract images 9.3)."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.uploads.sniffing import Content
from tests.domain.uploads.archives import FORMATS, GOOD
from tests.domain.uploads.packing import PACKERS, noise
from tests.surfaces.conftest import Service
from tests.surfaces.image_store import running_store
from tests.surfaces.test_story import Socket
from tests.surfaces.upload_forms import form, part, send

IMAGE = noise(300_000)
XZ = PACKERS[Content.XZ][1]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Service]:
    async with running_store(tmp_path) as service:
        yield service


async def say(socket: Socket, *texts: str | bytes) -> None:
    for text in texts:
        kind = "bytes" if isinstance(text, bytes) else "text"
        await socket.sent.put({"type": "websocket.receive", kind: text})


async def frames_until(socket: Socket, *phases: str) -> list[Any]:
    frames: list[Any] = []
    while not frames or frames[-1]["phase"] not in phases:
        frames.append(json.loads((await socket.next())["text"]))
    return frames


async def test_a_socket_hears_of_the_uploads_it_asked_for(store: Service) -> None:
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(store)
        serving = tasks.create_task(socket.run([], "/ws/progress"))
        assert (await socket.next())["type"] == "websocket.accept"
        await say(socket, "{nope", "[1]", "5", b"binary", '{"subscribe": 5}', '{"x": "y"}')
        await say(socket, '{"subscribe": "upload:gone"}', '{"unsubscribe": "upload:gone"}')
        for topic in ("xz", "tar", "bad", "plain", "name"):
            # Where both are there, subscribing wins.
            await say(socket, json.dumps({"subscribe": f"upload:{topic}", "unsubscribe": "x"}))
        await send(store, form(part("a.img", IMAGE)), X_Upload_Id="plain")
        await send(store, form(part("g.img.xz", XZ(IMAGE))), X_Upload_Id="gone")
        await send(store, form(part("c.img.xz", XZ(IMAGE))), X_Upload_Id="xz")
        compressed = await frames_until(socket, "complete", "error")
        await send(store, form(part("a.tar.gz", FORMATS[".tar.gz"](GOOD))), X_Upload_Id="tar")
        archive = await frames_until(socket, "complete", "error")
        await send(store, form(part("b.img.xz", IMAGE)), X_Upload_Id="bad")
        broken = await frames_until(socket, "complete", "error")
        await send(store, form(part("x.iso", IMAGE)), X_Upload_Id="name")
        unknown = await frames_until(socket, "complete", "error")
        serving.cancel()
    assert compressed[0] == {"phase": "decompressing", "bytes_written": 0}
    assert compressed[-1] == {"phase": "complete"}
    assert archive[0] == {"phase": "extracting", "bytes_written": 0, "current_entry": ""}
    assert archive[-1] == {"phase": "complete"}
    assert broken[-1]["message"].startswith("Failed to decompress image")
    assert unknown[-1]["message"].startswith("Unsupported file type")
