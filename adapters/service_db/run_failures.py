"""What spoke against runs of boards, kept in `service.db`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from adapters.service_db.database import ServiceDb
from domain.devices.run_failures import RunFailure
from domain.devices.status import Cause

if TYPE_CHECKING:
    from adapters.service_db.models import SeenUnitFailure

MOST = 10_000
"""The newest that are looked at: a busy line fails so often in some years."""


class StoredRunFailures:
    """Satisfies `RunFailures` of the domain. Everything raises `ServiceDbUnavailable`."""

    def __init__(self, database: ServiceDb) -> None:
        self._database = database

    async def all(self) -> Sequence[RunFailure]:
        """Returns the failures that are kept."""
        return await self._database.run(_read)

    async def add(self, failure: RunFailure) -> None:
        """Keeps a failure; it is on the disk when this returns."""
        await self._database.run(lambda: _write(failure))

    async def remove(self, board: str, run: int) -> None:
        """Forgets a failure; it is gone from the disk when this returns."""
        await self._database.run(lambda: _remove(f"{board}/{run}"))


async def _read() -> list[RunFailure]:
    from adapters.service_db.models import SeenUnitFailure

    return [
        _failure(kept) for kept in await SeenUnitFailure.all().order_by("-failed_at").limit(MOST)
    ]


async def _write(failure: RunFailure) -> None:
    from adapters.service_db.models import SeenUnitFailure

    kept = {
        "began_at": _microseconds(failure.began_at),
        "unit": failure.unit,
        "result": failure.result,
        "exit_status": failure.exit_status,
        "failed_at": _microseconds(failure.failed_at),
        "cause": failure.cause.value,
    }
    place = f"{failure.board}/{failure.run}"
    await SeenUnitFailure.update_or_create(place=place, defaults=kept)


async def _remove(place: str) -> None:
    from adapters.service_db.models import SeenUnitFailure

    await SeenUnitFailure.filter(place=place).delete()


def _failure(kept: "SeenUnitFailure") -> RunFailure:
    board, _, run = kept.place.rpartition("/")
    return RunFailure(
        board=board,
        run=int(run),
        began_at=_moment(kept.began_at),
        unit=kept.unit,
        result=kept.result,
        exit_status=kept.exit_status,
        failed_at=_moment(kept.failed_at),
        cause=Cause(kept.cause),
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _microseconds(at: datetime | None) -> int | None:
    if at is None:
        return None
    since = at - _EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def _moment(microseconds: int | None) -> datetime | None:
    if microseconds is None:
        return None
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
