"""A real store in a temporary folder, with everything that looks after it."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.store_watch import StoreWatch
from domain.configuration.configuration import Configuration
from domain.events import Event, Hub, Lagged, Subscription
from domain.host_paths import HostPaths
from domain.images.gold_master import VARIABLE, GoldMaster
from domain.images.hash_states import HashChanged, HashState, HashStatus
from domain.images.hashes import Hashes
from domain.images.images import Images
from domain.images.names import ImageName
from domain.images.store_folder import StoreFolder
from tests.fakes.device_files import Accesses

LIMIT = 10
OLD = 1_700_000_000


@dataclass
class Store:
    """The parts of a store and the folder that they work in."""

    real: Path
    hub: Hub
    notes: Accesses
    configuration: Configuration
    folder: StoreFolder
    hashes: Hashes
    images: Images

    def put(self, name: str, content: bytes = b"image", *, at: int | None = OLD) -> Path:
        """Puts a file into the store, last written at `at` (seconds); None is now."""
        path = self.real / name
        path.write_bytes(content)
        if at is not None:
            os.utime(path, (at, at))
        return path

    def put_sidecar(self, name: str, digits: str, *, at: int | None = OLD) -> Path:
        """Puts an image's sidecar into the store."""
        return self.put(f"{name}.sha256", f"{digits}\n".encode(), at=at)

    def put_artefact(self, name: str, **files: bytes) -> Path:
        """Puts an IDP artefact into the store; names of files are written with `_` for `.`."""
        path = self.real / name
        path.mkdir()
        for file, content in (files or {"image_json": b"{}"}).items():
            (path / file.replace("_", ".")).write_bytes(content)
        return path

    def select(self, path: str) -> None:
        """Makes the image at this logical path the gold master."""
        self.configuration.update_now({VARIABLE: path})

    @property
    def gold_master(self) -> str:
        """The logical path of the gold master."""
        return self.configuration.value_now(VARIABLE)

    @property
    def names(self) -> list[str]:
        """Everything that lies in the store, hidden or not."""
        return sorted(path.name for path in self.real.iterdir())

    async def state(self, name: str) -> HashState:
        """Returns what is known of a hash."""
        return (await self.images.get(ImageName(name))).hash


def make_store(root: Path) -> Store:
    """Returns an empty store below `root`."""
    paths, hub, notes = HostPaths(root), Hub(), Accesses()
    configuration = Configuration(paths, hub)
    folder = StoreFolder(paths)
    folder.make()
    hashes = Hashes(folder, hub, note=notes, threads=2)
    gold_master = GoldMaster(configuration, config=paths.config)
    images = Images(hub, folder, hashes, gold_master, note=notes)
    return Store(folder.base(), hub, notes, configuration, folder, hashes, images)


@asynccontextmanager
async def hashing(store: Store) -> AsyncIterator[None]:
    """Calculates hashes within the context, and nothing else."""
    task = asyncio.create_task(store.hashes.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=LIMIT)


@asynccontextmanager
async def looked_after(store: Store) -> AsyncIterator[None]:
    """Does within the context all that the service does beside requests; begins after the first
    look, when the kernel's word is heard."""
    looking, events = store.images.looking, StoreWatch(store.folder.base)
    work = (store.hashes.run(), looking.follow_station(), looking.follow(events), looking.run())
    tasks = [asyncio.create_task(each) for each in work]
    try:
        await asyncio.wait_for(looking.heard.wait(), LIMIT)
        await looking.look()
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=LIMIT)


async def next_event(subscription: Subscription) -> Event:
    """Returns the next event, waiting at most 10 s."""
    news = await asyncio.wait_for(subscription.next(), LIMIT)
    assert not isinstance(news, Lagged)
    return news.event


async def hash_of(subscription: Subscription, name: str, *statuses: HashStatus) -> HashState:
    """Waits until the image's hash has one of `statuses`, complete if none is given."""
    wanted = statuses or (HashStatus.COMPLETE,)
    while True:
        event = await next_event(subscription)
        state = event.state if isinstance(event, HashChanged) and event.name == name else None
        if state is not None and state.status in wanted:
            return state


def sha256(content: bytes) -> str:
    """Returns the digits that a content is known by."""
    return hashlib.sha256(content).hexdigest()
