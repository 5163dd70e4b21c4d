"""Failed attempts: what the station's rows tell of a board after its record was written."""

from domain.devices.attempt_list import Attempts
from domain.devices.attempts import Outcome
from domain.manufacturing.record import ManufacturingRecord
from domain.paging import PageRequest
from domain.serials import board_key, is_real
from domain.verification.verification import LaterFailure

FAILURES = frozenset({Outcome.FAILED, Outcome.STALLED})
NEWEST = PageRequest(1, None, backwards=False)


class FailedAttempts:
    """Satisfies `domain.verification.verification.LaterFailures`."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    async def find(self, record: ManufacturingRecord) -> LaterFailure | None:
        """Returns the board's last attempt, if it failed and did not begin before the record."""
        made = record.provisioned_at
        if not is_real(record.serial):
            return None
        page = await self._attempts.of_board(board_key(record.serial), NEWEST)
        for attempt in page.items:
            began = attempt.started_at
            if attempt.outcome not in FAILURES:
                continue
            if began is None or made is None:
                return LaterFailure(None, attempt.reason)
            if began > made:
                return LaterFailure(began, attempt.reason)
        return None
