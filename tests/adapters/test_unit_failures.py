"""The failures of units in `service.db`."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.service_db.database import ServiceDb
from adapters.service_db.unit_failures import StoredUnitFailures
from domain.devices.unit_failures import UnitFailure, UnitFailures
from domain.host_paths import HostPaths
from tests.fakes.unit_failures import FakeUnitFailures

AT = datetime(2026, 8, 1, 10, 0, 0, 123456, tzinfo=UTC)
FAILURE = UnitFailure("a0b0c0d0", 7, AT, "rpi-sb-triage@x.service", "exit-code", 3, AT)
NAMELESS = UnitFailure("port:1-1/2", -7, None, "rpi-sb-bootstrap@x.service", "timeout", None, None)


@pytest.fixture(params=["fake", "real"])
async def failures(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[UnitFailures]:
    if request.param == "fake":
        yield FakeUnitFailures()
        return
    database = ServiceDb(HostPaths(tmp_path))
    yield StoredUnitFailures(database)
    await database.aclose()


async def test_what_is_kept_comes_back_as_it_was(failures: UnitFailures) -> None:
    await failures.add(FAILURE)
    await failures.add(NAMELESS)
    assert set(await failures.all()) == {FAILURE, NAMELESS}


async def test_a_second_failure_of_a_run_takes_the_place_of_the_first(
    failures: UnitFailures,
) -> None:
    again = UnitFailure(FAILURE.board, FAILURE.run, AT, FAILURE.unit, "signal", 9, None)
    await failures.add(FAILURE)
    await failures.add(again)
    assert list(await failures.all()) == [again]
