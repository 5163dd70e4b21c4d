"""A program that is killed at each change it makes to the disk, one after the other.

Usage: python -m tests.domain.images.killing ROOT {rename,delete} {file,folder}. For each change it
prints one line of JSON: what an observer sees at that moment, and after the next start.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

from domain.images.names import ImageName
from domain.images.store_folder import StoreUnusable
from tests.domain.images.store import Store, make_store

CHANGES = frozenset(
    {"os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir", "os.mkdir", "os.utime"}
)
"""What Python tells its audit hooks of before it asks the kernel (docs.python.org, audit table)."""
STORE = "/srv/rpi-sb-provisioner/images"
DIGITS = "ab" * 32
OLD, NEW = ImageName("a"), ImageName("new")


def fill(store: Store, kind: str) -> None:
    """Puts the image into the store and makes it the gold master."""
    if kind == "file":
        store.put("a", b"abc")
    else:
        store.put_artefact("a")
    store.put_sidecar("a", DIGITS)
    store.put_sidecar("new", "cd" * 32)
    store.select(f"{STORE}/a")


async def change(store: Store, action: str) -> None:
    """Does what is killed."""
    if action == "rename":
        await store.images.rename(OLD, NEW, note=store.notes)
    else:
        await store.images.delete(OLD, note=store.notes)


async def seen(store: Store) -> dict[str, object]:
    """Returns what an observer sees of the store."""
    gold = store.gold_master
    leads = ImageName(Path(gold).name) if gold else None
    return {
        "gold": gold,
        "gold_is_there": leads is not None and store.folder.find(leads) is not None,
        "images": {image.name.text: image.hash.sha256 for image in await store.images.list_all()},
        "all": store.names,
    }


def killed_at(number: int) -> None:
    """Kills this process before its change of this number."""
    left = number

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        is_writing = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
        if event in CHANGES or is_writing:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def in_child(work: Callable[[], Coroutine[None, None, None]]) -> int:
    """Runs `work` in a process of its own, and returns how that ended (waitpid(2))."""
    child = os.fork()
    if child == 0:
        asyncio.run(work())
        sys.stdout.flush()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def main(root: Path, action: str, kind: str) -> None:
    """Kills once at each change, until there is none left."""
    ended, number = -1, 0
    while ended != 0:
        number += 1
        place = root / str(number)

        async def begin(place: Path = place, number: int = number) -> None:
            store = make_store(place)
            fill(store, kind)
            killed_at(number)
            await change(store, action)

        async def look(place: Path = place) -> None:
            before = await seen(make_store(place))
            again = make_store(place)
            await again.images.prepare()
            sys.stdout.write(json.dumps({"at": before, "after": await seen(again)}) + "\n")

        ended = in_child(begin)
        if in_child(look) != 0:
            raise StoreUnusable("the next start failed")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
