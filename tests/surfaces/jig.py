"""A running service over a jig: two controllers, one hub, boards that are plugged in by a test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.fakes.usb import Sysfs
from tests.surfaces.conftest import Service, running


def build_jig(root: Path) -> Sysfs:
    """Makes a Raspberry Pi 5's buses, with a hub of four ports in the first socket."""
    sysfs = Sysfs(root)
    for slow, controller in ((1, "xhci0"), (3, "xhci1")):
        sysfs.bus(slow, ports=2, controller=controller)
        sysfs.bus(slow + 1, ports=1, speed=5000, controller=controller)
    sysfs.hub("1-1", ports=4)
    sysfs.hub("2-1", ports=4, usb3=True)
    return sysfs


@asynccontextmanager
async def running_jig(root: Path) -> AsyncIterator[tuple[Service, Sysfs]]:
    """Runs a service over a new jig."""
    sysfs = build_jig(root)
    async with running(root) as service:
        yield service, sysfs
