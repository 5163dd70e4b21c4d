"""The kernel's word that the journal was written to."""

import asyncio
from pathlib import Path

import pytest

from domain.events import Hub
from domain.host_paths import HostPaths
from domain.services.journal import JournalGrew
from server.background import Background
from server.wiring.watching_journal import watch_journal
from tests.adapters.journal_writer import journal_folder, needs_tool, write_journal
from tests.fakes.journal import own


@pytest.mark.real
@needs_tool
async def test_writing_to_the_journal_is_told(tmp_path: Path) -> None:
    journal_folder(tmp_path)
    hub, background = Hub(), Background()
    watch_journal(background, HostPaths(tmp_path), hub)
    try:
        async with asyncio.timeout(10):
            with hub.subscribe(JournalGrew) as news:
                waiting = asyncio.ensure_future(news.next())
                entries = [own("rpi-sb-x.service", "x", 0)]
                while not waiting.done():
                    await asyncio.to_thread(write_journal, tmp_path, entries)
                    await asyncio.wait({waiting}, timeout=0.1)
    finally:
        await background.aclose()
    assert hub.sequence >= 1


async def test_a_folder_that_is_not_there_is_no_failure(tmp_path: Path) -> None:
    background = Background()
    watch_journal(background, HostPaths(tmp_path), Hub())
    await asyncio.sleep(0)
    await background.aclose()
