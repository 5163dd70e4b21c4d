"""The hash of a stored image against `openssl dgst -sha256` of the same file, and two images at
once against one.

Run: .venv/bin/python benchmarks/hashing.py [MEBIBYTES] [ROUNDS] [FOLDER]. The files are in the
page cache; of each way the best of all rounds counts, and the rounds of all ways alternate.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from domain.events import Hub
from domain.file_accesses import unnoted
from domain.host_paths import HostPaths
from domain.images.hash_states import HashChanged, HashStatus
from domain.images.hashes import Hashes
from domain.images.names import ImageName
from domain.images.store_folder import StoreFolder

MEBIBYTES = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 7
FOLDER = sys.argv[3] if len(sys.argv) > 3 else None
NAMES = (ImageName("one.img"), ImageName("two.img"))


def main() -> None:
    with tempfile.TemporaryDirectory(dir=FOLDER) as root:
        asyncio.run(measure(Path(root)))


async def measure(root: Path) -> None:
    folder, hub = StoreFolder(HostPaths(root)), Hub()
    folder.make()
    paths = [folder.base() / name.text for name in NAMES]
    for path in paths:
        fill(path)
    hashes = Hashes(folder, hub, note=unnoted, threads=len(os.sched_getaffinity(0)))
    openssl, one, two, lag = [list[float]() for _ in range(4)]
    async with running(hashes):
        for _ in range(ROUNDS):
            openssl.append(await asyncio.to_thread(digest, paths[0]))
            one.append(await hash_all(hashes, hub, NAMES[:1]))
            async with lag_into(lag):
                two.append(await hash_all(hashes, hub, NAMES))
    report(min(openssl), min(one), min(two), max(lag))


def fill(path: Path) -> None:
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        for _ in range(MEBIBYTES):
            file.write(block)
    # The hash begins when the file's time is of the past.
    os.utime(path, (1_700_000_000, 1_700_000_000))


def digest(path: Path) -> float:
    began = time.perf_counter()
    subprocess.run(["openssl", "dgst", "-sha256", str(path)], check=True, capture_output=True)
    return time.perf_counter() - began


async def hash_all(hashes: Hashes, hub: Hub, names: tuple[ImageName, ...]) -> float:
    left = {name.text for name in names}
    with hub.subscribe(HashChanged) as changes:
        began = time.perf_counter()
        for name in names:
            await hashes.rehash(name, note=unnoted)
        while left:
            news = await changes.next()
            event = getattr(news, "event", None)
            if isinstance(event, HashChanged) and event.state:
                assert event.state.status in (HashStatus.PENDING, HashStatus.COMPLETE)
                left -= {event.name} if event.state.status is HashStatus.COMPLETE else set()
        return time.perf_counter() - began


@contextlib.asynccontextmanager
async def running(hashes: Hashes) -> AsyncIterator[None]:
    task = asyncio.create_task(hashes.run())
    yield
    task.cancel()
    await asyncio.wait([task])


@contextlib.asynccontextmanager
async def lag_into(lags: list[float]) -> AsyncIterator[None]:
    """Measures how late the event loop wakes within the context."""

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            lags.append(time.perf_counter() - began - 0.005)

    task = asyncio.create_task(watch())
    yield
    task.cancel()


def report(openssl: float, one: float, two: float, lag: float) -> None:
    print(f"openssl dgst -sha256   {MEBIBYTES / openssl:8.0f} MiB/s")
    print(f"one stored image       {MEBIBYTES / one:8.0f} MiB/s")
    print(f"two stored images      {2 * MEBIBYTES / two:8.0f} MiB/s")
    print(f"one against openssl    {openssl / one:8.2f} x (budget 0.95)")
    print(f"two against one        {2 * one / two:8.2f} x (budget 1.80)")
    print(f"longest loop delay     {lag * 1000:8.1f} ms while two are hashed")


if __name__ == "__main__":
    main()
