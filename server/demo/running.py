"""`provisioner-service demo`: the service on a throw-away station whose line runs."""

import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from server.background import Background
from server.demo.line import Line
from server.demo.station import build_station, things_to_try
from server.running import run_service
from server.settings import Settings


async def run_demo(settings: Settings, *, speed: float) -> None:
    """Builds the station, runs service and line until SIGTERM or SIGINT, and removes it all."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="provisioner-demo-"))
        station = build_station(Path(folder), now=datetime.now(UTC))
        background = Background()
        stack.push_async_callback(background.aclose)
        background.run("the simulated line", Line(station, speed=speed).run)
        chosen = replace(settings, root=Path(folder), https=False)
        await run_service(chosen, announce=_greet)


def _greet(addresses: list[str]) -> None:
    lines = [f"A simulated station runs at {addresses[0]} (Ctrl+C ends it). Try:", ""]
    sys.stdout.write("\n".join([*lines, *things_to_try(addresses[0]), ""]))
    sys.stdout.flush()
