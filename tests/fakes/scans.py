"""Scans in memory, and what became of boards later."""

from collections.abc import Sequence
from dataclasses import replace

from domain.errors import Unavailable
from domain.manufacturing.record import ManufacturingRecord
from domain.paging import PageRequest
from domain.verification.scans import Scan, ScanFilter
from domain.verification.verification import LaterFailure


class FakeScans:
    """Satisfies `Scans`; set `failure` and every method raises it."""

    def __init__(self) -> None:
        self.kept: list[Scan] = []
        self.failure: Unavailable | None = None

    async def add(self, scan: Scan) -> Scan:
        self._check()
        self.kept.append(replace(scan, id=len(self.kept) + 1))
        return self.kept[-1]

    async def read(self, wanted: ScanFilter, request: PageRequest) -> Sequence[Scan]:
        self._check()
        found = [scan for scan in self.kept if _satisfies(scan, wanted)]
        if request.key is not None:
            edge = int(request.key[0])
            found = [s for s in found if (s.id > edge if request.backwards else s.id < edge)]
        return (found if request.backwards else found[::-1])[: request.size + 1]

    async def count(self, wanted: ScanFilter) -> int:
        self._check()
        return sum(_satisfies(scan, wanted) for scan in self.kept)

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure


def _satisfies(scan: Scan, wanted: ScanFilter) -> bool:
    return (
        wanted.code in (None, scan.code)
        and wanted.caller in (None, scan.caller)
        and wanted.exists in (None, scan.exists)
        and wanted.faultless in (None, not scan.problems)
        and (wanted.since is None or scan.at >= wanted.since)
        and (wanted.until is None or scan.at < wanted.until)
    )


class FakeLaterFailures:
    """Satisfies `LaterFailures` with one answer for all boards."""

    def __init__(self) -> None:
        self.found: LaterFailure | None = None
        self.failure: Unavailable | None = None

    async def find(self, record: ManufacturingRecord) -> LaterFailure | None:
        if self.failure is not None:
            raise self.failure
        return self.found
