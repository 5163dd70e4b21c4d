"""Who changed the configuration is known far below the surface that was asked."""

from pathlib import Path

from domain.paging import PageRequest
from tests.surfaces.conftest import running


async def test_a_change_is_kept_with_its_caller_and_surface(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.client.post("/options/set", json={"RPI_DEVICE_FAMILY": "5"})
        history = service.station.config_history
        page = await history.list_page(PageRequest(5, None, backwards=False), counted=False)
    assert [(one.caller, one.surface) for one in page.items] == [("local", "rest")]
