"""A bench: one simulated host with empty ports, on which a test plays attempts."""

import contextlib
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from domain.host_paths import HostPaths
from domain.services.units import UnitState
from server.demo.actor import Actor
from server.demo.attempts import Attempt, Outcome
from server.demo.batches import Batch
from server.demo.boards import CM5, BoardBox
from server.demo.host import Host
from server.demo.images import StoredImage
from server.demo.manufacturing import create_records, open_records
from server.demo.signing_keys import SigningKey
from server.demo.states import open_states
from server.demo.usb import UsbTree

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
IMAGE = StoredImage("/srv/rpi-sb-provisioner/images/lite.img", "lite.img", "ab" * 32)
PORT = "1-1.1"
Rows = list[tuple[str, ...]]


@dataclass
class Bench:
    """Plays attempts of the style SB on a host that booted an hour ago; `told` are the addresses
    that the scripts posted to."""

    paths: HostPaths
    host: Host
    actor: Actor
    box: BoardBox
    at: datetime
    told: list[str]

    def plan(self, outcome: Outcome, *, port: str = PORT, style: str = "SB") -> Attempt:
        """Returns an attempt with another board."""
        batch = Batch("bench", style, IMAGE, (CM5,), "emmc")
        board = self.box.take(outcome.models or batch.models)
        return Attempt.planned(board, port, batch=batch, outcome=outcome)

    def play(self, attempt: Attempt, *, moves: int | None = None) -> Attempt:
        """Plays its next moves, or all of them; returns what is left."""
        count = len(attempt.moves) if moves is None else moves
        for move in attempt.moves[:count]:
            self.at += timedelta(seconds=move.seconds)
            address = self.actor.play(attempt, move, at=self.at)
            self.told += [address] if address else []
        return attempt.after(count)

    def play_until(self, attempt: Attempt, state: str) -> Attempt:
        """Plays until this state is recorded."""
        states = [move.state for move in attempt.moves]
        return self.play(attempt, moves=states.index(state) + 1)

    def rows(self, query: str = "select serial, endpoint, state from devices") -> Rows:
        """Returns rows of state.db, the oldest first."""
        return _rows(self.paths.real(self.paths.state_db), f"{query} order by id")

    def records(self) -> Rows:
        """Returns the serials in manufacturing.db, the oldest first."""
        file = self.paths.real(self.paths.manufacturing_db)
        return _rows(file, "select serial from devices order by id")

    async def states(self) -> dict[str, UnitState]:
        """Returns the loaded units by name."""
        units = await self.host.units.list_units()
        return {unit.name: await self.host.units.get_state(unit.name) for unit in units}

    def journal(self) -> list[dict[str, str]]:
        """Returns the journal's entries."""
        text = self.host.journal.take_waiting().decode()
        entries = (entry.splitlines() for entry in text.split("\n\n") if entry)
        return [dict(line.split("=", 1) for line in entry) for entry in entries]


def _rows(file: Path, query: str) -> Rows:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return connection.execute(query).fetchall()


def build_bench(root: Path) -> Bench:
    """Builds a bench below `root`."""
    paths = HostPaths(root)
    for folder in ("/srv/rpi-sb-provisioner", "/var/log/rpi-sb-provisioner"):
        paths.real(folder).mkdir(parents=True)
    UsbTree(paths).build()
    host = Host(paths, seed=1)
    host.boot(at=NOW - timedelta(hours=1))
    states, records = paths.real(paths.state_db), paths.real(paths.manufacturing_db)
    create_records(records)
    key = SigningKey("bench", "/etc/key.pem", "cd" * 32, NOW - timedelta(days=1))
    actor = Actor(
        paths,
        host,
        states=partial(open_states, states),
        records=partial(open_records, records),
        key=key,
    )
    return Bench(paths, host, actor, BoardBox(1), NOW, [])
