"""Scanning: no request is lost, and many lead to few scans."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.devices.scanning import Scanning


class Scans:
    """Scans that end when the test lets them."""

    def __init__(self, *, held: bool = True, net_seconds: float = 60.0) -> None:
        self.began = asyncio.Queue[int]()
        self._may_end = asyncio.Semaphore(0 if held else 1000)
        self._count = 0
        self.scanning = Scanning(self._scan, net_seconds=net_seconds, quiet_seconds=0.001)

    async def _scan(self) -> None:
        self._count += 1
        self.began.put_nowait(self._count)
        await self._may_end.acquire()

    async def next(self) -> int:
        """Waits until the next scan has begun."""
        return await asyncio.wait_for(self.began.get(), 5)

    def end(self) -> None:
        self._may_end.release()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Scanning]:
        task = asyncio.create_task(self.scanning.run())
        try:
            yield self.scanning
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_it_scans_at_once() -> None:
    scans = Scans(held=False)
    async with scans.running() as scanning:
        await scanning.wait_for_first(5)
    assert scanning.count == 1


async def test_requests_during_a_scan_lead_to_exactly_one_more() -> None:
    scans = Scans()
    async with scans.running() as scanning:
        await scans.next()
        for _ in range(400):
            scanning.request()
        scans.end()
        assert await scans.next() == 2
        scans.end()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(scans.began.get(), 0.05)


async def test_who_waits_gets_a_scan_that_began_after_the_question() -> None:
    scans = Scans()
    async with scans.running() as scanning:
        await scans.next()
        waiting = asyncio.create_task(scanning.request_and_wait(5))
        await asyncio.sleep(0)
        scans.end()
        await scans.next()
        assert not waiting.done()
        scans.end()
        await asyncio.wait_for(waiting, 5)
    assert scanning.count == 2


async def test_the_net_scans_without_any_request() -> None:
    scans = Scans(held=False, net_seconds=0.01)
    async with scans.running():
        assert [await scans.next() for _ in range(3)] == [1, 2, 3]


async def test_a_burst_leads_to_few_scans() -> None:
    scans = Scans(held=False)
    async with scans.running() as scanning:
        await scanning.wait_for_first(5)
        for _ in range(400):
            scanning.request()
            await asyncio.sleep(0)
        await scanning.request_and_wait(5)
        assert 2 <= scanning.count <= 10


async def test_a_scan_that_hangs_is_told_and_waits_for_nobody() -> None:
    scans = Scans()
    async with scans.running() as scanning:
        await scans.next()
        with pytest.raises(TimeoutError):
            await scanning.request_and_wait(0.02)
        assert scanning.running_seconds > 0
        scans.end()
        await scanning.wait_for_first(5)
