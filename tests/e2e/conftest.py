"""What the browser looks at: the real program, and a stand-in whose state a test sets."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from server.demo.station import build_station
from tests.e2e.browser import browser, visit
from tests.e2e.process import Program
from tests.e2e.stand_in import Device, Line, Part, build_app, serving

__all__ = ["browser", "line", "service", "stand_in", "visit"]


@pytest.fixture
def line() -> Line:
    """A station with one board in work and one part that is not there."""
    return Line(
        devices=[
            Device(
                serial="10000000abcdef01",
                port="1-1.2",
                state="SB-PROVISIONER-STARTED",
                status="ACTIVE",
                reason=None,
                last_change_at="2026-01-02T03:04:05Z",
            ),
            Device(
                serial="<b>7a81</b>",
                port="1-1.3",
                state="TRIAGE-ABORTED",
                status="FAILED",
                reason=None,
                last_change_at=None,
            ),
        ],
        parts=[
            Part(name="state-database", state="READY"),
            Part(
                name="units",
                state="UNAVAILABLE",
                reason="The system bus does not answer.",
                remedy="Start dbus.",
            ),
        ],
    )


@pytest_asyncio.fixture(loop_scope="session")
async def stand_in(line: Line) -> AsyncIterator[str]:
    """The base URL of the stand-in that shows `line`."""
    async with serving(build_app(line)) as url:
        yield url


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    """The base URL of the real program over a demo station."""
    build_station(tmp_path, now=datetime.now(UTC))
    with Program(tmp_path) as program:
        yield program.base
