"""Who set which flag of a device, kept in `service.db`."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from adapters.service_db.database import ServiceDb
from domain.devices.flag_notes import FlagNote

MOST_NAMED = 500
"""Places in one question: SQLite takes a bounded number of variables."""


class StoredFlagNotes:
    """Satisfies `domain.devices.flag_notes.FlagNotes`. All raise `ServiceDbUnavailable`."""

    def __init__(self, database: ServiceDb) -> None:
        self._database = database

    async def keep(self, place: str, note: FlagNote) -> None:
        """Keeps the note; it is on the disk when this returns."""
        await self._database.run(lambda: _write(place, note))

    async def find(self, places: Sequence[str]) -> Mapping[str, FlagNote]:
        """Returns the notes of those places that have one."""
        return await self._database.run(lambda: _read(places))

    async def drop(self, places: Sequence[str]) -> None:
        """Forgets these notes."""
        await self._database.run(lambda: _delete(places))


async def _write(place: str, note: FlagNote) -> None:
    from adapters.service_db.models import SetFlag

    facts = {"set_by": note.set_by, "set_at": note.set_at.isoformat(), "stamp": note.stamp}
    await SetFlag.update_or_create(place=place, defaults=facts)


async def _read(places: Sequence[str]) -> dict[str, FlagNote]:
    from adapters.service_db.models import SetFlag

    notes: dict[str, FlagNote] = {}
    for some in _portions(places):
        for row in await SetFlag.filter(place__in=some):
            at = datetime.fromisoformat(row.set_at)
            notes[row.place] = FlagNote(row.set_by, at, row.stamp)
    return notes


async def _delete(places: Sequence[str]) -> None:
    from adapters.service_db.models import SetFlag

    for some in _portions(places):
        await SetFlag.filter(place__in=some).delete()


def _portions(places: Sequence[str]) -> list[list[str]]:
    starts = range(0, len(places), MOST_NAMED)
    return [list(places[start : start + MOST_NAMED]) for start in starts]
