"""Work that runs to its end though the client who asked for it is gone."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")

log = logging.getLogger("provisioner.graphql")


class UncutWork:
    """Owns the tasks of mutations and of executions that several subscribers wait for."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Awaitable[T]) -> asyncio.Task[T]:
        """Runs `work` in a task of its own; wait for it with `asyncio.shield`."""
        task = asyncio.ensure_future(_awaited(work))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def ended(self, seconds: float) -> None:
        """Returns when all work has ended; what has not after `seconds` is cancelled."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in late:
            log.warning("GraphQL work was cut after %g s, the service stops", seconds)
            task.cancel()

    def _ended(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.debug("GraphQL work failed; who waits for it is told", exc_info=error)


async def _awaited(work: Awaitable[T]) -> T:
    return await work
