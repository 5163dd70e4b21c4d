"""docs/sockets.md says what sockets and subscriptions really do."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from strawberry.http import async_base_view
from strawberry.subscriptions.protocols.graphql_transport_ws import handlers

import rest_compat.sockets
import rest_compat.talk
import schema.sockets
from domain.uploads.kinds import UploadKind
from domain.uploads.progress import Upload, UploadPhase
from resolvers.operation import REGISTERED
from rest_compat.images.progress_sockets import frame
from rest_compat.routes import SOCKETS
from rest_compat.sockets import CLOSE_CODES as LEGACY_CODES
from rest_compat.sockets import SocketRoute
from schema.close_codes import CLOSE_CODES
from server.live_documentation import sockets, subscriptions
from tests.surfaces.conftest import Service, running
from tests.surfaces.documented_paths import DOCUMENTED_SOCKETS
from tests.surfaces.repository import ROOT
from tests.surfaces.test_story import Socket

PAGE = sockets()
PROGRESS = "/ws/progress"


def _source(*modules: Any) -> str:
    return "".join(Path(module.__file__).read_text("utf-8") for module in modules)


def test_every_subscription_is_there_with_the_role_of_its_watch() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w-]+) \|", PAGE, re.MULTILINE))
    assert set(rows) == set(subscriptions())
    for name, role in rows.items():
        needed = {p.role.words for p in REGISTERED.values() if p.graphql == f"Subscription.{name}"}
        assert role in needed


def test_every_legacy_socket_is_there_with_its_frames() -> None:
    paths = re.findall(r"^### `(\S+)`$", PAGE, re.MULTILINE)
    assert paths == sorted(socket.path for socket in SOCKETS)
    assert set(paths) <= DOCUMENTED_SOCKETS
    assert [socket.path for socket in SOCKETS if not socket.tells] == []


def test_every_close_code_of_graphql_is_there() -> None:
    source = _source(handlers, async_base_view, schema.sockets)
    used = {int(code) for code in re.findall(r"close\((?:code=)?(4\d{3})\b", source)}
    assert {schema.sockets.GOING_AWAY, schema.sockets.STALLED, schema.sockets.FAILED} < set(
        CLOSE_CODES
    )
    assert used - {4500} == {code for code in CLOSE_CODES if 4000 <= code < 4500}


def test_what_the_transport_itself_closes_with_is_there() -> None:
    assert 1009 in CLOSE_CODES
    assert all(f"{code} " in PAGE for code in (1002, 1007, 1011))
    assert "text/plain" in PAGE


def test_every_close_code_of_the_legacy_sockets_is_there() -> None:
    source = _source(rest_compat.sockets, rest_compat.talk)
    named = set(re.findall(r"\.end\(([A-Z_]+)", source))
    assert named == {"DONE", "GOING_AWAY", "STALLED", "FAILED", "TOO_LONG"}
    assert set(LEGACY_CODES) == {1000, 1001, 1008, 1009, 1011}


@asynccontextmanager
async def opened(service: Service, path: str) -> AsyncIterator[Socket]:
    socket = Socket(service)
    serving = asyncio.create_task(socket.run([], path=path))
    assert (await socket.next())["type"] == "websocket.accept"
    yield socket
    await socket.sent.put({"type": "websocket.disconnect", "code": 1000})
    await asyncio.wait_for(serving, 5)


def questions(socket: SocketRoute) -> list[str]:
    asked = [text.replace("<name>", name) for text in socket.asks for name in ("none.img", "a.img")]
    return [*asked, "{"] if asked else []


ASKED = [socket for socket in SOCKETS if socket.path != PROGRESS]


@pytest.mark.parametrize("route", ASKED, ids=lambda route: route.path)
async def test_what_a_socket_tells_has_only_documented_members(
    route: SocketRoute, tmp_path: Path
) -> None:
    image = tmp_path / "srv/rpi-sb-provisioner/images/a.img"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"a")
    frames: list[set[str]] = []
    async with running(tmp_path) as service, opened(service, route.path) as socket:
        said = questions(route)
        for text in said:
            await socket.send(orjson.loads(text)) if text != "{" else await socket.sent.put(
                {"type": "websocket.receive", "text": text}
            )
            frames.append(set(await socket.frame()))
        if not said:
            frames.append(set(await socket.frame()))
    documented = [set(told.members) for told in route.tells]
    assert frames
    assert [frame for frame in frames if not any(frame <= members for members in documented)] == []


@pytest.mark.parametrize("kind", list(UploadKind))
@pytest.mark.parametrize("phase", list(UploadPhase))
def test_what_is_told_of_an_upload_has_only_documented_members(
    kind: UploadKind, phase: UploadPhase
) -> None:
    route = next(socket for socket in SOCKETS if socket.path == PROGRESS)
    told = frame(Upload("1", "a.img", kind, phase, datetime(2026, 8, 1, tzinfo=UTC)))
    assert told is None or set(told) in [set(each.members) for each in route.tells]


def test_the_index_has_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text("utf-8")
    linked = set(re.findall(r"\]\(([\w./-]+)\)", index))
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages <= linked
    assert all((ROOT / "docs" / target).exists() for target in linked)
