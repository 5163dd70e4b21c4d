"""A store of run failures in memory."""

from collections.abc import Sequence

from domain.devices.run_failures import RunFailure
from domain.errors import Unavailable


class FakeRunFailures:
    """Satisfies `RunFailures`; set `failure` and every method raises it."""

    def __init__(self) -> None:
        self.failure: Unavailable | None = None
        self.kept: dict[tuple[str, int], RunFailure] = {}

    async def all(self) -> Sequence[RunFailure]:
        if self.failure is not None:
            raise self.failure
        return list(self.kept.values())

    async def add(self, failure: RunFailure) -> None:
        if self.failure is not None:
            raise self.failure
        self.kept[failure.board, failure.run] = failure

    async def remove(self, board: str, run: int) -> None:
        if self.failure is not None:
            raise self.failure
        self.kept.pop((board, run), None)
