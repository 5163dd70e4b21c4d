"""What a start of the service does before it answers."""

from pathlib import Path

import pytest

from domain.internal_token import TokenNotWritten
from server.running import keep_token
from tests.surfaces.conftest import running

TARGET = "/run/rpi-sb-provisioner/internal.token"


async def test_a_new_token_for_the_scripts_is_written_down(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await keep_token(service.station)
        rows = await service.audit_rows()
    token = (tmp_path / TARGET.lstrip("/")).read_text().strip()
    told = [(row["operation"], row["target_path"], row["success"]) for row in rows]
    assert told == [("WRITE", TARGET, 1)]
    assert token not in str([tuple(row) for row in rows])


async def test_a_token_that_cannot_be_written_is_written_down_too(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(b"")
    async with running(tmp_path) as service:
        with pytest.raises(TokenNotWritten):
            await keep_token(service.station)
        rows = await service.audit_rows()
    assert [(row["success"], row["additional_info"]) for row in rows] == [
        (0, "INTERNAL_TOKEN_NOT_WRITTEN")
    ]
