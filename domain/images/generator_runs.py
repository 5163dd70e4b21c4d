"""Runs of the generator: which are under way, and how the last one of each image ended."""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from domain.configuration.configuration import Configuration
from domain.configuration.file import ConfigUnreadable
from domain.errors import ProvisionerError
from domain.events import Event, Hub, Lagged, Subscription
from domain.host_paths import HostPaths
from domain.images.boot_package_files import PackageFolder
from domain.images.boot_package_refusals import GeneratorNotStarted
from domain.images.boot_package_states import BootPackageChanged
from domain.images.generator import (
    GeneratorLog,
    GeneratorUnit,
    how_ended,
    image_of,
    why_skipped,
)
from domain.images.image import ImageRemoved
from domain.services.units import (
    UnitChanged,
    Units,
    UnitState,
    UnitsUnavailable,
    UnitUnknown,
)

NET_SECONDS = 2.0
"""So often systemd is asked about runs whose end nobody told."""
Noted = tuple[int, int] | None
_OVER = frozenset({"inactive", "failed"})

log = logging.getLogger("provisioner.images")


@dataclass(frozen=True, slots=True)
class Running:
    """A run under way. `noted` is the note that lay there when it began, `logged` the size of the
    generator's log then; `is_alone` tells that no other run has been writing into it since."""

    began: datetime
    noted: Noted
    logged: int
    is_alone: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that made no package; `reason` is a sentence. `noted` is the note that lay there."""

    at: datetime
    reason: str
    noted: Noted


class GeneratorRuns:
    """Belongs to the event loop's thread."""

    def __init__(
        self,
        paths: HostPaths,
        hub: Hub,
        packages: PackageFolder,
        configuration: Configuration,
        units: Units,
    ) -> None:
        self._hub, self._packages, self._units = hub, packages, units
        self._configuration = configuration
        self._log, self._unit = GeneratorLog(paths), GeneratorUnit(paths)
        self._runs: dict[str, Running | Ended] = {}
        self._is_taken_over = False
        self._turn = asyncio.Lock()

    def find(self, image: str) -> Running | Ended | None:
        """Returns the run under way, or the last one if it made no package."""
        return self._runs.get(image)

    async def start(self, image: str) -> None:
        """Starts the generator; one that is at work on this image goes on. Raises
        `GeneratorNotStarted`."""
        async with self._turn:
            if not isinstance(self._runs.get(image), Running):
                await self._start(image)

    async def _start(self, image: str) -> None:
        before = self._runs.get(image)
        unit = await asyncio.to_thread(self._unit.name_for, image)
        # Known before it is started: its end may be told before the start is answered.
        self._note_begun(image, await self._begun(image))
        try:
            await self._units.start(unit)
        except ProvisionerError as error:
            self._put_back(image, before)
            message = f"The boot package of {image} cannot be made: {error.message}"
            raise GeneratorNotStarted(message, detail=unit) from error
        except asyncio.CancelledError:
            # systemd may have taken the job all the same; the net finds out.
            self._hub.publish(BootPackageChanged(image))
            raise
        self._hub.publish(BootPackageChanged(image))

    async def run(self) -> None:
        """Hears how runs go until it is cancelled."""
        with self._hub.subscribe(UnitChanged, ImageRemoved) as subscription:
            await self._take_over()
            while True:
                event = await self._next(subscription)
                if isinstance(event, UnitChanged):
                    await self._hear(event)
                elif isinstance(event, ImageRemoved):
                    self._forget(event.name)
                else:
                    await self._ask_about_all()

    async def _next(self, subscription: Subscription) -> Event | None:
        """Returns the next event, None when it is time to ask systemd."""
        try:
            async with asyncio.timeout(NET_SECONDS):
                news = await subscription.next()
        except TimeoutError:
            return None
        return None if isinstance(news, Lagged) else news.event

    async def _begun(self, image: str) -> Running:
        noted, logged = await asyncio.to_thread(self._look, image)
        return Running(datetime.now(UTC), noted, logged)

    def _note_begun(self, image: str, run: Running) -> None:
        """Takes in that a run is under way; no line of the log says whose of several it is."""
        others = {
            other: known
            for other, known in self._runs.items()
            if isinstance(known, Running) and other != image
        }
        for other, known in others.items():
            self._runs[other] = replace(known, is_alone=False)
        self._runs[image] = replace(run, is_alone=not others)

    def _look(self, image: str) -> tuple[Noted, int]:
        try:
            package = self._packages.find(image)
        except OSError:
            package = None
        return package.noted if package else None, self._log.size()

    def _put_back(self, image: str, before: Running | Ended | None) -> None:
        if before is None:
            self._runs.pop(image, None)
        else:
            self._runs[image] = before

    def _forget(self, image: str) -> None:
        if isinstance(self._runs.get(image), Ended):
            del self._runs[image]

    async def _take_over(self) -> None:
        """Finds what runs, or failed, since before this service began; tried until systemd
        answers."""
        try:
            units = [] if self._is_taken_over else await self._units.list_units()
        except UnitsUnavailable:
            return
        self._is_taken_over = True
        for unit in units:
            image = image_of(unit.name)
            if image is None or image in self._runs:
                continue
            if unit.active_state not in _OVER:
                self._note_begun(image, await self._begun(image))
                self._hub.publish(BootPackageChanged(image))
            elif unit.active_state == "failed":
                await self._end(image, await self._begun(image), "failed")

    async def _hear(self, change: UnitChanged) -> None:
        image = image_of(change.name)
        if image is None:
            return
        run = self._runs.get(image)
        if change.active_state not in _OVER:
            if not isinstance(run, Running):
                # Somebody else started it: an upload's script, an administrator.
                self._note_begun(image, await self._begun(image))
                self._hub.publish(BootPackageChanged(image))
        elif isinstance(run, Running):
            await self._end(image, run, change.result)

    async def _ask_about_all(self) -> None:
        await self._take_over()
        for image, run in list(self._runs.items()):
            if not isinstance(run, Running):
                continue
            state = await self._state(image)
            age = (datetime.now(UTC) - run.began).total_seconds()
            if state is not None and state.unit.active_state in _OVER and age > NET_SECONDS:
                # What failed stays with its result until somebody resets it: this ended well.
                ended_well = state.unit.active_state == "inactive" and not state.result
                await self._end(image, run, "done" if ended_well else state.result)

    async def _state(self, image: str) -> UnitState | None:
        unit = await asyncio.to_thread(self._unit.name_for, image)
        try:
            return await self._units.get_state(unit)
        except (UnitsUnavailable, UnitUnknown):
            return None

    async def _end(self, image: str, run: Running, result: str) -> None:
        """Takes in that a run is over; `result` is systemd's word, empty where nobody saw."""
        noted, _ = await asyncio.to_thread(self._look, image)
        if noted is not None and noted != run.noted and result in ("", "success", "done"):
            self._runs.pop(image, None)
        else:
            reason = await self._reason(image, run, result)
            log.warning("no boot package of an image was made: %s", reason)
            self._runs[image] = Ended(datetime.now(UTC), reason, noted)
        self._hub.publish(BootPackageChanged(image))

    async def _reason(self, image: str, run: Running, result: str) -> str:
        said = await self._last_words(image, run)
        if result in ("success", "done"):
            why = await self._why_skipped()
            return f"The generator ended without making a package: {why}.{said}"
        if not result:
            return f"The generator ended unseen, and there is no new package.{said}"
        state = await self._state(image)
        if state is not None and state.result:
            result = state.result
        return f"The generator {how_ended(result, state)}.{said}"

    async def _last_words(self, image: str, run: Running) -> str:
        """Returns a sentence with the last line that this run wrote into the log of all of them,
        nothing where there is none."""
        line = await asyncio.to_thread(self._log.last_line, run.logged)
        now = self._runs.get(image)
        # Another one may have begun while this one's end was looked into.
        if not run.is_alone or (isinstance(now, Running) and not now.is_alone):
            return (
                " Another one wrote into the same log meanwhile; what this one said last is in the "
                "unit's journal."
            )
        return f" Its last words: {line}" if line else ""

    async def _why_skipped(self) -> str:
        try:
            return why_skipped(await self._configuration.values())
        except ConfigUnreadable as error:
            return error.message
