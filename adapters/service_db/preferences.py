"""One text that is kept in `service.db` under a word of this service."""

from adapters.service_db.database import ServiceDb


class StoredPreference:
    """Satisfies `domain.station.StationNames` and `domain.configuration.workdir.KeptInputs`. Both
    methods raise `ServiceDbUnavailable`."""

    def __init__(self, database: ServiceDb, key: str) -> None:
        self._database = database
        self._key = key

    async def get(self) -> str | None:
        """Returns the text, None when none was kept."""
        return await self._database.run(lambda: _read(self._key))

    async def set(self, text: str) -> None:
        """Keeps the text; it is on the disk when this returns."""
        await self._database.run(lambda: _write(self._key, text))


async def _read(key: str) -> str | None:
    from adapters.service_db.models import Preference

    found = await Preference.get_or_none(key=key)
    return None if found is None else found.value


async def _write(key: str, text: str) -> None:
    from adapters.service_db.models import Preference

    await Preference.update_or_create(key=key, defaults={"value": text})
