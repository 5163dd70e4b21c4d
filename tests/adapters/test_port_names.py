"""Names of ports: the same contract for the fake and for `service.db`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.service_db.database import ServiceDb, ServiceDbUnavailable
from adapters.service_db.port_names import StoredPortNames
from domain.devices.port_names import PortNames
from domain.host_paths import HostPaths
from tests.fakes.usb import FakePortNames


@pytest.fixture(params=["fake", "stored"])
async def names(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PortNames]:
    database = ServiceDb(HostPaths(tmp_path))
    yield FakePortNames() if request.param == "fake" else StoredPortNames(database)
    await database.aclose()


async def test_at_first_no_port_has_a_name(names: PortNames) -> None:
    assert await names.all() == {}


async def test_a_name_is_kept_changed_and_taken_away(names: PortNames) -> None:
    await names.set("1-1.4", "Head A")
    await names.set("1-2", "Kopf ä")
    await names.set("1-1.4", "Head B")
    assert await names.all() == {"1-1.4": "Head B", "1-2": "Kopf ä"}
    await names.set("1-1.4", "")
    await names.set("3-1", "")
    assert await names.all() == {"1-2": "Kopf ä"}


async def test_names_are_there_after_the_database_was_opened_anew(tmp_path: Path) -> None:
    for expected in ({}, {"1-1": "Head A"}):
        database = ServiceDb(HostPaths(tmp_path))
        names = StoredPortNames(database)
        assert await names.all() == expected
        await names.set("1-1", "Head A")
        await database.aclose()


async def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "srv/rpi-sb-provisioner/service.db").mkdir(parents=True)
    names = StoredPortNames(ServiceDb(HostPaths(tmp_path)))
    with pytest.raises(ServiceDbUnavailable):
        await names.all()
    with pytest.raises(ServiceDbUnavailable):
        await names.set("1-1", "Head A")
