"""Boot packages: signed boot files of an image, made by a unit and kept beside the images
(contract images 8)."""

import asyncio
from collections.abc import AsyncGenerator

from domain.configuration.configuration import Configuration, ConfigurationChanged
from domain.events import Hub, Lagged, Published, Update
from domain.file_accesses import FileAccess
from domain.host_paths import HostPaths
from domain.images.boot_package_files import BootPackage, OpenPackage, PackageFolder
from domain.images.boot_package_refusals import (
    BootPackageNameMissing,
    BootPackageNotFound,
    BootPackageUnreadable,
    NotBootable,
    StyleUnsupported,
)
from domain.images.boot_package_states import (
    BootPackageChanged,
    BootPackageState,
    BootPackageStatus,
)
from domain.images.generator import STYLE, STYLES
from domain.images.generator_runs import Ended, GeneratorRuns, Running
from domain.images.image import ImageKind
from domain.images.names import ImageName, ImageNotFound, is_image_name, printable
from domain.images.store_folder import StoredEntry, StoreFolder
from domain.services.units import Units


class BootPackages:
    """Belongs to the event loop's thread. What the generator does is known while `runs` hears
    it."""

    def __init__(
        self,
        paths: HostPaths,
        hub: Hub,
        *,
        folder: StoreFolder,
        configuration: Configuration,
        units: Units,
    ) -> None:
        self._hub, self._folder, self._configuration = hub, folder, configuration
        self._packages = PackageFolder(paths)
        self.runs = GeneratorRuns(paths, hub, self._packages, configuration, units)

    async def state(self, image: str) -> BootPackageState:
        """Returns how it stands with an image's package; the image need not exist.

        Raises `BootPackageNameMissing`, `BootPackageUnreadable` and `ConfigUnreadable`.
        """
        if not image:
            raise _missing()
        style = await self._configuration.value(STYLE)
        if style not in STYLES:
            reason = f"Boards are provisioned in the style {_shown(style)}, which has none."
            return BootPackageState(image, BootPackageStatus.UNSUPPORTED, reason=reason)
        package, entry = await asyncio.to_thread(self._look, image)
        run = self.runs.find(image)
        state = _state(image, package, run)
        if package is None or entry is None or entry.sha256 is None or not package.image_sha256:
            return state
        is_current = package.image_sha256 == entry.sha256
        return BootPackageState(image, state.status, package, state.reason, state.since, is_current)

    async def generate(self, image: str, *, note: FileAccess) -> BootPackageState:
        """Has an image's package made, again if there is one; one that is under way goes on.

        Raises `StyleUnsupported`, `BootPackageNameMissing`, `ImageNotFound`, `ImageUnreadable`,
        `NotBootable`, `GeneratorNotStarted`, `BootPackageUnreadable` and `ConfigUnreadable`, in
        this order (contract images 8.2).
        """
        style = await self._configuration.value(STYLE)
        if style not in STYLES:
            message = (
                "Boot package generation only supported in secure-boot or fde-only mode "
                f"(current: {_shown(style)})"
            )
            raise StyleUnsupported(message)
        if not image:
            raise _missing()
        name = _asked(image)
        entry = await asyncio.to_thread(self._folder.find, name)
        if entry is None:
            raise _no_image(image)
        if entry.kind is not ImageKind.TRADITIONAL:
            message = f"{image} is no file; a boot package cannot be made of it."
            raise NotBootable(message, detail=image, field="name")
        await self.runs.start(image)
        info = "Manual boot package generation requested"
        note("GENERATE_BOOT_PACKAGE", self._folder.path(name), info=info)
        return await self.state(image)

    async def open(self, image: str, *, note: FileAccess) -> OpenPackage:
        """Returns an image's package, open; the style does not matter. Whoever asked closes it.

        Raises `BootPackageNameMissing`, `BootPackageNotFound` and `BootPackageUnreadable`.
        """
        if not image:
            raise _missing()
        try:
            opened = await asyncio.to_thread(self._packages.open, image)
        except OSError as error:
            raise _unreadable(error) from error
        if opened is None:
            message = "Boot package not found for this image"
            raise BootPackageNotFound(message, detail=printable(image), field="name")
        note("DOWNLOAD", opened.file.path, info=f"Boot package downloaded for image: {image}")
        return opened

    async def watch(self, image: str) -> AsyncGenerator[Update[BootPackageState], None]:
        """Yields how it stands with an image's package, then each change.

        Whoever begins to watch lets all others look again: nobody tells of packages that are put
        there or taken away by hand (contract images 9.2). Raises what `state` raises.
        """
        self._hub.publish(BootPackageChanged(image))
        with self._hub.subscribe(BootPackageChanged, ConfigurationChanged) as subscription:
            # The sequence is read before the state: a change in between is told again, never lost.
            sequence, last = self._hub.sequence, await self.state(image)
            yield Update(sequence, snapshot=True, value=last)
            while True:
                news = await subscription.next()
                is_anew = isinstance(news, Lagged)
                if not _is_about(news, image):
                    continue
                sequence, value = self._hub.sequence, await self.state(image)
                if is_anew or value != last:
                    last = value
                    yield Update(sequence, snapshot=is_anew, value=value)

    def _look(self, image: str) -> tuple[BootPackage | None, StoredEntry | None]:
        try:
            package = self._packages.find(image)
        except OSError as error:
            raise _unreadable(error) from error
        if package is None or not is_image_name(image):
            return package, None
        return package, self._folder.find(ImageName(image))


def _is_about(news: Published | Lagged, image: str) -> bool:
    if isinstance(news, Lagged):
        return True
    event = news.event
    return not isinstance(event, BootPackageChanged) or event.name == image


def _state(
    image: str, package: BootPackage | None, run: Running | Ended | None
) -> BootPackageState:
    if isinstance(run, Running):
        return BootPackageState(image, BootPackageStatus.GENERATING, package, since=run.began)
    made_since = package is not None and run is not None and package.noted != run.noted
    if isinstance(run, Ended) and not made_since:
        return BootPackageState(
            image, BootPackageStatus.FAILED, package, reason=run.reason, since=run.at
        )
    status = BootPackageStatus.AVAILABLE if package else BootPackageStatus.NOT_FOUND
    return BootPackageState(image, status, package)


def _asked(image: str) -> ImageName:
    if not is_image_name(image):
        raise _no_image(image)
    return ImageName(image)


def _no_image(image: str) -> ImageNotFound:
    return ImageNotFound(f"Image file not found: {printable(image)}", field="name")


def _missing() -> BootPackageNameMissing:
    return BootPackageNameMissing("Missing required parameter: name", field="name")


def _unreadable(error: OSError) -> BootPackageUnreadable:
    reason = error.strerror or "the disk failed"
    return BootPackageUnreadable("Failed to check boot package", detail=reason)


def _shown(style: str) -> str:
    return style.encode("utf-8", "replace").decode() or "unknown"
