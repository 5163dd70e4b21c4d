"""The versions of scripts, kept in `service.db`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from adapters.service_db.database import ServiceDb
from domain.customisation.versions import KeptVersion, ScriptVersion, VersionOrigin

if TYPE_CHECKING:
    from adapters.service_db.models import KeptScript

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LARGEST_ID = 2**63 - 1
FACTS = ("id", "filename", "sha256", "size", "kept_at", "kept_by", "origin")


class StoredVersions:
    """Satisfies `domain.customisation.versions.ScriptVersions`. All raise
    `ServiceDbUnavailable`."""

    def __init__(self, database: ServiceDb) -> None:
        self._database = database

    async def add(self, version: ScriptVersion, content: bytes, *, most: int) -> None:
        """Keeps a version; it is on the disk when this returns."""
        await self._database.run(lambda: _add(version, content, most))

    async def list_of(self, filename: str) -> Sequence[ScriptVersion]:
        """Returns the versions of a script, the newest first."""
        return await self._database.run(lambda: _list(filename))

    async def find(self, filename: str, id: int) -> KeptVersion | None:
        """Returns one version of a script."""
        if not 0 <= id <= LARGEST_ID:
            return None
        return await self._database.run(lambda: _find(filename, id))


async def _add(version: ScriptVersion, content: bytes, most: int) -> None:
    from adapters.service_db.models import KeptScript

    await KeptScript.create(
        filename=version.filename,
        sha256=version.sha256,
        size=version.size_bytes,
        kept_at=(version.kept_at - EPOCH) // MICROSECOND,
        kept_by=version.kept_by,
        origin=version.origin.value,
        content=content,
    )
    of_script = KeptScript.filter(filename=version.filename).order_by("-id")
    old = [row["id"] for row in await of_script.offset(most).limit(1000).values("id")]
    if old:
        await KeptScript.filter(id__in=old).delete()


async def _list(filename: str) -> list[ScriptVersion]:
    from adapters.service_db.models import KeptScript

    # Without the contents: a list shall not read megabytes.
    rows = await KeptScript.filter(filename=filename).order_by("-id").only(*FACTS)
    return [_version(row) for row in rows]


async def _find(filename: str, id: int) -> KeptVersion | None:
    from adapters.service_db.models import KeptScript

    row = await KeptScript.get_or_none(filename=filename, id=id)
    return None if row is None else KeptVersion(_version(row), bytes(row.content))


def _version(row: "KeptScript") -> ScriptVersion:
    return ScriptVersion(
        id=row.id,
        filename=row.filename,
        sha256=row.sha256,
        size_bytes=row.size,
        kept_at=EPOCH + row.kept_at * MICROSECOND,
        kept_by=row.kept_by,
        origin=VersionOrigin(row.origin),
    )
