"""The hashes of images: asked for, watched, calculated again, stopped, and kept from uploads."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass

from domain.events import Event, Hub, Update, watch_changes
from domain.file_accesses import FileAccess
from domain.images.hash_refusals import HashNotRunning, NotHashable
from domain.images.hash_states import SHA256, STOPPED, HashChanged, HashState, HashStatus
from domain.images.hash_work import HashWork
from domain.images.hashing import keep_sidecar
from domain.images.image import ImageKind
from domain.images.names import ImageName, image_not_found
from domain.images.sidecars import remove_sidecar
from domain.images.store_folder import StoredEntry, StoreFolder

log = logging.getLogger("provisioner.images")


@dataclass(frozen=True, slots=True)
class AskedHash:
    """What is known of an image's hash; `is_begun` tells that asking began the calculation."""

    name: ImageName
    kind: ImageKind
    state: HashState
    is_begun: bool


class Hashes:
    """Belongs to the event loop's thread. `note` writes down what the service does by itself;
    `threads` is how many images are read at once."""

    def __init__(self, folder: StoreFolder, hub: Hub, *, note: FileAccess, threads: int) -> None:
        self._folder, self._hub, self._note = folder, hub, note
        self._work = HashWork(folder, hub, note=note, threads=threads)
        self._listeners: dict[str, int] = {}
        self._withheld: dict[str, int] = {}

    async def run(self) -> None:
        """Calculates until it is cancelled."""
        await self._work.run()

    def state_of(self, entry: StoredEntry) -> HashState:
        """Returns what is known of an entry's hash, without beginning anything."""
        return self._work.state_of(entry)

    async def settled(self, *, most_bytes: int) -> None:
        """Returns when no image of up to `most_bytes` is being read, or is about to be."""
        with self._hub.subscribe(HashChanged) as changes:
            while self._work.is_busy(most_bytes=most_bytes):
                await changes.next()

    async def ask(self, name: ImageName, *, note: FileAccess) -> AskedHash:
        """Returns what is known of the hash, and begins the calculation where nothing is, or
        where it failed or was cancelled a while ago.

        Raises `ImageNotFound` and `ImageUnreadable`.
        """
        entry = await asyncio.to_thread(self._folder.get, name)
        return self._ask(entry, note=note, is_for_listeners=False)

    def ensure(self, entry: StoredEntry) -> None:
        """Begins the calculation where nothing is known, for the station itself."""
        if self.state_of(entry).status is HashStatus.NONE:
            self._ask(entry, note=self._note, is_for_listeners=False)

    async def rehash(self, name: ImageName, *, note: FileAccess) -> HashState:
        """Begins the calculation whatever is known; one that is under way goes on.

        Raises `ImageNotFound`, `ImageUnreadable` and `NotHashable`.
        """
        entry = await asyncio.to_thread(self._folder.get, name)
        if entry.kind is not ImageKind.TRADITIONAL:
            message = f"{name.text} is no file; its hash cannot be calculated."
            raise NotHashable(message, detail=name.text, field="name")
        job = self._work.find_job(name)
        if job is not None:
            job.is_for_listeners = False
        elif name.text not in self._withheld:
            self._work.begin(entry, note=note, is_for_listeners=False)
        return self.state_of(entry)

    async def cancel(self, name: ImageName, *, note: FileAccess) -> HashState:
        """Stops the calculation, whoever wanted it; raises `ImageNotFound`, `ImageUnreadable` and
        `HashNotRunning`."""
        await asyncio.to_thread(self._folder.get, name)
        job = self._work.find_job(name)
        if job is None:
            message = f"The hash of {name.text} is not being calculated."
            raise HashNotRunning(message, detail=name.text, field="name")
        self._work.cancel(job, note=note)
        return STOPPED

    async def keep(self, name: ImageName, sha256: str, *, note: FileAccess) -> HashState:
        """Keeps a hash that was computed while the image was written: in memory and in the
        sidecar; a calculation that began meanwhile is given up.

        Call it when the image lies in its place. Raises `ImageNotFound`, `ImageUnreadable` and
        `ImageBusy`; a sidecar that cannot be written is noted and logged, the hash of a file is
        known all the same.
        """
        if not SHA256.fullmatch(sha256):
            raise ValueError("a SHA-256 is 64 hex digits")
        async with self.withheld(name, note=note):
            entry = await asyncio.to_thread(self._folder.get, name)
            state, digits = HashState.complete(sha256), sha256.lower()
            is_file = entry.kind is ImageKind.TRADITIONAL
            stamp = entry.stamp if is_file else None
            error = await asyncio.to_thread(keep_sidecar, self._folder, name, digits, stamp)
            if is_file or error:
                self._work.note_sidecar(name, error, note=note)
            self._work.remember(name, entry.stamp, state)
        self._hub.publish(HashChanged(name.text, state))
        return state

    @asynccontextmanager
    async def withheld(self, *names: ImageName, note: FileAccess) -> AsyncIterator[None]:
        """Within the context nothing of these images is calculated, so that they may be moved;
        what was under way is given up. Raises `ImageBusy`."""
        for name in names:
            self._withheld[name.text] = self._withheld.get(name.text, 0) + 1
        try:
            for name in names:
                await self._work.stop(name, note=note)
            yield
        finally:
            for name in names:
                _count_down(self._withheld, name.text)

    def moved(self, old: ImageName, new: ImageName) -> None:
        """Takes what is known of an image to its new name."""
        self._work.move(old, new)
        self._hub.publish(HashChanged(old.text, None))

    def gone(self, name: ImageName) -> None:
        """Forgets an image that is no longer there."""
        self._work.forget(name)
        job = self._work.find_job(name)
        if job is not None:
            self._work.cancel(job, note=self._note)
            self._work.forget(name)
        self._hub.publish(HashChanged(name.text, None))

    async def written(self, entry: StoredEntry) -> bool:
        """Hears that somebody finished writing a file; returns whether it is another content than
        the one whose hash is known.

        A sidecar of an older content is removed: the new one may carry an older time, and would
        be taken for the one that was hashed.
        """
        if entry.kind is not ImageKind.TRADITIONAL or self._work.is_own(entry):
            return False
        if entry.name.text in self._withheld:
            # Who moves it knows what becomes of its hash.
            return False
        self._work.forget(entry.name)
        try:
            await asyncio.to_thread(self._remove_sidecar, entry.name)
        except OSError as error:
            log.warning("the sidecar of %s cannot be removed: %s", entry.name, error.strerror)
        return True

    def wake_parked(self) -> None:
        """Tries again what waits for the end of a copy."""
        self._work.wake_parked()

    async def watch(
        self, name: ImageName, *, note: FileAccess
    ) -> AsyncGenerator[Update[HashState], None]:
        """Yields what is known of the hash, then each change until the image is gone; begins the
        calculation where nothing is known.

        A calculation that exists only for those who watch ends with the last of them (contract
        images 7). Raises `ImageNotFound`, also when the image goes, and `ImageUnreadable`.
        """

        async def snapshot() -> HashState:
            entry = await asyncio.to_thread(self._folder.get, name)
            return self._ask(entry, note=note, is_for_listeners=True).state

        def change(event: Event) -> HashState | None:
            if not isinstance(event, HashChanged) or event.name != name.text:
                return None
            if event.state is None:
                raise image_not_found(name.text)
            return event.state

        with self._listening(name):
            updates = watch_changes(self._hub, HashChanged, snapshot=snapshot, change=change)
            async with aclosing(updates):
                async for update in updates:
                    yield update

    @contextmanager
    def _listening(self, name: ImageName) -> Iterator[None]:
        self._listeners[name.text] = self._listeners.get(name.text, 0) + 1
        try:
            yield
        finally:
            _count_down(self._listeners, name.text)
            job = self._work.find_job(name)
            if job and job.is_for_listeners and name.text not in self._listeners:
                self._work.cancel(job, note=self._note)

    def _ask(self, entry: StoredEntry, *, note: FileAccess, is_for_listeners: bool) -> AskedHash:
        job = self._work.find_job(entry.name)
        if job is not None and not is_for_listeners:
            job.is_for_listeners = False
        begins = self._work.is_to_begin(entry) and entry.name.text not in self._withheld
        if begins:
            self._work.begin(entry, note=note, is_for_listeners=is_for_listeners)
        state = self.state_of(entry)
        if entry.kind is ImageKind.TRADITIONAL and state.status is HashStatus.NONE:
            # It is being moved or its hash is about to be kept; that ends soon.
            state = HashState.pending()
        return AskedHash(entry.name, entry.kind, state, begins)

    def _remove_sidecar(self, name: ImageName) -> None:
        remove_sidecar(self._folder.base() / name.sidecar)


def _count_down(counts: dict[str, int], name: str) -> None:
    counts[name] -= 1
    if not counts[name]:
        del counts[name]
