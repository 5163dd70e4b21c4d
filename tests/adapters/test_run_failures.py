"""What spoke against runs, in `service.db`."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.service_db.database import ServiceDb
from adapters.service_db.run_failures import StoredRunFailures
from domain.devices.run_failures import RunFailure, RunFailures
from domain.devices.status import Cause
from domain.host_paths import HostPaths
from tests.fakes.run_failures import FakeRunFailures

AT = datetime(2026, 8, 1, 10, 0, 0, 123456, tzinfo=UTC)
FAILURE = RunFailure("a0b0c0d0", 7, AT, "rpi-sb-triage@x.service", "exit-code", 3, AT)
DENIED = RunFailure("a0b0c0d0", 9, AT, "", "", None, AT, Cause.NOT_SECURE)
NAMELESS = RunFailure("port:1-1/2", -7, None, "rpi-sb-bootstrap@x.service", "timeout", None, None)


@pytest.fixture(params=["fake", "real"])
async def failures(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RunFailures]:
    if request.param == "fake":
        yield FakeRunFailures()
        return
    database = ServiceDb(HostPaths(tmp_path))
    yield StoredRunFailures(database)
    await database.aclose()


async def test_what_is_kept_comes_back_as_it_was(failures: RunFailures) -> None:
    await failures.add(FAILURE)
    await failures.add(NAMELESS)
    await failures.add(DENIED)
    assert set(await failures.all()) == {FAILURE, NAMELESS, DENIED}


async def test_what_is_disproved_is_forgotten(failures: RunFailures) -> None:
    await failures.add(DENIED)
    await failures.add(FAILURE)
    await failures.remove(DENIED.board, DENIED.run)
    await failures.remove("nobody", 1)
    assert list(await failures.all()) == [FAILURE]


async def test_a_second_failure_of_a_run_takes_the_place_of_the_first(
    failures: RunFailures,
) -> None:
    again = RunFailure(FAILURE.board, FAILURE.run, AT, FAILURE.unit, "signal", 9, None)
    await failures.add(FAILURE)
    await failures.add(again)
    assert list(await failures.all()) == [again]
