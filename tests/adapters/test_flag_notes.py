"""Who set which flag: the same answers from the database and from the fake."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.service_db.database import ServiceDb, ServiceDbUnavailable
from adapters.service_db.flag_notes import MOST_NAMED, StoredFlagNotes
from domain.devices.flag_notes import FlagNote, FlagNotes
from domain.host_paths import HostPaths
from tests.fakes.device_files import FakeFlagNotes

NOTE = FlagNote("Größe 'ß'", datetime(2026, 8, 1, 12, 30, 15, 123456, tzinfo=UTC), "1:2:3")
PLACE = "skip-eeprom/a0b0c0d0"


@pytest.fixture(params=["stored", "fake"])
async def notes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FlagNotes]:
    if request.param == "fake":
        yield FakeFlagNotes()
        return
    database = ServiceDb(HostPaths(tmp_path))
    yield StoredFlagNotes(database)
    await database.aclose()


async def test_a_note_is_found_as_it_was_kept(notes: FlagNotes) -> None:
    await notes.keep(PLACE, NOTE)
    assert await notes.find([PLACE, "skip-eeprom/other"]) == {PLACE: NOTE}


async def test_the_last_note_of_a_place_counts(notes: FlagNotes) -> None:
    later = FlagNote("ben", NOTE.set_at, "4:5:6")
    await notes.keep(PLACE, NOTE)
    await notes.keep(PLACE, later)
    assert await notes.find([PLACE]) == {PLACE: later}


async def test_a_dropped_note_is_gone(notes: FlagNotes) -> None:
    await notes.keep(PLACE, NOTE)
    await notes.drop([PLACE, "skip-eeprom/never"])
    assert await notes.find([PLACE]) == {}


async def test_many_places_may_be_asked_for_at_once(notes: FlagNotes) -> None:
    places = [f"skip-eeprom/{number:08x}" for number in range(2 * MOST_NAMED + 1)]
    await notes.keep(places[-1], NOTE)
    assert await notes.find(places) == {places[-1]: NOTE}
    await notes.drop(places)
    assert await notes.find([]) == await notes.find(places) == {}


async def test_a_database_that_fails_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "srv/rpi-sb-provisioner/service.db").mkdir(parents=True)
    database = ServiceDb(HostPaths(tmp_path))
    with pytest.raises(ServiceDbUnavailable):
        await StoredFlagNotes(database).keep(PLACE, NOTE)
    await database.aclose()
