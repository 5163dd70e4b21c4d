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
        """Returns the board's last attempt, if it began after the record and failed."""
        if record.provisioned_at is None or not is_real(record.serial):
            return None
        page = await self._attempts.of_board(board_key(record.serial), NEWEST)
        for attempt in page.items:
            began = attempt.started_at
            if attempt.outcome in FAILURES and began is not None and began > record.provisioned_at:
                return LaterFailure(began, attempt.reason)
        return None
