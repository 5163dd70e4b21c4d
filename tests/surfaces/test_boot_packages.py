"""Boot packages through both surfaces and the legacy WebSocket (contract images 8, 9.2)."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from domain.caller import Role
from server.running import build_application
from server.settings import Settings, Token
from server.wiring.station import open_station
from tests.domain.images.packages import DEB, DEFAULT_NAME, put_package
from tests.fakes.units import Ending, FakeUnits
from tests.surfaces.conftest import Service, running
from tests.surfaces.image_store import GOLD, STORE, build_store, subscribed
from tests.surfaces.test_live_sockets import opened
from tests.surfaces.test_story import Socket

UNIT = "rpi-sb-image-bootimg-generator@gold.img.service"
PACKAGE = "state reason package { name path version sizeBytes isCurrent url }"
STATE = f"query($name: String!) {{ image(name: $name) {{ bootPackage {{ {PACKAGE} }} }} }}"
GENERATE = (
    "mutation($name: String!) { generateBootPackage(input: {name: $name}) "
    f"{{ ... on BootPackage {{ {PACKAGE} }} ... on Problem {{ code detail status }} }} }}"
)


@dataclass(frozen=True)
class Bench:
    """A service over a store, and the units that it starts."""

    service: Service
    units: FakeUnits
    images: Path

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        return await self.service.client.get(path, headers=headers)

    async def info(self) -> Any:
        return (await self.get(f"/get-boot-package-info?name={GOLD}")).json()

    async def state(self) -> Any:
        told = await self.service.graphql(STATE, name=GOLD)
        return told["data"]["image"]["bootPackage"]

    async def set_style(self, style: str) -> None:
        await self.service.station.configuration.update({"PROVISIONING_STYLE": style})


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    images = build_store(tmp_path)
    with (tmp_path / "etc/rpi-sb-provisioner/config").open("a") as config:
        config.write("PROVISIONING_STYLE=secure-boot\n")
    template = "rpi-sb-image-bootimg-generator@.service"
    units = FakeUnits(datetime(2026, 8, 1, tzinfo=UTC), {template: Ending()}, holds=True)
    settings = Settings(root=tmp_path)
    async with AsyncExitStack() as stack:
        station = await open_station(settings, stack, simulated_units=units)
        application = build_application(station, settings)
        transport = httpx2.ASGITransport(application.asgi, client=("127.0.0.1", 5000))
        client = httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:3142")
        await stack.enter_async_context(client)
        async with asyncio.timeout(5):
            while not units.watchers:
                await asyncio.sleep(0.01)
        yield Bench(Service(client, station, application, tmp_path), units, images)


async def test_both_surfaces_tell_of_the_same_package(bench: Bench) -> None:
    missing = (await bench.info(), await bench.state())
    put_package(bench.images, "gold")
    info, state = await bench.info(), await bench.state()
    assert missing[0] == {
        "image_name": GOLD,
        "exists": False,
        "status": "not_found",
        "generating": False,
    }
    assert (missing[1]["state"], missing[1]["package"]) == ("NOT_FOUND", None)
    assert info == {
        "image_name": GOLD,
        "exists": True,
        "status": "available",
        "generating": False,
        "package_name": DEFAULT_NAME,
        "package_path": f"{STORE}/bootimg-output/{DEFAULT_NAME}",
        "version": "0.abcdef012345",
    }
    assert state == {
        "state": "AVAILABLE",
        "reason": None,
        "package": {
            "name": info["package_name"],
            "path": info["package_path"],
            "version": info["version"],
            "sizeBytes": len(DEB),
            "isCurrent": None,
            "url": f"/download-boot-package?name={GOLD}",
        },
    }
    assert (await bench.get(state["package"]["url"])).content == DEB


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_package_is_made_by_the_old_paths(bench: Bench, method: str) -> None:
    answer = await bench.service.client.request(
        method, "/generate-boot-package", params={"name": GOLD}
    )
    assert answer.json() == {
        "success": True,
        "message": f"Boot package generation started for {GOLD}",
        "image_name": GOLD,
    }
    assert bench.units.started == [UNIT]
    assert (await bench.info())["generating"] is True
    rows = [row for row in await bench.service.audit_rows() if row["event_type"] == "FILE_ACCESS"]
    assert [(row["operation"], row["target_path"]) for row in rows] == [
        ("GENERATE_BOOT_PACKAGE", f"{STORE}/{GOLD}")
    ]


async def test_progress_is_told_over_graphql_until_it_is_there(bench: Bench) -> None:
    query = (
        f'subscription {{ bootPackageProgress(name: "{GOLD}") '
        f"{{ sequence snapshot bootPackage {{ {PACKAGE} }} }} }}"
    )
    async with asyncio.TaskGroup() as tasks:
        socket = Socket(bench.service)
        serving = tasks.create_task(socket.run([]))
        await subscribed(socket, query)
        frames = [await _progress(socket)]
        begun = await bench.service.graphql(GENERATE, name=GOLD)
        frames.append(await _progress(socket))
        put_package(bench.images, "gold")
        bench.units.end(UNIT, Ending())
        frames.append(await _progress(socket))
        serving.cancel()
    assert begun["data"]["generateBootPackage"]["state"] == "GENERATING"
    statuses = [frame["bootPackage"]["state"] for frame in frames]
    assert statuses == ["NOT_FOUND", "GENERATING", "AVAILABLE"]
    assert [frame["snapshot"] for frame in frames] == [True, False, False]


async def _progress(socket: Socket) -> Any:
    return (await socket.frame())["payload"]["data"]["bootPackageProgress"]


async def test_the_old_socket_tells_it_too_and_why_it_failed(bench: Bench) -> None:
    async with opened(bench.service, "/ws/boot-package") as socket:
        await socket.send({"action": "check_boot_package", "image_name": GOLD})
        frames = [await socket.frame()]
        await bench.service.graphql(GENERATE, name=GOLD)
        frames.append(await socket.frame())
        bench.units.end(UNIT, Ending("timeout", 15))
        frames.append(await socket.frame())
        put_package(bench.images, "gold")
        await socket.send({"action": "check_boot_package", "image_name": GOLD})
        frames.append(await socket.frame())
    assert frames == [
        {"image_name": GOLD, "exists": False, "status": "not_found"},
        {"image_name": GOLD, "exists": False, "status": "generating"},
        {
            "image_name": GOLD,
            "exists": False,
            "status": "error",
            "error": "The generator took too long and was stopped.",
        },
        {
            "image_name": GOLD,
            "exists": True,
            "status": "available",
            "package_name": DEFAULT_NAME,
        },
    ]
    assert (await bench.state())["state"] == "AVAILABLE"


@pytest.mark.parametrize("text", ["not json", "[1]", "7", "null", '"x"', "{", "\ud800"])
async def test_what_is_no_object_is_told_and_the_talk_goes_on(bench: Bench, text: str) -> None:
    async with opened(bench.service, "/ws/boot-package") as socket:
        await socket.sent.put({"type": "websocket.receive", "text": text})
        assert await socket.frame() == {"error": "Invalid JSON"}
        for ignored in ({"action": "bogus"}, {}, {"action": 7, "image_name": GOLD}):
            await socket.send(ignored)
        await socket.sent.put({"type": "websocket.receive", "bytes": b"\xff"})
        await socket.send({"action": "check_boot_package", "image_name": 7})
        assert (await socket.frame())["error"] == "Missing required parameter: name"
        await socket.send({"action": "check_boot_package", "image_name": GOLD})
        assert (await socket.frame())["status"] == "not_found"


async def test_a_socket_that_leaves_leaves_nothing_behind(bench: Bench) -> None:
    before = bench.service.station.hub.subscribers
    async with opened(bench.service, "/ws/boot-package") as socket:
        for _ in range(3):
            await socket.send({"action": "check_boot_package", "image_name": GOLD})
            await socket.frame()
        assert bench.service.station.hub.subscribers == before + 1
    assert bench.service.station.hub.subscribers == before


async def test_who_asks_again_lets_all_others_know(bench: Bench) -> None:
    ask = {"action": "check_boot_package", "image_name": GOLD}
    async with (
        opened(bench.service, "/ws/boot-package") as first,
        opened(bench.service, "/ws/boot-package") as second,
    ):
        await first.send(ask)
        assert (await first.frame())["status"] == "not_found"
        put_package(bench.images, "gold")
        await second.send(ask)
        assert (await second.frame())["status"] == "available"
        assert (await first.frame())["status"] == "available"


async def test_another_style_has_none_and_makes_none(bench: Bench) -> None:
    put_package(bench.images, "gold")
    await bench.set_style("naked")
    assert await bench.info() == {
        "image_name": GOLD,
        "exists": False,
        "status": "unsupported",
        "generating": False,
    }
    answer = await bench.get(f"/generate-boot-package?name={GOLD}")
    told = await bench.service.graphql(GENERATE, name=GOLD)
    assert (answer.status_code, answer.json()["error_code"]) == (
        400,
        "UNSUPPORTED_PROVISIONING_STYLE",
    )
    assert "(current: naked)" in answer.json()["error"]
    assert told["data"]["generateBootPackage"]["code"] == "UNSUPPORTED_PROVISIONING_STYLE"
    # The style does not matter to what is there (contract images 8.3).
    assert (await bench.get(f"/download-boot-package?name={GOLD}")).status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/get-boot-package-info", 400, "MISSING_PARAMETER"),
        ("/get-boot-package-info?name=", 400, "MISSING_PARAMETER"),
        ("/generate-boot-package", 400, "MISSING_PARAMETER"),
        ("/generate-boot-package?name=nope.img", 404, "IMAGE_NOT_FOUND"),
        ("/generate-boot-package?name=../state.db", 404, "IMAGE_NOT_FOUND"),
        ("/generate-boot-package?name=idp", 400, "BOOT_PACKAGE_NOT_POSSIBLE"),
        ("/download-boot-package", 400, "MISSING_PARAMETER"),
        ("/download-boot-package?name=gold.img", 404, "BOOT_PACKAGE_NOT_FOUND"),
        ("/download-boot-package?name=../state.db", 404, "BOOT_PACKAGE_NOT_FOUND"),
    ],
)
async def test_what_cannot_be_is_told(bench: Bench, path: str, status: int, code: str) -> None:
    answer = await bench.get(path)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert bench.units.started == []


@pytest.mark.parametrize("name", ["../state.db", ".", "nope.img", "folder"])
async def test_the_state_of_no_image_is_not_found(bench: Bench, name: str) -> None:
    answer = await bench.service.client.get("/get-boot-package-info", params={"name": name})
    assert (answer.status_code, answer.json()["status"]) == (200, "not_found")


async def test_a_unit_that_is_not_started_is_503(bench: Bench) -> None:
    bench.units.endings.clear()
    answer = await bench.get(f"/generate-boot-package?name={GOLD}")
    assert (answer.status_code, answer.json()["error_code"]) == (503, "BOOT_PACKAGE_START_ERROR")


@pytest.mark.parametrize(
    ("wanted", "status", "begin", "end"),
    [
        ("bytes=0-7", 206, 0, 8),
        ("bytes=2000-", 206, 2000, len(DEB)),
        ("bytes=-10", 206, len(DEB) - 10, len(DEB)),
        ("bytes=0-1,4-5", 200, 0, len(DEB)),
        ("bytes=9-3", 200, 0, len(DEB)),
        ("lines=1-2", 200, 0, len(DEB)),
    ],
)
async def test_a_range_is_a_part(
    bench: Bench, wanted: str, status: int, begin: int, end: int
) -> None:
    put_package(bench.images, "gold")
    answer = await bench.get(f"/download-boot-package?name={GOLD}", Range=wanted)
    assert (answer.status_code, answer.content) == (status, DEB[begin:end])
    told = answer.headers.get("content-range")
    assert told == (f"bytes {begin}-{end - 1}/{len(DEB)}" if status == 206 else None)
    assert answer.headers["content-type"] == "application/octet-stream"
    attached = f'attachment; filename="{DEFAULT_NAME}"'
    assert answer.headers["content-disposition"] == attached
    assert answer.headers["accept-ranges"] == "bytes"


async def test_any_name_of_a_package_can_be_told(bench: Bench) -> None:
    put_package(bench.images, "gold", name='é"\\ \x01.deb')
    answer = await bench.get(f"/download-boot-package?name={GOLD}")
    assert (answer.status_code, answer.content) == (200, DEB)
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"_____.deb\"; filename*=UTF-8''%C3%A9%22%5C%20%01.deb"
    )


async def test_a_range_behind_the_end_is_416(bench: Bench) -> None:
    put_package(bench.images, "gold")
    answer = await bench.get(f"/download-boot-package?name={GOLD}", Range="bytes=99999-")
    assert (answer.status_code, answer.json()["error_code"]) == (416, "RANGE_NOT_SATISFIABLE")
    assert answer.json()["status"] == 416
    assert answer.headers["content-range"] == f"bytes */{len(DEB)}"


async def test_a_broken_download_goes_on_only_with_the_same_package(bench: Bench) -> None:
    put_package(bench.images, "gold")
    path = f"/download-boot-package?name={GOLD}"
    etag = (await bench.get(path, Range="bytes=0-9")).headers["etag"]
    same = await bench.get(path, **{"Range": "bytes=10-", "If-Range": etag})
    put_package(bench.images, "gold", content=DEB + b"newer")
    other = await bench.get(path, **{"Range": "bytes=10-", "If-Range": etag})
    assert (same.status_code, same.content) == (206, DEB[10:])
    assert (other.status_code, other.content) == (200, DEB + b"newer")


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://x.y"}])
async def test_a_page_of_another_site_starts_nothing_with_a_get(
    bench: Bench, headers: dict[str, str]
) -> None:
    for path in ("/generate-boot-package", "/Generate-Boot-Package", "/generate%2Dboot-package"):
        answer = await bench.get(f"{path}?name={GOLD}", **headers)
        assert (answer.status_code, answer.json()["error_code"]) == (403, "ORIGIN_REFUSED")
    assert bench.units.started == []
    ours = await bench.get(
        f"/generate-boot-package?name={GOLD}", **{"Sec-Fetch-Site": "same-origin"}
    )
    assert ours.status_code == 200


async def test_a_viewer_may_look_and_not_generate(tmp_path: Path) -> None:
    build_store(tmp_path)
    token = Token("mes", Role.VIEWER, hashlib.sha256(b"look").hexdigest())
    headers = {"Authorization": "Bearer look"}
    async with running(tmp_path, tokens=(token,)) as service:
        look = await service.client.get(f"/get-boot-package-info?name={GOLD}", headers=headers)
        make = await service.client.get(f"/generate-boot-package?name={GOLD}", headers=headers)
    assert (look.status_code, make.status_code) == (200, 403)
