"""The sessions of resumable uploads, kept in `service.db`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from adapters.service_db.database import ServiceDb
from domain.uploads.sessions import UploadSession

if TYPE_CHECKING:
    from adapters.service_db.models import KeptUpload


class StoredUploadSessions:
    """Satisfies `domain.uploads.sessions.UploadSessions`. All raise `ServiceDbUnavailable`."""

    def __init__(self, database: ServiceDb) -> None:
        self._database = database

    async def list_all(self) -> list[UploadSession]:
        """Returns every session, the oldest first."""
        return await self._database.run(_read)

    async def keep(self, session: UploadSession) -> None:
        """Keeps a session; on the disk when this returns."""
        await self._database.run(lambda: _write(session))

    async def drop(self, id: str) -> None:
        """Forgets a session."""
        await self._database.run(lambda: _delete(id))


async def _read() -> list[UploadSession]:
    from adapters.service_db.models import KeptUpload

    return [_session(row) for row in await KeptUpload.all().order_by("began_at")]


async def _write(session: UploadSession) -> None:
    from adapters.service_db.models import KeptUpload

    members = {
        "filename": session.filename,
        "size": session.size,
        "began_at": _microseconds(session.began_at),
        "expires_at": _microseconds(session.expires_at),
        "by": session.by,
        "boot": session.boot,
        "synced": session.synced,
        "image": session.image,
    }
    await KeptUpload.update_or_create(id=session.id, defaults=members)


async def _delete(id: str) -> None:
    from adapters.service_db.models import KeptUpload

    await KeptUpload.filter(id=id).delete()


def _session(row: "KeptUpload") -> UploadSession:
    return UploadSession(
        id=row.id,
        filename=row.filename,
        size=row.size,
        began_at=_moment(row.began_at),
        expires_at=_moment(row.expires_at),
        by=row.by,
        boot=row.boot,
        synced=row.synced,
        image=row.image,
    )


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
