"""Verification: whether the code on a label is of a board that was made here, and what is wrong
with that board."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.caller import Caller
from domain.errors import Invalid, Unavailable
from domain.manufacturing.manufacturing import Manufacturing
from domain.manufacturing.record import ManufacturingRecord
from domain.paging import CursorInvalid, Page, PageRequest, cursor_of
from domain.serials import board_key
from domain.verification.scans import (
    LONGEST_CODE,
    ORDER,
    LabelProblem,
    Scan,
    ScanFilter,
    Scans,
)


class QrCodeInvalid(Invalid):
    """A code that no label can have."""

    code = "INVALID_PARAMETER"
    title = "Parameter Error"
    meaning = f"The code is missing, empty, no text, or longer than {LONGEST_CODE} characters."
    remedy = "Send what the scanner read: the text on the board's label."


@dataclass(frozen=True, slots=True)
class LabelFault:
    """Something that is wrong, and a sentence about it for the operator."""

    problem: LabelProblem
    reason: str


@dataclass(frozen=True, slots=True)
class LaterFailure:
    """A run that failed after the board had been finished: when it began, and why it failed. `at`
    is None where no time tells whether it was before or after."""

    at: datetime | None
    reason: str


class LaterFailures(Protocol):
    """Knows what became of boards after their record."""

    async def find(self, record: ManufacturingRecord) -> LaterFailure | None:
        """Returns the last run of the record's board, if it failed and did not begin before the
        record.
        Raises a kind of `Unavailable` while nobody knows."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a label. `record` is the newest with this code, None where none has it.
    `scan` is None where it could not be kept."""

    code: str
    record: ManufacturingRecord | None
    faults: tuple[LabelFault, ...]
    scan: Scan | None


class Verification:
    """Verifies labels and keeps every scan."""

    def __init__(self, records: Manufacturing, scans: Scans, failures: LaterFailures) -> None:
        self._records = records
        self._scans = scans
        self._failures = failures

    async def verify(self, code: str, *, caller: Caller, now: datetime) -> Verdict:
        """Returns what is known of the label with this code; blanks around it do not count.

        Raises `QrCodeInvalid`, `RecordsPathNotSet`, `RecordsMissing` and what `Records` raises: a
        label is never called unknown because the records could not be read.
        """
        wanted = _checked(code)
        (await self._records.place()).require()
        found = await self._records.with_duid(wanted)
        faults = await self._faults(found)
        newest = found[0] if found else None
        scan = Scan(
            id=0,
            at=now,
            code=wanted,
            problems=tuple(fault.problem for fault in faults),
            record_id=newest.id if newest else None,
            serial=newest.serial if newest else None,
            caller=caller.name,
            role=caller.role.words,
            address=caller.address,
            surface=caller.surface,
        )
        return Verdict(wanted, newest, faults, await self._kept(scan))

    async def page(
        self, wanted: ScanFilter, request: PageRequest, *, counted: bool = True
    ) -> Page[Scan]:
        """Returns a page of scans, the newest first; raises `CursorInvalid`."""
        key = request.key
        if key is not None and (len(key) != 1 or not isinstance(key[0], int)):
            raise CursorInvalid(
                "This cursor does not belong to this list; start again without one."
            )
        found = list(await self._scans.read(wanted, request))
        more, scans = len(found) > request.size, found[: request.size]
        if request.backwards:
            scans = scans[::-1]
        return Page(
            items=scans,
            cursors=[cursor_of((scan.id,), ORDER) for scan in scans],
            has_next=key is not None if request.backwards else more,
            has_previous=more if request.backwards else key is not None,
            total=await self._scans.count(wanted) if counted else None,
        )

    async def _faults(self, found: Sequence[ManufacturingRecord]) -> tuple[LabelFault, ...]:
        if not found:
            reason = "No board with this code was made here: the label is not of this station."
            return (LabelFault(LabelProblem.UNKNOWN, reason),)
        newest, faults = found[0], list[LabelFault]()
        boards = {board_key(record.serial) for record in found}
        if len(boards) > 1:
            reason = f"{len(boards)} boards have this code; their labels cannot all be right."
            faults.append(LabelFault(LabelProblem.DUPLICATE, reason))
        if newest.secure is not True:
            said = "says no" if newest.secure is False else "does not say"
            reason = f"Whether the board is secure, its record {said}."
            faults.append(LabelFault(LabelProblem.NOT_SECURE, reason))
        return (*faults, *await self._failed_later(newest))

    async def _failed_later(self, newest: ManufacturingRecord) -> list[LabelFault]:
        try:
            failure = await self._failures.find(newest)
        except Unavailable as error:
            # The board's record is known, and is told all the same.
            reason = f"Whether a later run of the board failed is not known: {error.message}"
            return [LabelFault(LabelProblem.LATER_UNKNOWN, reason)]
        if failure is None:
            return []
        if failure.at is None:
            reason = f"A run of the board failed, before or after its record. {failure.reason}"
            return [LabelFault(LabelProblem.LATER_UNKNOWN, reason.strip())]
        when = failure.at.strftime("%Y-%m-%d %H:%M:%S UTC")
        reason = f"A run that began later, at {when}, failed. {failure.reason}".strip()
        return [LabelFault(LabelProblem.FAILED_LATER, reason)]

    async def _kept(self, scan: Scan) -> Scan | None:
        try:
            return await self._scans.add(scan)
        except Unavailable:
            # Whoever holds the board needs the answer; that the scan was not kept is part of it.
            return None


def _checked(code: str) -> str:
    wanted = code.strip()
    if not wanted:
        raise QrCodeInvalid("The code is empty; scan the label again.", field="code")
    if len(wanted) > LONGEST_CODE:
        raise QrCodeInvalid(
            f"The code is longer than the {LONGEST_CODE} characters of any label.", field="code"
        )
    return wanted
