"""Work that goes on beside the requests: every task has this owner, a name and an end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from domain.errors import ProvisionerError

log = logging.getLogger("provisioner.background")


class Background:
    """Owns tasks; `aclose` cancels them and waits for their end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def repeat(self, name: str, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        """Runs `work` again and again with a pause of `seconds`; a failure never ends it."""
        self._tasks.add(asyncio.create_task(_repeat(name, seconds, work), name=name))

    def run(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Runs `work` once, until it ends by itself or `aclose` comes."""
        self._tasks.add(asyncio.create_task(_once(name, work), name=name))

    async def aclose(self) -> None:
        """Cancels every task and returns when all have ended."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()


async def _repeat(name: str, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    while True:
        await _once(name, work)
        await asyncio.sleep(seconds)


async def _once(name: str, work: Callable[[], Awaitable[object]]) -> None:
    try:
        await work()
    except ProvisionerError:
        # The part says so itself: it is in /readyz.
        log.debug("%s is not possible now", name, exc_info=True)
    except Exception:
        log.exception("%s failed", name)
