"""The settings of uploads, and what other sites' pages may know of them."""

from pathlib import Path

from domain.uploads.sniffing import Content
from tests.domain.uploads.packing import PACKERS
from tests.surfaces.image_store import running_store
from tests.surfaces.upload_forms import stored, upload


async def test_the_limit_counts_before_and_after_unpacking(tmp_path: Path) -> None:
    async with running_store(tmp_path, upload_limit_megabytes=1) as service:
        before = stored(service)
        small = PACKERS[Content.ZSTD][1](bytes(2_000_000))
        for name, content in (("large.img", bytes(1_100_000)), ("large.img.zst", small)):
            status, body = await upload(service, name, content)
            assert (status, body["error_code"]) == (413, "UPLOAD_TOO_LARGE")
        options = await service.client.options("/uploads/")
        assert stored(service) == before
    assert options.headers["tus-max-size"] == "1000000"


async def test_pages_of_an_allowed_origin_may_send_and_go_on(tmp_path: Path) -> None:
    origin = "https://mes.example"
    async with running_store(tmp_path, allowed_origins=(origin,)) as service:
        asked = await service.client.options("/uploads/", headers={"Origin": origin})
        foreign = await service.client.options("/uploads/", headers={"Origin": "https://x.example"})
    assert asked.headers["access-control-allow-origin"] == origin
    assert "PATCH" in asked.headers["access-control-allow-methods"]
    assert "Upload-Offset" in asked.headers["access-control-allow-headers"]
    assert "Upload-Offset" in asked.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in foreign.headers
