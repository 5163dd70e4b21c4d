"""The actor: makes the moves of an attempt happen, on USB, in the databases and in the logs."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from domain.host_paths import HostPaths
from server.demo.attempts import Action, Attempt, Move, Phase
from server.demo.keypairs import keep_keypair
from server.demo.logs import DeviceLogs
from server.demo.manufacturing import add_record
from server.demo.signing_keys import SigningKey
from server.demo.states import add_state
from server.demo.usb import UsbTree

Opener = Callable[[], AbstractContextManager[sqlite3.Connection]]
"""Opens a database for one write, which is durable when the context ends."""

STATE_CHANGED = "/internal/state-changed"
RECORDED = "/internal/manufacturing-recorded"
LOCKS = "/var/lock/rpi-sb-bootstrap"
_BOOTSTRAP_OVER = ("BOOTSTRAP-FINISHED", "BOOTSTRAP-ABORTED")


class Actor:
    """Plays moves; blocks, so that a server plays them in a worker thread."""

    def __init__(
        self, paths: HostPaths, *, states: Opener, records: Opener, key: SigningKey
    ) -> None:
        self._paths = paths
        self._usb = UsbTree(paths)
        self._logs = DeviceLogs(paths)
        self._states = states
        self._records = records
        self._key = key

    def play(self, attempt: Attempt, move: Move, *, at: datetime) -> str:
        """Makes one move happen; returns which address the script posts to then, or "".

        Raises OSError and sqlite3.Error as the system does.
        """
        if move.action in (Action.ROM, Action.FASTBOOT, Action.LEAVE):
            self._plug(attempt, move.action)
            return ""
        self._prepare(attempt, move, at)
        self._log(attempt, move, at)
        return self._write(attempt, move, at)

    def _plug(self, attempt: Attempt, action: Action) -> None:
        if action is Action.LEAVE:
            self._usb.detach(attempt.port)
        elif action is Action.ROM:
            self._usb.attach_rom(attempt.port, attempt.board)
        else:
            self._usb.attach_fastboot(attempt.port, attempt.board)

    def _prepare(self, attempt: Attempt, move: Move, at: datetime) -> None:
        """What a script does to folders, locks and keys before it records a state."""
        port, board, lock = attempt.port, attempt.board, self._lock(attempt)
        if move.state == "BOOTSTRAP-STARTED":
            lock.mkdir(parents=True, exist_ok=True)
            self._logs.begin_bootstrap(port, board, node=self._usb.node(port), at=at)
        elif move.state == "bootstrap-firmware-updated":
            self._logs.read_metadata(port, board)
        elif move.state == "BOOTSTRAP-FINISHED":
            self._logs.end_bootstrap(port, board)
        elif move.state == "TRIAGE-STARTED":
            self._logs.begin_triage(board)
            keep_keypair(self._paths, board, private=attempt.batch.style == "NAKED")
        if move.state in _BOOTSTRAP_OVER and lock.exists():
            lock.rmdir()

    def _log(self, attempt: Attempt, move: Move, at: datetime) -> None:
        if move.state == "PORT-EXCLUDED":
            self._logs.excluded(self._usb.node(attempt.port), move.log, at=at)
        elif move.phase is Phase.BOOTSTRAP:
            self._logs.bootstrap(attempt.port, move.log, at=at)
        else:
            self._logs.device(attempt.board, move.phase.value, move.log, at=at)
        if move.state in ("TRIAGE-STARTED", "TRIAGE-FINISHED"):
            self._logs.mark(attempt.board, move.state)

    def _write(self, attempt: Attempt, move: Move, at: datetime) -> str:
        if move.action is Action.RECORD:
            with self._states() as connection:
                add_state(connection, attempt, move, at=at)
            return STATE_CHANGED
        if move.action is Action.MANUFACTURE:
            with self._records() as connection:
                add_record(connection, attempt, key=self._key, at=at)
            return RECORDED
        return ""

    def _lock(self, attempt: Attempt) -> Path:
        return self._paths.real(f"{LOCKS}/{attempt.board.rom_serial}")
