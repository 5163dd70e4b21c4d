"""The names that people gave to USB ports, kept in `service.db`."""

from collections.abc import Mapping

from adapters.service_db.database import ServiceDb


class StoredPortNames:
    """Satisfies `domain.devices.port_names.PortNames`. Both raise `ServiceDbUnavailable`."""

    def __init__(self, database: ServiceDb) -> None:
        self._database = database

    async def all(self) -> Mapping[str, str]:
        """Returns every name, by the port's id."""
        return await self._database.run(_read)

    async def set(self, port: str, name: str) -> None:
        """Keeps the port's name, the empty one by forgetting it; on the disk when this returns."""
        await self._database.run(lambda: _write(port, name))


async def _read() -> dict[str, str]:
    from adapters.service_db.models import PortName

    return {named.port: named.name for named in await PortName.all()}


async def _write(port: str, name: str) -> None:
    from adapters.service_db.models import PortName

    if name:
        await PortName.update_or_create(port=port, defaults={"name": name})
    else:
        await PortName.filter(port=port).delete()
