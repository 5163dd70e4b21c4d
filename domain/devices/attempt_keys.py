"""Attempt keys: the customer's key that a board's record names, found by board and time."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from domain.devices.attempts import Attempt, Outcome
from domain.devices.run_records import CLOCK_SLACK
from domain.devices.stages import Stage
from domain.manufacturing.filters import NEWEST_FIRST, RecordFilter, RecordOrder
from domain.manufacturing.record import ManufacturingRecord
from domain.paging import Page, PageRequest
from domain.serials import is_real

_NEWEST = PageRequest(1, None, backwards=False)
_OPEN_END = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RecordedKey:
    """The key as the record names it: SHA-256 of the public key in hex, and a label; at least one
    of them is there."""

    fingerprint: str | None
    label: str | None


class RecordPages(Protocol):
    """Finds records; raises a kind of `Unavailable`."""

    async def page(
        self, wanted: RecordFilter, order: RecordOrder, request: PageRequest
    ) -> Page[ManufacturingRecord]:
        """Returns a page of the wanted records."""


async def find_key(records: RecordPages, attempt: Attempt) -> RecordedKey | None:
    """Returns the key that the attempt's record names; None where there is no such record (it is
    written at the end of provisioning), where it names none, and where the attempt has no times.
    """
    reached = attempt.stage in (Stage.PROVISIONING, Stage.COMPLETE)
    if not reached or attempt.serial is None or attempt.started_at is None:
        return None
    if not is_real(attempt.serial) or not attempt.serial.isprintable():
        return None
    over = attempt.ended_at if attempt.outcome is not Outcome.RUNNING else None
    wanted = RecordFilter(
        serials=(attempt.serial,),
        since=attempt.started_at - CLOCK_SLACK,
        until=(over or attempt.started_at + _OPEN_END) + CLOCK_SLACK,
    )
    found = (await records.page(wanted, NEWEST_FIRST, _NEWEST)).items
    if not found or not (found[0].key_fingerprint or found[0].key_label):
        return None
    return RecordedKey(found[0].key_fingerprint, found[0].key_label)
