"""A store of unit failures in memory."""

from collections.abc import Sequence

from domain.devices.unit_failures import UnitFailure
from domain.errors import Unavailable


class FakeUnitFailures:
    """Satisfies `UnitFailures`; set `failure` and both methods raise it."""

    def __init__(self) -> None:
        self.failure: Unavailable | None = None
        self.kept: dict[tuple[str, int], UnitFailure] = {}

    async def all(self) -> Sequence[UnitFailure]:
        if self.failure is not None:
            raise self.failure
        return list(self.kept.values())

    async def add(self, failure: UnitFailure) -> None:
        if self.failure is not None:
            raise self.failure
        self.kept[failure.board, failure.run] = failure
