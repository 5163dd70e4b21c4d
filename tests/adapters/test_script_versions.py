"""Versions of scripts: the same answers from the database and from the fake."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.service_db.database import ServiceDb, ServiceDbUnavailable
from adapters.service_db.script_versions import StoredVersions
from domain.customisation.versions import ScriptVersion, ScriptVersions, VersionOrigin
from domain.host_paths import HostPaths
from tests.fakes.script_versions import FakeVersions

AT = datetime(2026, 8, 1, 12, 30, 15, 123456, tzinfo=UTC)
FILE = "sb-provisioner-post-flash.sh"
SAVED = ScriptVersion(0, FILE, "ab" * 32, 3, AT, "Größe 'ß'", VersionOrigin.SAVED)
FOUND = ScriptVersion(0, FILE, "cd" * 32, 2, AT, None, VersionOrigin.FOUND)


@pytest.fixture(params=["stored", "fake"])
async def versions(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ScriptVersions]:
    if request.param == "fake":
        yield FakeVersions()
        return
    database = ServiceDb(HostPaths(tmp_path))
    yield StoredVersions(database)
    await database.aclose()


async def test_versions_are_listed_newest_first_and_found_as_they_were(
    versions: ScriptVersions,
) -> None:
    await versions.add(SAVED, b"\0\xff\n", most=20)
    await versions.add(FOUND, b"", most=20)
    await versions.add(ScriptVersion(0, "b.sh", "", 0, AT, None, VersionOrigin.FOUND), b"", most=1)
    newest, oldest = await versions.list_of(FILE)
    assert (newest.sha256, newest.kept_by, newest.origin) == ("cd" * 32, None, VersionOrigin.FOUND)
    found = await versions.find(FILE, oldest.id)
    assert found is not None
    assert (found.version, found.content) == (oldest, b"\0\xff\n")
    assert (oldest.kept_at, oldest.kept_by, oldest.size_bytes) == (AT, "Größe 'ß'", 3)
    assert newest.id > oldest.id


async def test_only_the_newest_of_each_script_stay(versions: ScriptVersions) -> None:
    other = ScriptVersion(0, "b.sh", "", 0, AT, None, VersionOrigin.FOUND)
    await versions.add(other, b"", most=3)
    for number in range(6):
        await versions.add(SAVED, bytes([number]), most=3)
    kept = await versions.list_of(FILE)
    contents = [(await versions.find(FILE, version.id)) for version in kept]
    assert [found.content for found in contents if found] == [b"\5", b"\4", b"\3"]
    assert len(await versions.list_of("b.sh")) == 1


@pytest.mark.parametrize("id", [0, -1, 99, 2**63, -(2**70)])
async def test_what_is_not_there_is_not_found(versions: ScriptVersions, id: int) -> None:
    await versions.add(SAVED, b"", most=20)
    assert await versions.find(FILE, id) is None
    assert await versions.find("other.sh", 1) is None
    assert await versions.list_of("other.sh") == []


async def test_a_database_that_fails_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "srv/rpi-sb-provisioner/service.db").mkdir(parents=True)
    database = ServiceDb(HostPaths(tmp_path))
    with pytest.raises(ServiceDbUnavailable):
        await StoredVersions(database).add(SAVED, b"", most=20)
    await database.aclose()
