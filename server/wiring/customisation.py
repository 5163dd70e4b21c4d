"""Builds what the station keeps of its own scripts, and what looks after them."""

from dataclasses import dataclass

from adapters.inotify import names_changed
from adapters.nobody_cell import NobodyCell
from adapters.service_db.database import ServiceDb
from adapters.service_db.script_versions import StoredVersions
from adapters.shells import SystemShells
from domain.configuration.configuration import Configuration
from domain.customisation.dry_runs import DryRuns
from domain.customisation.hidden_places import HiddenPlaces
from domain.customisation.script_folder import STAGED, ScriptFolder
from domain.customisation.script_history import ScriptHistory
from domain.customisation.scripts import Scripts
from domain.customisation.versions import History
from domain.events import Hub
from domain.host_paths import HostPaths
from server.background import Background

AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class CustomisationParts:
    """The features about scripts, and their folder."""

    folder: ScriptFolder
    scripts: Scripts
    history: ScriptHistory
    dry_runs: DryRuns


def build_customisation(
    paths: HostPaths, hub: Hub, *, service_db: ServiceDb, configuration: Configuration
) -> CustomisationParts:
    """Returns the features; they open nothing."""
    folder, past = ScriptFolder(paths), History(StoredVersions(service_db))
    scripts = Scripts(hub, folder, SystemShells(), past)
    return CustomisationParts(
        folder,
        scripts,
        ScriptHistory(folder, scripts, past),
        DryRuns(folder, scripts, NobodyCell(), HiddenPlaces(paths, configuration)),
    )


def watch_customisation(background: Background, parts: CustomisationParts) -> None:
    """Starts what hears of changes that others make, and the net below it."""

    async def follow() -> None:
        folder = parts.folder.base()
        if not folder.is_dir():
            return
        async for _ in names_changed(folder, _is_told, modes=True):
            await parts.scripts.catch_up()

    # Where the folder is not there yet, the look each second is the net (design 4).
    background.repeat("the watch of scripts", AGAIN_SECONDS, follow)
    background.repeat("the look at scripts", AGAIN_SECONDS, parts.scripts.catch_up)


def _is_told(name: str) -> bool:
    return not name.endswith(STAGED)
