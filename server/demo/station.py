"""Builds a throw-away station in the layout of a real one, with a history."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from domain.errors import Conflict
from domain.host_paths import HostPaths
from server.demo.attempts import Attempt
from server.demo.batches import CURRENT, Batch, make_batches
from server.demo.configuration import build_configuration, build_installation
from server.demo.firmware import build_firmware
from server.demo.history import play_history
from server.demo.hooks import build_hooks
from server.demo.images import StoredImage, build_images
from server.demo.signing_keys import (
    FIT_BITS,
    UNFIT_BITS,
    KeyFactory,
    SigningKey,
    build_signing_keys,
    generate_key,
)
from server.demo.tree import Tree
from server.demo.usb import UsbTree

JIG = ("1-1.1", "1-1.2", "1-1.3", "1-1.4", "3-1.1", "3-1.2", "3-1.3", "3-1.4.1", "3-1.4.2")
"""The ports that boards are plugged into; two more, 3-1.4.3 and 3-1.4.4, stay empty."""

KEY_AGE = timedelta(days=20)
"""How long the signing key has been there: boards before that have none in their records."""


class DemoFolderNotEmpty(Conflict):
    """The folder for a simulated station holds something."""

    code = "DEMO_FOLDER_NOT_EMPTY"
    title = "Folder Not Empty"
    meaning = "A simulated station is only built into a new or empty folder."
    remedy = "Name another folder; nothing was changed in this one."


@dataclass(frozen=True, slots=True)
class DemoStation:
    """A station that was built.

    `batch` is what it is set to, `key` its active signing key, `under_way` the boards that are
    plugged in with what is still to happen to them, `next_board` the number of the line's first
    board.
    """

    paths: HostPaths
    seed: int
    batch: Batch
    key: SigningKey
    images: dict[str, StoredImage]
    under_way: tuple[Attempt, ...]
    next_board: int


def build_station(
    root: Path, *, now: datetime, seed: int = 1, keys: KeyFactory = generate_key
) -> DemoStation:
    """Builds the station below `root`, the same for the same `seed` and `now` but for its keys.

    `now` carries its offset. Raises `DemoFolderNotEmpty`, and OSError as the system does.
    """
    if now.tzinfo is None:
        raise ValueError("now must carry its offset from UTC")
    if root.exists() and any(root.iterdir()):
        raise DemoFolderNotEmpty("The folder for the simulated station is not empty.")
    paths = HostPaths(root)
    tree = Tree(paths, changed_at=now.timestamp())
    # Keys are made beside everything else: a large one can take a second.
    with ThreadPoolExecutor(2) as makers:
        fit, unfit = makers.submit(keys, FIT_BITS), makers.submit(keys, UNFIT_BITS)
        build_firmware(tree, seed=seed)
        build_installation(tree)
        images = build_images(tree, seed=seed)
        build_hooks(tree)
        UsbTree(paths).build()
        key = build_signing_keys(
            tree, fit=fit.result(), unfit=unfit.result(), seed=seed, added_at=now - KEY_AGE
        )
    build_configuration(tree, gold=images["gold"], key=key)
    batches = make_batches(images)
    history = play_history(paths, batches=batches, key=key, seed=seed, now=now)
    under_way, next_board = history.under_way, history.next_board
    return DemoStation(paths, seed, batches[CURRENT], key, images, under_way, next_board)


def things_to_try(base_url: str) -> list[str]:
    """Returns three commands to copy, for a service at `base_url`."""
    query = '{"query":"{ devices(first: 5) { nodes { serial port state } } }"}'
    live = "subscription { stationChanges { sequence station { deviceCount recordCount } } }"
    post = f"curl -s {base_url}/graphql -H 'Content-Type: application/json'"
    return [
        f"  {post} -d '{query}'",
        f"  curl -s {base_url}/devices",
        f"  open {base_url}/graphql and run: {live}",
    ]
