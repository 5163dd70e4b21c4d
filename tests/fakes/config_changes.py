"""The history of the configuration in memory."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from domain.configuration.history import ConfigChange
from domain.errors import Unavailable
from domain.paging import PageRequest


class FakeKeptChanges:
    """Satisfies `KeptChanges`; set `failure` and every method raises it."""

    def __init__(self) -> None:
        self.kept: list[ConfigChange] = []
        self.failure: Unavailable | None = None

    async def add(self, change: ConfigChange) -> ConfigChange:
        self._check()
        await asyncio.sleep(0)
        self.kept.append(replace(change, id=len(self.kept) + 1))
        return self.kept[-1]

    async def find(self, number: int) -> ConfigChange | None:
        self._check()
        return next((change for change in self.kept if change.id == number), None)

    async def read(self, request: PageRequest) -> Sequence[ConfigChange]:
        self._check()
        found = self.kept
        if request.key is not None:
            edge = int(request.key[0])
            found = [
                one for one in found if (one.id > edge if request.backwards else one.id < edge)
            ]
        return (found if request.backwards else found[::-1])[: request.size + 1]

    async def count(self) -> int:
        self._check()
        return len(self.kept)

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure


class FakeKeptText:
    """Satisfies `KeptText`; set `failure` and both methods raise it."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.failure: Unavailable | None = None

    async def get(self) -> str | None:
        if self.failure is not None:
            raise self.failure
        return self.text

    async def set(self, text: str) -> None:
        if self.failure is not None:
            raise self.failure
        self.text = text
