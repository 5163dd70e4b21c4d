from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.service_db.database import ServiceDb, ServiceDbUnavailable
from adapters.service_db.qr_scans import StoredScans
from domain.host_paths import HostPaths
from domain.paging import PageRequest
from domain.verification.scans import EVERY_SCAN, LabelProblem, Scan, ScanFilter, Scans
from tests.fakes.scans import FakeScans

NOON = datetime(2026, 8, 1, 12, 0, 0, 123456, tzinfo=UTC)
ALL = PageRequest(50, None, backwards=False)


def scan(number: int, *problems: LabelProblem, caller: str = "anna") -> Scan:
    return Scan(
        id=0,
        at=NOON + timedelta(minutes=number),
        code=f"código\0{number}",
        problems=problems,
        record_id=None if problems else number,
        serial=None if problems else f"{number:08x}",
        caller=caller,
        role="operator",
        address="10.0.0.7",
        surface="graphql",
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[ServiceDb]:
    database = ServiceDb(HostPaths(tmp_path))
    yield database
    await database.aclose()


class TestContract:
    """What every `Scans` does."""

    @pytest.fixture(params=["fake", "real"])
    def scans(self, request: pytest.FixtureRequest, database: ServiceDb) -> Scans:
        return FakeScans() if request.param == "fake" else StoredScans(database)

    async def test_a_scan_comes_back_as_it_was_with_its_number(self, scans: Scans) -> None:
        first = await scans.add(scan(1))
        second = await scans.add(scan(2, LabelProblem.UNKNOWN))
        assert second.id > first.id > 0
        assert list(await scans.read(EVERY_SCAN, ALL)) == [second, first]
        assert second.exists is False

    async def test_a_page_holds_one_more_and_begins_at_its_edge(self, scans: Scans) -> None:
        kept = [await scans.add(scan(number)) for number in range(5)]
        ids = [one.id for one in kept]
        for request, expected in (
            (PageRequest(2, None, backwards=False), ids[:1:-1]),
            (PageRequest(2, (ids[2],), backwards=False), ids[1::-1]),
            (PageRequest(2, (ids[2],), backwards=True), ids[3:]),
            (PageRequest(1, None, backwards=True), ids[:2]),
            (PageRequest(2, (2**70,), backwards=False), ids[:1:-1]),
        ):
            found = await scans.read(EVERY_SCAN, request)
            assert [one.id for one in found] == expected

    @pytest.mark.parametrize(
        ("wanted", "numbers"),
        [
            (ScanFilter(code="código\0" + "2"), [2]),
            (ScanFilter(caller="bert"), [3]),
            (ScanFilter(exists=False), [1]),
            (ScanFilter(faultless=True), [0, 3]),
            (ScanFilter(faultless=False), [1, 2]),
            (ScanFilter(since=NOON + timedelta(minutes=2)), [2, 3]),
            (ScanFilter(until=NOON + timedelta(minutes=2)), [0, 1]),
            (ScanFilter(exists=True, caller="anna"), [0, 2]),
        ],
    )
    async def test_filters_narrow(
        self, scans: Scans, wanted: ScanFilter, numbers: list[int]
    ) -> None:
        await scans.add(scan(0))
        await scans.add(scan(1, LabelProblem.UNKNOWN))
        await scans.add(scan(2, LabelProblem.DUPLICATE, LabelProblem.NOT_SECURE))
        await scans.add(scan(3, caller="bert"))
        found = await scans.read(wanted, ALL)
        assert [one.at for one in found] == [scan(number).at for number in reversed(numbers)]
        assert await scans.count(wanted) == len(numbers)


async def test_a_database_that_cannot_be_used_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "srv").write_text("no folder")
    database = ServiceDb(HostPaths(tmp_path))
    with pytest.raises(ServiceDbUnavailable):
        await StoredScans(database).add(scan(1))
    await database.aclose()
