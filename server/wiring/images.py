"""Builds the image store with its hashes, and what looks after it."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters.store_watch import StoreWatch
from domain.audit.entries import file_entry
from domain.audit.log import AuditLog
from domain.caller import acting
from domain.configuration.configuration import Configuration
from domain.events import Hub
from domain.file_accesses import FileAccess
from domain.host_paths import HostPaths
from domain.images.analyses import Analyses
from domain.images.boot_packages import BootPackages
from domain.images.gold_master import GoldMaster
from domain.images.gold_master_choice import GoldMasterChoice
from domain.images.hashes import Hashes
from domain.images.images import Images
from domain.images.store_folder import StoreFolder
from domain.services.units import Units
from server.background import Background

AGAIN_SECONDS = 1.0
"""Until something that ended is tried again."""


@dataclass(frozen=True, slots=True)
class ImageStore:
    """The store, what is known of its images, and the configuration's view of it."""

    images: Images
    hashes: Hashes
    analyses: Analyses
    boot_packages: BootPackages
    gold_master: GoldMaster
    choice: GoldMasterChoice


def build_images(
    paths: HostPaths,
    hub: Hub,
    *,
    configuration: Configuration,
    audit: AuditLog,
    units: Units,
) -> ImageStore:
    """Returns the store; it is looked after from `watch_images` on."""
    note, folder = own_accesses(audit), StoreFolder(paths)
    cores = len(os.sched_getaffinity(0))
    hashes = Hashes(folder, hub, note=note, threads=cores)
    gold_master = GoldMaster(configuration, config=paths.config)
    images = Images(hub, folder, hashes, gold_master, note=note)
    boot_packages = BootPackages(
        paths, hub, folder=folder, configuration=configuration, units=units
    )
    analyses = Analyses(folder)
    choice = GoldMasterChoice(paths, images, analyses, configuration)
    return ImageStore(images, hashes, analyses, boot_packages, gold_master, choice)


def own_accesses(audit: AuditLog) -> FileAccess:
    """Returns what writes down the files that the service touches by itself, and whose operation
    led to it if one did."""

    def note(operation: str, target: str, *, success: bool = True, info: str = "") -> None:
        now = datetime.now(UTC)
        audit.record(
            file_entry(acting.get(), operation, target, at=now, success=success, info=info)
        )

    return note


def watch_images(background: Background, store: ImageStore) -> None:
    """Starts what looks at the store, hears of its changes, and calculates hashes."""
    images, looking = store.images, store.images.looking
    events = StoreWatch(images.folder.base)

    async def follow() -> None:
        await looking.follow(events)

    async def look() -> None:
        await images.prepare()
        await looking.run()

    background.repeat("the hashing of images", AGAIN_SECONDS, store.hashes.run)
    background.repeat("the watch of images", AGAIN_SECONDS, follow)
    background.repeat("the hearing of hashes", AGAIN_SECONDS, looking.follow_station)
    background.repeat("the look at images", AGAIN_SECONDS, look)
    background.repeat("the hearing of generators", AGAIN_SECONDS, store.boot_packages.runs.run)
