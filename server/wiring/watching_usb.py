"""How USB is watched: the kernel's events, the port rules' folders, the scripts' announcements,
and the nets under them (design 4)."""

from collections.abc import Awaitable, Callable
from functools import partial

from adapters.inotify import names_changed
from domain.devices.port_rules import SUFFIX
from domain.devices.scanning import NET_SECONDS
from domain.host_paths import PathRefused
from domain.internal_token import RowsAnnounced
from domain.station import Station
from server.background import Background

AGAIN_SECONDS = 1.0
"""Until a watch that ended is tried again."""

CatchUp = Callable[[], Awaitable[object]]


def watch_usb(background: Background, station: Station, *catch_up: CatchUp) -> None:
    """Starts the scans and everything that leads to one; `catch_up` are looks at the databases
    that the scripts' announcements lead to besides."""
    usb, paths = station.usb, station.paths
    background.repeat("the scan of USB", AGAIN_SECONDS, usb.scanning.run)
    background.repeat("the joining of USB and rows", AGAIN_SECONDS, usb.follow_rows)
    background.repeat("the hearing of USB events", NET_SECONDS, usb.follow_events)
    background.repeat("the reading of port names", NET_SECONDS, usb.load_names)
    background.repeat(
        "the announcements of the scripts", AGAIN_SECONDS, partial(_heed, station, catch_up)
    )
    background.repeat(
        "the keeping of the internal token", NET_SECONDS, station.internal_token.keep_again
    )
    # The kernel tells nobody of changes in its own folders; in the tree of a simulated station
    # this is all that can be heard.
    folders = dict.fromkeys(paths.port_rules, SUFFIX) | {paths.usb_devices: ""}
    for folder, ending in folders.items():
        follow = partial(_follow, station, folder, ending=ending)
        background.repeat(f"the watch of {folder}", AGAIN_SECONDS, follow)


async def _heed(station: Station, catch_up: tuple[CatchUp, ...]) -> None:
    with station.hub.subscribe(RowsAnnounced) as announced:
        while True:
            await announced.next()
            announced.skip_to_newest()
            station.usb.request_scan()
            for source in catch_up:
                await source()


async def _follow(station: Station, folder: str, *, ending: str) -> None:
    try:
        real = station.paths.real(folder)
    except PathRefused:
        return
    if not real.is_dir():
        return
    # What changed before the watch began, and since it last ended.
    station.usb.request_scan()
    async for _ in names_changed(real, lambda name: name.endswith(ending)):
        station.usb.request_scan()
