"""The scans of labels, kept in `service.db`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from adapters.service_db.database import ServiceDb
from domain.paging import PageRequest
from domain.verification.scans import LabelProblem, Scan, ScanFilter

if TYPE_CHECKING:
    from tortoise.queryset import QuerySet

    from adapters.service_db.models import QrScan

LARGEST_ID = 2**63 - 1


class StoredScans:
    """Satisfies `domain.verification.scans.Scans`. All raise `ServiceDbUnavailable`."""

    def __init__(self, database: ServiceDb) -> None:
        self._database = database

    async def add(self, scan: Scan) -> Scan:
        """Keeps the scan; it is on the disk when this returns."""
        return await self._database.run(lambda: _add(scan))

    async def read(self, wanted: ScanFilter, request: PageRequest) -> Sequence[Scan]:
        """Returns up to one more than the page holds, beginning at its edge."""
        return await self._database.run(lambda: _read(wanted, request))

    async def count(self, wanted: ScanFilter) -> int:
        """Returns how many scans are wanted."""
        return await self._database.run(lambda: _count(wanted))


async def _add(scan: Scan) -> Scan:
    from adapters.service_db.models import QrScan

    kept = await QrScan.create(
        at=_microseconds(scan.at),
        code=scan.code,
        found=scan.exists,
        problems=",".join(scan.problems),
        record_id=scan.record_id,
        serial=scan.serial,
        caller=scan.caller,
        role=scan.role,
        address=scan.address,
        surface=scan.surface,
    )
    return replace(scan, id=kept.id)


async def _read(wanted: ScanFilter, request: PageRequest) -> list[Scan]:
    scans = _wanted(wanted)
    if request.key is not None:
        edge = max(-LARGEST_ID, min(int(request.key[0]), LARGEST_ID))
        scans = scans.filter(id__gt=edge) if request.backwards else scans.filter(id__lt=edge)
    order = "id" if request.backwards else "-id"
    return [_scan(row) for row in await scans.order_by(order).limit(request.size + 1)]


async def _count(wanted: ScanFilter) -> int:
    return await _wanted(wanted).count()


def _wanted(wanted: ScanFilter) -> "QuerySet[QrScan]":
    from adapters.service_db.models import QrScan

    members: dict[str, object] = {
        "code": wanted.code,
        "caller": wanted.caller,
        "found": wanted.exists,
        "at__gte": None if wanted.since is None else _microseconds(wanted.since),
        "at__lt": None if wanted.until is None else _microseconds(wanted.until),
    }
    scans = QrScan.filter(**{name: value for name, value in members.items() if value is not None})
    if wanted.faultless is None:
        return scans
    return scans.filter(problems="") if wanted.faultless else scans.exclude(problems="")


def _scan(row: "QrScan") -> Scan:
    return Scan(
        id=row.id,
        at=datetime.fromtimestamp(row.at / 1_000_000, UTC),
        code=row.code,
        problems=tuple(LabelProblem(name) for name in row.problems.split(",") if name),
        record_id=row.record_id,
        serial=row.serial,
        caller=row.caller,
        role=row.role,
        address=row.address,
        surface=row.surface,
    )


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
