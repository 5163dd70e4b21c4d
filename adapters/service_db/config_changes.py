"""The history of the configuration, kept in `service.db`."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from adapters.service_db.database import ServiceDb
from domain.configuration.history import ConfigChange
from domain.configuration.last_seen import Alteration
from domain.paging import PageRequest

if TYPE_CHECKING:
    from adapters.service_db.models import KeptConfigChange

LARGEST_ID = 2**63 - 1


class StoredConfigChanges:
    """Satisfies `domain.configuration.history.KeptChanges`. All raise `ServiceDbUnavailable`."""

    def __init__(self, database: ServiceDb) -> None:
        self._database = database

    async def add(self, change: ConfigChange) -> ConfigChange:
        """Keeps the change; it is on the disk when this returns."""
        return await self._database.run(lambda: _add(change))

    async def find(self, number: int) -> ConfigChange | None:
        """Returns the change with this id."""
        return await self._database.run(lambda: _find(number))

    async def read(self, request: PageRequest) -> Sequence[ConfigChange]:
        """Returns up to one more than the page holds, beginning at its edge."""
        return await self._database.run(lambda: _read(request))

    async def count(self) -> int:
        """Returns how many there are."""
        return await self._database.run(_count)


async def _add(change: ConfigChange) -> ConfigChange:
    from adapters.service_db.models import KeptConfigChange

    kept = await KeptConfigChange.create(
        at=round(change.at.timestamp() * 1_000_000),
        caller=change.caller[:255],
        role=change.role,
        address=change.address[:255],
        surface=change.surface,
        undoes=change.undoes,
        alterations=json.dumps(
            [[one.name, one.old, one.new, one.is_secret] for one in change.alterations]
        ),
    )
    return replace(change, id=kept.id)


async def _find(number: int) -> ConfigChange | None:
    from adapters.service_db.models import KeptConfigChange

    if not 0 < number <= LARGEST_ID:
        return None
    kept = await KeptConfigChange.get_or_none(id=number)
    return None if kept is None else _change(kept)


async def _read(request: PageRequest) -> list[ConfigChange]:
    from adapters.service_db.models import KeptConfigChange

    changes = KeptConfigChange.all()
    if request.key is not None:
        edge = max(-LARGEST_ID, min(int(request.key[0]), LARGEST_ID))
        changes = changes.filter(id__gt=edge) if request.backwards else changes.filter(id__lt=edge)
    order = "id" if request.backwards else "-id"
    return [_change(kept) for kept in await changes.order_by(order).limit(request.size + 1)]


async def _count() -> int:
    from adapters.service_db.models import KeptConfigChange

    return await KeptConfigChange.all().count()


def _change(kept: "KeptConfigChange") -> ConfigChange:
    return ConfigChange(
        id=kept.id,
        at=datetime.fromtimestamp(kept.at / 1_000_000, UTC),
        caller=kept.caller,
        role=kept.role,
        address=kept.address,
        surface=kept.surface,
        undoes=kept.undoes,
        alterations=tuple(Alteration(*one) for one in json.loads(kept.alterations)),
    )
