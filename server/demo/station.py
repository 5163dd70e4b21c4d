"""Builds a throw-away station in the layout of a real one, with a history."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from domain.errors import Conflict
from domain.host_paths import HostPaths
from server.demo.attempts import Attempt
from server.demo.batches import CURRENT, Batch, make_batches
from server.demo.boot_package import make_package, write_package
from server.demo.configuration import build_configuration, build_installation
from server.demo.firmware import build_firmware
from server.demo.history import play_history
from server.demo.hooks import build_hooks
from server.demo.host import Host
from server.demo.images import StoredImage, build_images
from server.demo.journal_file import write_entries
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
    host: Host
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

    `now` carries its offset. The journal of the past waits in `host.journal`; `write_past` makes
    its file. Raises `DemoFolderNotEmpty`, and OSError as the system does.
    """
    if now.tzinfo is None:
        raise ValueError("now must carry its offset from UTC")
    if root.exists() and any(root.iterdir()):
        raise DemoFolderNotEmpty("The folder for the simulated station is not empty.")
    paths = HostPaths(root)
    host = Host(paths, seed=seed)
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
    write_package(paths, make_package(paths, images["older"].path, key=key.path))
    build_configuration(tree, gold=images["gold"], key=key)
    batches = make_batches(images)
    history = play_history(paths, host, batches=batches, key=key, seed=seed, now=now)
    under_way, next_board = history.under_way, history.next_board
    return DemoStation(paths, host, seed, batches[CURRENT], key, images, under_way, next_board)


def write_past(station: DemoStation) -> None:
    """Writes the journal of what has happened by now; raises OSError and
    subprocess.SubprocessError."""
    write_entries(station.paths, station.host.journal.take_waiting())


def things_to_try(base_url: str) -> list[str]:
    """Returns three things to copy, each with a line that says what it shows, for a service at
    `base_url`: two commands of a shell and a subscription for GraphiQL."""
    ports = "{ topology { ports { id contents occupant { serial model state image } } } }"
    post = f"curl -s {base_url}/graphql -H 'Content-Type: application/json'"
    board = "serial port state status reason { sentence } nextAction { sentence }"
    live = f"subscription {{ deviceChanges(first: 9) {{ devices {{ {board} }} }} }}"
    records = f"curl -s '{base_url}/api/v2/manufacturing?limit=3'"
    return [
        f"""  What is in each port now:\n    {post} -d '{{"query":"{ports}"}}'""",
        f"  The newest manufacturing records, at the path of old:\n    {records}",
        f"  The boards live; open {base_url}/graphql and run:\n    {live}",
    ]
