"""A running service over a store of a few images."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.surfaces.conftest import Service, running
from tests.surfaces.test_story import Socket

STORE = "/srv/rpi-sb-provisioner/images"
OLD = 1_700_000_000
DIGITS = "ab" * 32
GOLD = "gold.img"


def put(root: Path, name: str, content: bytes) -> Path:
    """Puts a file into the store, of long ago."""
    path = root / STORE.lstrip("/") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (OLD, OLD))
    return path


def build_store(root: Path) -> Path:
    """Puts a gold master and an artefact with sidecars, a bare artefact and what is no image into
    the store; returns its folder."""
    put(root, GOLD, b"gold")
    put(root, f"{GOLD}.sha256", f"{DIGITS}\n".encode())
    put(root, "idp/image.json", b"{}")
    put(root, "idp.sha256", f"{DIGITS}\n".encode())
    put(root, "bare/image.json", b"{}")
    put(root, "folder/notes.txt", b"")
    put(root, ".hidden.img", b"")
    put(root, "bootimg-output/x.json", b"{}")
    config = root / "etc/rpi-sb-provisioner/config"
    config.parent.mkdir(parents=True)
    config.write_text(f"# ours\nGOLD_MASTER_OS_FILE={STORE}/{GOLD}\n")
    return root / STORE.lstrip("/")


@asynccontextmanager
async def running_store(root: Path, **settings: Any) -> AsyncIterator[Service]:
    """Runs a service over a new store."""
    build_store(root)
    async with running(root, **settings) as service:
        yield service


async def subscribed(socket: Socket, query: str) -> None:
    """Opens the socket's only subscription."""
    assert (await socket.next())["type"] == "websocket.accept"
    await socket.send({"type": "connection_init"})
    assert (await socket.frame())["type"] == "connection_ack"
    await socket.send({"id": "1", "type": "subscribe", "payload": {"query": query}})
