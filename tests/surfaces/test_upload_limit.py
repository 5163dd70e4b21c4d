"""The setting `upload_limit_megabytes`."""

from pathlib import Path

import pytest

from tests.surfaces.conftest import running

STORE = "srv/rpi-sb-provisioner/images"


@pytest.mark.parametrize(("size", "status"), [(999_000, 200), (1_000_001, 413)])
async def test_an_upload_beyond_the_limit_is_refused_and_leaves_nothing(
    tmp_path: Path, size: int, status: int
) -> None:
    async with running(tmp_path, upload_limit_megabytes=1) as service:
        files = {"image": ("a.img", b"\x11" * size)}
        answer = await service.client.post("/upload-image", files=files)
        assert answer.status_code == status
        assert [path.name for path in (tmp_path / STORE).glob("a.img")] == ["a.img"] * (
            status == 200
        )
        if status == 413:
            assert answer.json()["error_code"] == "UPLOAD_TOO_LARGE"
            assert list((tmp_path / STORE).iterdir()) == []
