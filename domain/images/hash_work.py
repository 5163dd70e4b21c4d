"""Hash work: which hashes are known, which are being calculated, and what became of them."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from domain.events import Hub
from domain.file_accesses import FileAccess
from domain.images.hash_jobs import HashJob, HashThreads
from domain.images.hash_refusals import ImageBusy
from domain.images.hash_states import (
    NO_FILE,
    NOT_HASHED,
    STOPPED,
    HashChanged,
    HashState,
    HashStatus,
)
from domain.images.hashing import Hashed, HashStopped, StillWritten
from domain.images.image import ImageKind
from domain.images.names import ImageName
from domain.images.store_folder import Stamp, StoredEntry, StoreFolder

RETRY_SECONDS = 5.0
"""For so long a failure is told to who asks; then asking begins the calculation again."""
STOP_SECONDS = 10.0
"""How long one waits for the block that is being read."""

log = logging.getLogger("provisioner.images")


@dataclass(frozen=True, slots=True)
class _Known:
    stamp: Stamp
    state: HashState
    since: float
    is_own: bool = True
    """Whether this service calculated it, as opposed to somebody's sidecar."""


class HashWork:
    """Belongs to the event loop's thread. `note` writes down what the service does by itself;
    `threads` is how many images are read at once."""

    def __init__(
        self,
        folder: StoreFolder,
        hub: Hub,
        *,
        note: FileAccess,
        threads: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._hub, self._note, self._clock = folder, hub, note, clock
        self._threads = HashThreads(
            folder, count=threads, progressed=self._progressed, ended=self._ended
        )
        self._known: dict[str, _Known] = {}
        self._jobs: dict[str, HashJob] = {}

    async def run(self) -> None:
        """Calculates until it is cancelled."""
        await self._threads.run()

    def state_of(self, entry: StoredEntry) -> HashState:
        """Returns what is known of an entry's hash."""
        if entry.kind is ImageKind.UNKNOWN:
            return NO_FILE
        if entry.kind is not ImageKind.TRADITIONAL:
            return _state_of_folder(entry)
        job = self._jobs.get(entry.name.text)
        if job is not None:
            return HashState.pending(job.progress)
        known = self._known.get(entry.name.text)
        is_same = known is not None and known.stamp == entry.stamp
        if known is not None and is_same and known.state.status is HashStatus.COMPLETE:
            return known.state
        # A sidecar that is younger than a content known to be gone says nothing of the new one.
        if entry.sha256 is not None and (known is None or is_same):
            state = HashState.complete(entry.sha256)
            self._known[entry.name.text] = _Known(entry.stamp, state, self._clock(), is_own=False)
            return state
        return known.state if known is not None and is_same else NOT_HASHED

    def is_own(self, entry: StoredEntry) -> bool:
        """Whether this service itself has calculated the hash of exactly this content."""
        known = self._known.get(entry.name.text)
        is_same = known is not None and known.stamp == entry.stamp
        return known is not None and is_same and known.is_own and bool(known.state.sha256)

    def is_to_begin(self, entry: StoredEntry) -> bool:
        """Whether asking for the hash is to begin its calculation: nothing is known of it, or that
        it failed or was cancelled a while ago."""
        if entry.kind is not ImageKind.TRADITIONAL or entry.name.text in self._jobs:
            return False
        state = self.state_of(entry)
        if state.status in (HashStatus.FAILED, HashStatus.CANCELLED):
            return self._clock() - self._known[entry.name.text].since >= RETRY_SECONDS
        return state.status is HashStatus.NONE

    def is_busy(self, *, most_bytes: int) -> bool:
        """Whether an image of up to `most_bytes` is being read, or is about to be."""
        jobs = (job for job in self._jobs.values() if not job.is_parked)
        return any(job.stamp.size <= most_bytes for job in jobs)

    def find_job(self, name: ImageName) -> HashJob | None:
        """Returns the calculation of an image that waits or goes on, None where there is none."""
        return self._jobs.get(name.text)

    def begin(self, entry: StoredEntry, *, note: FileAccess, is_for_listeners: bool) -> None:
        """Queues a calculation; there must be none of this image."""
        name = entry.name
        self._known.pop(name.text, None)
        job = HashJob(name, entry.stamp, is_for_listeners=is_for_listeners)
        self._jobs[name.text] = job
        info = f"SHA256 calculation requested for: {name.text}"
        note("SHA256_START", self._folder.path(name), info=info)
        self._threads.add(job)
        self._hub.publish(HashChanged(name.text, HashState.pending()))

    def cancel(self, job: HashJob, *, note: FileAccess) -> None:
        """Tells a calculation to stop, and everybody that it was cancelled."""
        self._drop(job, note=note)
        self.remember(job.name, job.stamp, STOPPED)
        self._hub.publish(HashChanged(job.name.text, STOPPED))

    async def stop(self, name: ImageName, *, note: FileAccess) -> None:
        """Stops the calculation of an image, if there is one, and returns when nobody reads it
        any more; raises `ImageBusy`."""
        job = self._jobs.get(name.text)
        if job is None:
            return
        self._drop(job, note=note)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await job.at_rest()
        except TimeoutError as error:
            message = f"{name.text} is still being read; the disk does not answer."
            raise ImageBusy(message, detail=name.text) from error

    def remember(self, name: ImageName, stamp: Stamp, state: HashState) -> None:
        """Keeps what is known of one content of an image."""
        self._known[name.text] = _Known(stamp, state, self._clock())

    def forget(self, name: ImageName) -> None:
        """Forgets what is known of an image."""
        self._known.pop(name.text, None)

    def move(self, old: ImageName, new: ImageName) -> None:
        """Takes what is known of an image to its new name."""
        known = self._known.pop(old.text, None)
        if known is not None:
            # It was no other writer who put it there.
            self._known[new.text] = replace(known, is_own=True)

    def wake_parked(self) -> None:
        """Tries again what waits for the end of a copy."""
        for job in self._jobs.values():
            if job.is_parked:
                self._threads.add(job)

    def note_sidecar(self, name: ImageName, error: str, *, note: FileAccess) -> None:
        """Writes down whether an image's sidecar was written."""
        done = f"Wrote SHA256 sidecar for: {name.text}"
        failed = f"Failed to open SHA256 sidecar for writing: {name.text}"
        note("WRITE", self._folder.sidecar(name), success=not error, info=failed if error else done)
        if error:
            log.warning("the sidecar of %s cannot be written: %s", name, error)

    def _drop(self, job: HashJob, *, note: FileAccess) -> None:
        job.stop()
        self._jobs.pop(job.name.text, None)
        info = f"SHA256 calculation cancelled for: {job.name.text}"
        note("SHA256_CANCELLED", self._folder.path(job.name), info=info)

    def _progressed(self, job: HashJob, part: float) -> None:
        if self._jobs.get(job.name.text) is job:
            job.progress = part
            self._hub.publish(HashChanged(job.name.text, HashState.pending(part)))

    def _ended(self, job: HashJob, result: Hashed | Exception) -> None:
        if self._jobs.get(job.name.text) is not job:
            # It was stopped, and everybody has been told.
            return
        if isinstance(result, StillWritten):
            job.is_parked, job.progress = True, None
            self._hub.publish(HashChanged(job.name.text, HashState.pending()))
            return
        del self._jobs[job.name.text]
        self._hub.publish(HashChanged(job.name.text, self._outcome(job, result)))

    def _outcome(self, job: HashJob, result: Hashed | Exception) -> HashState | None:
        if isinstance(result, Hashed):
            return self._complete(job.name, result)
        if isinstance(result, FileNotFoundError):
            return None
        state = HashState.failed(self._failure(job.name, result))
        self.remember(job.name, job.stamp, state)
        return state

    def _complete(self, name: ImageName, hashed: Hashed) -> HashState:
        state = HashState.complete(hashed.sha256)
        self.remember(name, hashed.stamp, state)
        self.note_sidecar(name, hashed.sidecar_error, note=self._note)
        info = f"SHA256 calculated for: {name.text} = {hashed.sha256}"
        self._note("SHA256_COMPLETE", self._folder.path(name), info=info)
        return state

    def _failure(self, name: ImageName, error: Exception) -> str:
        what, reason = "error", "Something unexpected went wrong; the log has it"
        if isinstance(error, OSError):
            what, reason = "filesystem error", error.strerror or "the disk failed"
        elif not isinstance(error, HashStopped):
            log.error("hashing %s failed", name, exc_info=error)
        info = f"SHA256 calculation {what} for: {name.text} - {reason}"
        self._note("SHA256_ERROR", self._folder.path(name), success=False, info=info)
        return f"The image cannot be read: {reason}."


def _state_of_folder(entry: StoredEntry) -> HashState:
    if entry.sidecar_error:
        return HashState.failed(entry.sidecar_error)
    return HashState.complete(entry.sha256) if entry.sha256 else NOT_HASHED
