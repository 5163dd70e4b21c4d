"""The choice of the gold master: examined, selected, given up."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass

from domain.configuration.configuration import Configuration
from domain.errors import Conflict
from domain.file_accesses import FileAccess
from domain.host_paths import HostPaths, PathRefused
from domain.images.analyses import Analyses, Analysis
from domain.images.gold_master import VARIABLE
from domain.images.gold_master_preflight import (
    CIPHER,
    FAMILY,
    STORAGE,
    WORKDIR,
    Preflight,
    examine,
)
from domain.images.image import LISTED, Image
from domain.images.images import Images
from domain.images.names import ImageName, image_not_found


class GoldMasterContradicted(Conflict):
    """Something of the image would make boards fail."""

    code = "GOLD_MASTER_CONTRADICTED"
    title = "Image Does Not Fit"
    meaning = "The image is broken, or contradicts the configuration: boards would fail with it."
    remedy = (
        "Do what `goldMasterPreflight` of the image says; `adopt` sets family, storage and cipher "
        "as an artefact wants them, `force` selects the image all the same."
    )


@dataclass(frozen=True, slots=True)
class Selected:
    """The image that is the gold master now, what was found of it, and the path of the one before,
    empty where there was none."""

    image: Image
    preflight: Preflight
    previous: str


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms an image is selected: `adopt` sets what an artefact says of family, storage
    and cipher too, `force` takes it whatever contradicts."""

    adopt: bool = False
    force: bool = False


PLAIN = Terms()


class GoldMasterChoice:
    """Belongs to the event loop's thread."""

    def __init__(
        self, paths: HostPaths, images: Images, analyses: Analyses, configuration: Configuration
    ) -> None:
        self._paths, self._images, self._analyses = paths, images, analyses
        self._configuration = configuration

    async def preflight(self, name: ImageName, terms: Terms = PLAIN) -> Preflight:
        """Returns what would be found if the image were selected; nothing is changed.

        Raises `ImageNotFound`, `ImageUnreadable` and `ConfigUnreadable`.
        """
        image, analysis = await self._images.get(name), await self._analyses.get(name)
        return await self._examine(image, analysis, terms)

    async def select(self, name: ImageName, terms: Terms = PLAIN, *, note: FileAccess) -> Selected:
        """Makes an image the gold master. Raises `ImageNotFound` (also for what is no image),
        `ImageUnreadable`, `GoldMasterContradicted`, and what the configuration raises."""
        async with self._images.undisturbed():
            image, analysis = await self._images.get(name), await self._analyses.get(name)
            if image.kind not in LISTED:
                raise image_not_found(name.text)
            found = await self._examine(image, analysis, terms)
            if found.blockers and not terms.force:
                raise _contradicted(name, found)
            wanted = _adopted(analysis) if terms.adopt else {}
            previous = await self._store({VARIABLE: image.path, **wanted}, note=note)
        return Selected(await self._images.get(name), found, previous)

    async def clear(self, *, note: FileAccess) -> str:
        """Selects none; returns the path of the one before, empty where there was none. Raises
        what the configuration raises."""
        async with self._images.undisturbed():
            if not await self._configuration.value(VARIABLE):
                return ""
            return await self._store({VARIABLE: ""}, note=note)

    async def _examine(self, image: Image, analysis: Analysis, terms: Terms) -> Preflight:
        settings = await self._configuration.values()
        configured = {name: setting.value for name, setting in settings.items()}
        if terms.adopt:
            configured |= _adopted(analysis)
        free = await asyncio.to_thread(self._free_bytes, configured.get(WORKDIR, ""))
        return examine(analysis, configured, image.hash, free_bytes=free)

    async def _store(self, changes: Mapping[str, str], *, note: FileAccess) -> str:
        done = await self._configuration.update(changes)
        note("WRITE", self._paths.config, info="Config updated")
        return next((change.old for change in done if change.name == VARIABLE), "")

    def _free_bytes(self, workdir: str) -> int | None:
        """Returns the room where the working folder is or would be made."""
        if not workdir.startswith("/"):
            return None
        try:
            real = self._paths.real(workdir)
            there = next(place for place in (real, *real.parents) if place.is_dir())
            status = os.statvfs(there)
        except (OSError, PathRefused, StopIteration):
            return None
        return status.f_bavail * status.f_frsize


def _adopted(analysis: Analysis) -> dict[str, str]:
    """Returns the settings that an artefact wants (contract images 6.1)."""
    if analysis.artefact is None:
        return {}
    told = analysis.artefact.descriptor
    wanted = {FAMILY: told.family, STORAGE: told.storage_type, CIPHER: told.map.cipher}
    return {name: value for name, value in wanted.items() if value}


def _contradicted(name: ImageName, found: Preflight) -> GoldMasterContradicted:
    reasons = " ".join(finding.because for finding in found.blockers[:5])
    message = f"{name.text} was not selected. {reasons}"
    return GoldMasterContradicted(message, detail=name.text, field="name")
