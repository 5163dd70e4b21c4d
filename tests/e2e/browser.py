"""A real browser for the pages: Debian's Chromium, driven by Playwright."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

CHROMIUM = Path("/usr/bin/chromium")
# A browser that asks its maker for updates would ask outside the host; root has no sandbox.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
LONGEST_WAIT_MS = 15_000


@dataclass
class Visit:
    """One page in a profile of its own, and everything it complained of and asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Notes from now on what the page does."""
        context.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def asked_elsewhere(self, service: str) -> list[str]:
        """Returns what was asked of any other host or port than the service's."""
        host = urlsplit(service).netloc
        remote = [url for url in self.asked if urlsplit(url).scheme not in {"data", "blob"}]
        return [url for url in remote if urlsplit(url).netloc != host]

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for the whole run."""
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's package chromium")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """A fresh profile with one empty page that is watched from the start."""
    context = await browser.new_context()
    context.set_default_timeout(LONGEST_WAIT_MS)
    made = Visit(await context.new_page())
    made.watch(context)
    yield made
    await context.close()
