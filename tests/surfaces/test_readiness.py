"""Whether the next board can be made, as the query `readiness` says it."""

from pathlib import Path
from typing import Any

from tests.domain.firmware.tree import build_tree
from tests.surfaces.conftest import Service, running
from tests.surfaces.image_store import running_store

QUERY = (
    "{ readiness { ready summary checks { topic outcome } "
    "findings { topic outcome because remedy variables } } }"
)


async def _asked(service: Service) -> Any:
    return (await service.graphql(QUERY))["data"]["readiness"]


def _topics(answer: Any) -> dict[str, str]:
    return {check["topic"]: check["outcome"] for check in answer["checks"]}


async def test_an_empty_station_is_not_ready_and_says_why(empty_service: Service) -> None:
    answer = await _asked(empty_service)
    assert answer["ready"] is False
    assert answer["summary"].startswith("Not ready: ")
    assert _topics(answer)["SETTINGS"] == _topics(answer)["IMAGE"] == "FAILED"
    named = {name for finding in answer["findings"] for name in finding["variables"]}
    assert {"PROVISIONING_STYLE", "RPI_DEVICE_FAMILY", "GOLD_MASTER_OS_FILE"} <= named
    assert all(finding["remedy"] for finding in answer["findings"])


async def test_without_systemd_it_is_told_that_nobody_knows(tmp_path: Path) -> None:
    async with running(build_tree(tmp_path).root) as service:
        assert _topics(await _asked(service))["UNITS"] == "UNKNOWN"


async def test_firmware_follows_the_disk_at_once(tmp_path: Path) -> None:
    tree = build_tree(tmp_path)
    async with running(tree.root) as service:
        assert _topics(await _asked(service))["FIRMWARE"] == "FAILED"
        tree.release("2712", "latest", "2026-07-02")
        assert _topics(await _asked(service))["FIRMWARE"] == "PASSED"


async def test_an_image_that_is_none_stops_boards_with_its_own_reason(tmp_path: Path) -> None:
    async with running_store(tmp_path) as service:
        found = [one for one in (await _asked(service))["findings"] if one["topic"] == "IMAGE"]
        assert found[0]["outcome"] == "FAILED"
        assert {name for one in found for name in one["variables"]} == {"GOLD_MASTER_OS_FILE"}
        told = await service.graphql(
            '{ image(name: "gold.img") { goldMasterPreflight { findings { because } } } }'
        )
        reasons = {
            one["because"] for one in told["data"]["image"]["goldMasterPreflight"]["findings"]
        }
        assert {one["because"] for one in found} <= reasons


async def test_asking_changes_nothing_and_is_written_down_once(empty_service: Service) -> None:
    before = _files(empty_service)
    await _asked(empty_service)
    rows = [row for row in await empty_service.audit_rows() if "readiness" in row["handler_path"]]
    assert len(rows) == 1
    assert _files(empty_service) == before


def _files(service: Service) -> set[Path]:
    """Returns all files but the databases that the service keeps for itself."""
    found = {path for path in service.root.rglob("*") if path.is_file()}
    return {path for path in found if not path.name.startswith(("audit.db", "service.db"))}
