"""The name that people gave to this station, kept in `service.db`."""

from adapters.service_db.database import ServiceDb

KEY = "station-name"


class StoredStationName:
    """Satisfies `domain.station.StationNames`. Both raise `ServiceDbUnavailable`."""

    def __init__(self, database: ServiceDb) -> None:
        self._database = database

    async def get(self) -> str | None:
        """Returns the name, None when none was given."""
        return await self._database.run(_read)

    async def set(self, name: str) -> None:
        """Keeps the name; it is on the disk when this returns."""
        await self._database.run(lambda: _write(name))


async def _read() -> str | None:
    from adapters.service_db.models import Preference

    found = await Preference.get_or_none(key=KEY)
    return None if found is None else found.value


async def _write(name: str) -> None:
    from adapters.service_db.models import Preference

    await Preference.update_or_create(key=KEY, defaults={"value": name})
