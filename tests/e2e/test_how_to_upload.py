"""docs/uploads.md, followed to the letter on the demo, only with smaller files."""

import asyncio
import hashlib
import json
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.e2e.demo import Demo
from tests.surfaces.repository import ROOT

TEXT = (ROOT / "docs/uploads.md").read_text()
BLOCKS = ["".join(found) for found in re.findall(r"(?<=\n\n)((?: {4}.*\n)+)", TEXT)]
SMALLER = {"60M": "3M", "200M": "8M", "10M ": "1M "}


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with Demo(tmp_path) as started:
        yield started


def block(start: str) -> str:
    """Returns the block of the document that begins so."""
    [found] = [text for text in BLOCKS if text.strip().startswith(start)]
    return found


def run(demo: Demo, command: str) -> str:
    """Runs a block of the document as a reader would, and returns what it printed."""
    for size, smaller in SMALLER.items():
        command = command.replace(size, smaller)
    command = command.replace("http://127.0.0.1:3142", demo.base)
    done = subprocess.run(
        ["sh", "-euc", command], cwd=demo.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def until_complete(frames: AsyncIterator[Any]) -> list[Any]:
    """Returns what a subscription told of the upload, up to its end."""
    seen: list[Any] = []
    async for data in frames:
        seen += data["uploadProgress"]["uploads"]
        if seen and seen[-1]["phase"] == "COMPLETE":
            return seen
    raise AssertionError(seen)


async def legacy(demo: Demo) -> list[Any]:
    """Returns the messages of the old socket, up to the upload's end."""
    _, message = block(".venv/bin/python -m websockets").strip().splitlines()
    seen: list[Any] = []
    async with connect(f"ws{demo.base[4:]}/ws/progress") as socket:
        await socket.send(message.strip())
        while not seen or seen[-1].get("phase") != "complete":
            seen.append(json.loads(await socket.recv()))
    return seen


@pytest.mark.timeout(120)
async def test_a_newcomer_uploads_and_watches(demo: Demo) -> None:
    run(demo, block("head -c"))
    async with (
        asyncio.timeout(60),
        demo.subscribed(block("subscription")) as frames,
        asyncio.TaskGroup() as group,
    ):
        watching = group.create_task(until_complete(frames))
        old = group.create_task(legacy(demo))
        told = await asyncio.to_thread(run, demo, block("curl --limit-rate"))
    answer, seen = json.loads(told), watching.result()
    sha256 = hashlib.sha256((demo.folder / "demo.img").read_bytes()).hexdigest()
    assert (answer["filename"], answer["sha256"]) == ("demo.img", sha256)
    received = [one["receivedBytes"] for one in seen]
    assert received == sorted(received)
    assert len({0, *received}) > 2
    assert seen[-1]["image"] == "demo.img"
    assert seen[-1]["writtenBytes"] == 8 << 20
    assert len(old.result()) > 2


@pytest.mark.timeout(120)
async def test_a_resumable_upload_by_hand(demo: Demo) -> None:
    run(demo, block("head -c"))
    told = run(demo, block("at=$(curl"))
    assert json.loads(told.splitlines()[-1])["image"] == "demo.img"
    [mutation] = re.findall(r"`(mutation [^`]*)`", TEXT)
    assert demo.graphql(mutation)["beginUpload"]["address"].startswith("/uploads/")
