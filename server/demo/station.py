"""Builds a throw-away station in the layout of a real one, with a history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from domain.host_paths import HostPaths
from server.demo.actor import Actor
from server.demo.attempts import EXCLUDED, OUTCOMES, Attempt
from server.demo.batches import CURRENT, Batch, make_batches
from server.demo.boards import Board, BoardBox
from server.demo.images import make_images
from server.demo.installation import install
from server.demo.keys import make_keys
from server.demo.scripts import Scripts
from server.demo.tree import Tree
from server.demo.usb import UsbTree

RECORDS = 40
"""Manufacturing records when the demo starts."""
JIG = ("1-1.1", "1-1.2", "1-1.3", "1-1.4", "3-1.1", "3-1.2")
"""The ports of the jig."""
EXCLUDED_PORT = "3-1.4.1"
OLD_DAYS = 6


@dataclass(frozen=True, slots=True)
class DemoStation:
    """What was built: where, with which batches, and from which board on the line continues."""

    paths: HostPaths
    batches: dict[str, Batch]
    scripts: Scripts
    usb: UsbTree
    next_board: int


def build_station(root: Path, *, now: datetime, seed: int = 1) -> DemoStation:
    """Builds the station below `root`, the same for the same `seed` and `now` but for its keys."""
    paths = HostPaths(root)
    tree = Tree(paths, changed_at=now.timestamp())
    images, keys = make_images(tree), make_keys()
    install(tree, gold=images["gold"], keys=keys)
    usb = UsbTree(paths)
    usb.build()
    scripts = Scripts(paths, key=(keys.all[0].fingerprint, keys.all[0].label))
    scripts.make_databases()
    batches, box = make_batches(images), BoardBox(seed)
    finished = _play_history(Actor(usb, scripts), batches, box, now)
    _older_records(scripts, batches, box, RECORDS - finished, now)
    _key_pair(tree, BoardBox(seed).take(batches[CURRENT].models))
    return DemoStation(paths, batches, scripts, usb, box.taken)


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


def _play_history(actor: Actor, batches: dict[str, Batch], box: BoardBox, now: datetime) -> int:
    """Plays a dozen attempts that are over or under way; returns how many boards were finished."""
    finished = 0
    for number in range(12):
        outcome = OUTCOMES[(0, 0, 1, 0, 3, 0, 2, 0, 0, 4, 0, 0)[number] % len(OUTCOMES)]
        batch = batches[CURRENT]
        port = JIG[number % len(JIG)]
        attempt = Attempt.planned(box.take(batch.models), port, batch=batch, outcome=outcome)
        # The last two are still at work when the demo starts.
        done = len(attempt.moves) if number < 10 else len(attempt.moves) // 2
        _play(actor, attempt, done, now - timedelta(hours=12 - number))
        finished += outcome is OUTCOMES[0] and number < 10
    batch = batches["pilot"]
    board = box.take(batch.models)
    excluded = Attempt.planned(board, EXCLUDED_PORT, batch=batch, outcome=EXCLUDED)
    _play(actor, excluded, 2, now - timedelta(minutes=20))
    return finished


def _play(actor: Actor, attempt: Attempt, count: int, began: datetime) -> None:
    at = began
    for move in attempt.moves[:count]:
        at += timedelta(seconds=move.seconds)
        actor.play(attempt, move, at=at)


def _older_records(
    scripts: Scripts, batches: dict[str, Batch], box: BoardBox, count: int, now: datetime
) -> None:
    older: Sequence[Batch] = [batches[name] for name in ("early", "pilot", "artefact", "kiosk")]
    for number in range(count):
        batch = older[number % len(older)]
        at = now - timedelta(days=OLD_DAYS) + timedelta(hours=number)
        scripts.record_manufacturing(box.take(batch.models), batch, at=at)


def _key_pair(tree: Tree, board: Board) -> None:
    """Leaves a key pair where triage does: the serial is there twice (contract devices 5)."""
    folder = f"/var/log/rpi-sb-provisioner/{board.serial}/{board.serial}/keypair"
    pem = "-----BEGIN PUBLIC KEY-----\nc2ltdWxhdGVk\n-----END PUBLIC KEY-----\n"
    tree.write(f"{folder}/{board.serial}.pub", pem)
