"""Scans: which labels were verified, by whom, and what the answer was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.manufacturing.filters import RecordFilterInvalid
from domain.paging import PageRequest

ORDER = "qr-scans:newest"
LONGEST_CODE = 4296
"""As many characters as the largest QR code holds (ISO/IEC 18004, version 40-L)."""
LONGEST_NAME = 255


class LabelProblem(StrEnum):
    """What can be wrong with a label, or with its board."""

    UNKNOWN = "UNKNOWN"
    DUPLICATE = "DUPLICATE"
    NOT_SECURE = "NOT_SECURE"
    FAILED_LATER = "FAILED_LATER"
    LATER_UNKNOWN = "LATER_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Scan:
    """One verification. `code` is what was looked for; `record_id` and `serial` are of the newest
    record that has it, None where none has. `caller`, `role`, `address` and `surface` say who
    asked, as in the audit log. `id` grows with each scan, 0 before it is kept."""

    id: int
    at: datetime
    code: str
    problems: tuple[LabelProblem, ...]
    record_id: int | None
    serial: str | None
    caller: str
    role: str
    address: str
    surface: str

    @property
    def exists(self) -> bool:
        """Whether a record has this code."""
        return LabelProblem.UNKNOWN not in self.problems


@dataclass(frozen=True, slots=True)
class ScanFilter:
    """Scans that satisfy every member that is not None. `since` counts, `until` does not. Raises
    `RecordFilterInvalid`."""

    code: str | None = None
    caller: str | None = None
    exists: bool | None = None
    faultless: bool | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        for name, text, most in (
            ("code", self.code, LONGEST_CODE),
            ("caller", self.caller, LONGEST_NAME),
        ):
            if text is not None and len(text) > most:
                raise RecordFilterInvalid(
                    f"`{name}` is longer than {most} characters: no scan has such a one.",
                    field=name,
                )


EVERY_SCAN = ScanFilter()


class Scans(Protocol):
    """Where scans are kept. Both raise a kind of `Unavailable`."""

    async def add(self, scan: Scan) -> Scan:
        """Keeps the scan; it is on the disk when this returns. Returns it with its id."""

    async def read(self, wanted: ScanFilter, request: PageRequest) -> Sequence[Scan]:
        """Returns up to one more than the page holds, beginning at the page's edge: by id
        descending, ascending for a page that is asked for backwards."""

    async def count(self, wanted: ScanFilter) -> int:
        """Returns how many scans are wanted."""
