"""Looking: what the store holds now, and what is another way than at the last look."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from domain.configuration.configuration import ConfigurationChanged
from domain.events import Hub, Lagged
from domain.images.gold_master import GoldMaster
from domain.images.hash_states import HashChanged, HashStatus
from domain.images.hashes import Hashes
from domain.images.image import Image, ImageAdded, ImageChanged, ImageRemoved
from domain.images.names import ImageName
from domain.images.store_folder import StoredEntry, StoreFolder

NET_SECONDS = 5.0
"""Until a look without any reason: what is inside artefacts, and on file systems of other
machines, changes without the kernel's word."""

BRIEF_BYTES = 16 * 1024 * 1024
"""The largest image whose hash a start waits for: some ten milliseconds."""


@dataclass(frozen=True, slots=True)
class StoreChange:
    """Something happened to a name in the store. `is_written` tells that a file is complete: its
    writer closed it, or it was moved there whole."""

    name: str
    is_written: bool


class StoreEvents(Protocol):
    """The kernel's own word that something in the store changed."""

    def changes(self) -> AsyncGenerator[StoreChange, None]:
        """Yields once when it begins to hear, then each change of an image or a sidecar; ends when
        the folder is gone or was never there."""


class Looking:
    """Belongs to the event loop's thread."""

    def __init__(
        self, hub: Hub, folder: StoreFolder, hashes: Hashes, gold_master: GoldMaster
    ) -> None:
        self._hub, self._folder, self._hashes = hub, folder, hashes
        self._gold_master = gold_master
        self._turn = asyncio.Lock()
        self._wanted = asyncio.Event()
        self.heard = asyncio.Event()
        """Set once the kernel's word has been heard for the first time."""
        self._looked = asyncio.Event()
        self._written: set[str] = set()
        self._seen: dict[str, Image] | None = None

    async def look(self) -> list[Image]:
        """Returns the images by name, and tells of what changed since the last look."""
        async with self._turn:
            entries, gold = await asyncio.to_thread(self._scan)
            return self._compare(entries, gold)

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Looks at nothing within the context: what is half done there is nobody's to see."""
        async with self._turn:
            yield

    async def look_at(self, name: ImageName) -> Image:
        """Returns what lies under this name; raises `ImageNotFound` and `ImageUnreadable`."""
        entry = await asyncio.to_thread(self._folder.get, name)
        return self._image(entry, await self._gold_master.path())

    async def run(self) -> None:
        """Looks whenever there is a reason, and begins the hashes that are missing."""
        while True:
            self._wanted.clear()
            await self._look_and_hash()
            self._looked.set()
            try:
                async with asyncio.timeout(NET_SECONDS):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    async def settled(self) -> None:
        """Returns when `run` has looked once and the hashes of small images are known."""
        await self._looked.wait()
        await self._hashes.settled(most_bytes=BRIEF_BYTES)

    def request(self) -> None:
        """Wants a look; returns at once."""
        self._wanted.set()

    async def follow(self, events: StoreEvents) -> None:
        """Hears what the kernel tells, until the folder is gone."""
        async with aclosing(events.changes()) as changes:
            async for change in changes:
                if change.is_written:
                    self._written.add(change.name)
                self._wanted.set()
                self.heard.set()

    async def follow_station(self) -> None:
        """Hears what else makes images another way: their hashes, and the configuration."""
        with self._hub.subscribe(HashChanged, ConfigurationChanged) as subscription:
            while True:
                news = await subscription.next()
                if isinstance(news, Lagged) or not _is_under_way(news.event):
                    self._wanted.set()

    async def _look_and_hash(self) -> None:
        written, self._written = self._written, set()
        async with self._turn:
            entries, gold = await asyncio.to_thread(self._scan)
            for place, entry in enumerate(entries):
                if entry.name.text in written and await self._hashes.written(entry):
                    entries[place] = replace(entry, sha256=None)
            for entry in entries:
                self._hashes.ensure(entry)
            self._compare(entries, gold)
        self._hashes.wake_parked()

    def _scan(self) -> tuple[list[StoredEntry], str]:
        return self._folder.list_all(), self._gold_master.path_now()

    def _compare(self, entries: list[StoredEntry], gold: str) -> list[Image]:
        images = [self._image(entry, gold) for entry in entries]
        before, now = self._seen, {image.name.text: _without_progress(image) for image in images}
        self._seen = now
        if before is None:
            return images
        for name in before.keys() - now.keys():
            self._hashes.gone(ImageName(name))
            self._hub.publish(ImageRemoved(name))
        for image in images:
            known = before.get(image.name.text)
            if known is None:
                self._hub.publish(ImageAdded(image))
            elif known != now[image.name.text]:
                self._hub.publish(ImageChanged(image))
        return images

    def _image(self, entry: StoredEntry, gold: str) -> Image:
        path = self._folder.path(entry.name)
        return Image(
            name=entry.name,
            kind=entry.kind,
            path=path,
            size_bytes=entry.size_bytes,
            modified_at=entry.modified_at,
            is_gold_master=path == gold,
            hash=self._hashes.state_of(entry),
        )


def _without_progress(image: Image) -> Image:
    return replace(image, hash=replace(image.hash, progress=None))


def _is_under_way(event: object) -> bool:
    if not isinstance(event, HashChanged) or event.state is None:
        return False
    return event.state.status is HashStatus.PENDING
