"""What goes on beside the requests: the sources that are watched, and their nets (design 4)."""

from adapters.inotify import names_changed
from domain.station import Station
from server.background import Background
from server.wiring.watching_configuration import watch_configuration

CATCH_UP_SECONDS = 1.0
READINESS_SECONDS = 10.0
FLAG_SECONDS = 1.0


def start_watching(background: Background, station: Station) -> None:
    """Starts every watch; they end with `background`."""
    background.repeat("the check of parts", READINESS_SECONDS, station.readiness.check)
    background.repeat("the reading of states", CATCH_UP_SECONDS, station.devices.catch_up)
    _follow_states(background, station)
    watch_configuration(background, station)
    background.repeat("the reading of flags", FLAG_SECONDS, station.flags.catch_up)


def _follow_states(background: Background, station: Station) -> None:
    folder = station.paths.real(station.paths.state_db).parent

    async def follow() -> None:
        if not folder.is_dir():
            return
        async for _ in names_changed(folder, lambda name: name.startswith("state.db")):
            await station.devices.catch_up()

    # Where the folder is not there yet, the check each second is the net (design 4).
    background.repeat("the watch of states", CATCH_UP_SECONDS, follow)
