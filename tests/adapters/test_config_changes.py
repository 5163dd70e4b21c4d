from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.service_db.config_changes import StoredConfigChanges
from adapters.service_db.database import ServiceDb
from domain.configuration.history import ConfigChange, KeptChanges
from domain.configuration.last_seen import Alteration
from domain.host_paths import HostPaths
from domain.paging import PageRequest
from tests.fakes.config_changes import FakeKeptChanges

NOON = datetime(2026, 8, 1, 12, 0, 0, 123456, tzinfo=UTC)
ALL = PageRequest(50, None, backwards=False)


def change(number: int, *, undoes: int | None = None) -> ConfigChange:
    return ConfigChange(
        id=0,
        at=NOON + timedelta(minutes=number),
        caller="anna",
        role="engineer",
        address="10.0.0.7",
        surface="graphql",
        undoes=undoes,
        alterations=(
            Alteration("RPI_CONNECT_DESCRIPTION", 'it\'s "ü"', f"new\t{number}"),
            Alteration("RPI_CONNECT_API_KEY", "", "", is_secret=True),
        ),
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[ServiceDb]:
    database = ServiceDb(HostPaths(tmp_path))
    yield database
    await database.aclose()


class TestContract:
    """What every `KeptChanges` does."""

    @pytest.fixture(params=["fake", "real"])
    def changes(self, request: pytest.FixtureRequest, database: ServiceDb) -> KeptChanges:
        return FakeKeptChanges() if request.param == "fake" else StoredConfigChanges(database)

    async def test_a_change_comes_back_as_it_was_with_its_number(
        self, changes: KeptChanges
    ) -> None:
        first = await changes.add(change(1))
        second = await changes.add(change(2, undoes=first.id))
        assert second.id > first.id > 0
        assert list(await changes.read(ALL)) == [second, first]
        assert await changes.find(first.id) == first
        assert await changes.count() == 2

    @pytest.mark.parametrize("number", [0, -1, 77, 2**63, 10**30])
    async def test_what_is_not_there_is_not_found(self, changes: KeptChanges, number: int) -> None:
        await changes.add(change(1))
        assert await changes.find(number) is None

    async def test_a_page_holds_one_more_and_begins_at_its_edge(self, changes: KeptChanges) -> None:
        ids = [(await changes.add(change(number))).id for number in range(5)]
        for request, expected in (
            (PageRequest(2, None, backwards=False), ids[:1:-1]),
            (PageRequest(2, (ids[2],), backwards=False), ids[1::-1]),
            (PageRequest(2, (ids[2],), backwards=True), ids[3:]),
        ):
            assert [one.id for one in await changes.read(request)] == expected


async def test_long_names_of_callers_are_cut(database: ServiceDb) -> None:
    from dataclasses import replace

    stored = StoredConfigChanges(database)
    kept = await stored.add(replace(change(1), caller="x" * 5000, address="y" * 5000))
    found = await stored.find(kept.id)
    assert found is not None
    assert (found.caller, found.address) == ("x" * 255, "y" * 255)
