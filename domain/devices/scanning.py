"""Scanning: one scan at a time, as many as are needed and no more (contract devices 7.3)."""

import asyncio
from collections.abc import Awaitable, Callable

NET_SECONDS = 10.0
"""A scan at least so often, whatever the events say."""
QUIET_SECONDS = 0.04
MOST_SECONDS = 0.25
"""One plug makes a dozen events: a scan waits for so long a pause, and never longer than that."""


class Scanning:
    """Runs `scan` when somebody wants it. Requests during a scan lead to exactly one more."""

    def __init__(
        self,
        scan: Callable[[], Awaitable[None]],
        *,
        net_seconds: float = NET_SECONDS,
        quiet_seconds: float = QUIET_SECONDS,
    ) -> None:
        self._scan = scan
        self._net_seconds = net_seconds
        self._quiet_seconds = quiet_seconds
        self._wanted = asyncio.Event()
        self._asked = self._answered = 0
        self._answers = asyncio.Condition()
        self._began_at: float | None = None
        self.count = 0

    @property
    def running_seconds(self) -> float:
        """How long the present scan runs already, 0 between scans."""
        return 0.0 if self._began_at is None else _now() - self._began_at

    def request(self) -> None:
        """Wants a scan that begins after this call; returns at once."""
        self._asked += 1
        self._wanted.set()

    async def request_and_wait(self, seconds: float) -> None:
        """Returns when a scan has ended that began after this call; raises TimeoutError."""
        self.request()
        ticket = self._asked
        async with asyncio.timeout(seconds), self._answers:
            await self._answers.wait_for(lambda: self._answered >= ticket)

    async def wait_for_first(self, seconds: float) -> None:
        """Returns once there was a scan; raises TimeoutError."""
        async with asyncio.timeout(seconds), self._answers:
            await self._answers.wait_for(lambda: self.count > 0)

    async def run(self) -> None:
        """Scans now, when wanted, and every `net_seconds`; never ends."""
        while True:
            covered = self._asked
            self._began_at = _now()
            try:
                await self._scan()
            finally:
                self._began_at = None
            async with self._answers:
                self.count += 1
                self._answered = covered
                self._answers.notify_all()
            await self._until_wanted()

    async def _until_wanted(self) -> None:
        try:
            async with asyncio.timeout(self._net_seconds):
                await self._wanted.wait()
        except TimeoutError:
            return
        end = _now() + MOST_SECONDS
        while self._wanted.is_set() and _now() < end:
            self._wanted.clear()
            await asyncio.sleep(self._quiet_seconds)
        # The next scan begins now, so it covers whatever asked until here.
        self._wanted.clear()


def _now() -> float:
    return asyncio.get_running_loop().time()
