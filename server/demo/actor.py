"""The actor: makes the moves of an attempt happen, on USB, in the databases, in the logs, as
units and in the journal."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from domain.host_paths import HostPaths
from server.demo.attempts import NODE, TOLD, Action, Attempt, Move, Phase
from server.demo.hooks import SCRIPTS
from server.demo.host import LOCKS, Host
from server.demo.keypairs import KEYPAIRS, keep_keypair
from server.demo.logs import DeviceLogs
from server.demo.manufacturing import add_record
from server.demo.scripts import Script
from server.demo.services import service_of
from server.demo.signing_keys import SigningKey
from server.demo.states import add_state
from server.demo.stories import announced
from server.demo.usb import UsbTree

Opener = Callable[[], AbstractContextManager[sqlite3.Connection]]
"""Opens a database for one write, which is durable when the context ends."""

STATE_CHANGED = "/internal/state-changed"
RECORDED = "/internal/manufacturing-recorded"


class Actor:
    """Plays moves; blocks, so that a server plays them in a worker thread."""

    def __init__(
        self, paths: HostPaths, host: Host, *, states: Opener, records: Opener, key: SigningKey
    ) -> None:
        self._paths = paths
        self._host = host
        self._usb = UsbTree(paths)
        self._logs = DeviceLogs(paths)
        self._states = states
        self._records = records
        self._key = key
        self._plugs: dict[Action, Callable[[Attempt], None]] = {
            Action.ROM: self._appear_with_rom,
            Action.FASTBOOT: self._appear_with_fastboot,
            Action.LEAVE: self._leave,
        }
        self._does: dict[Action, Callable[[Attempt, Move, Script, datetime], None]] = {
            Action.READY: self._get_ready,
            Action.LOCK: self._take_lock,
            Action.LOG: self._log,
            Action.STRAY: self._stray,
            Action.SAY: self._speak,
            Action.METADATA: self._read_metadata,
            Action.KEEP_LOG: self._keep_log,
            Action.ADOPT_LOGS: self._adopt_logs,
            Action.KEEP_KEYS: self._keep_keys,
            Action.MARK: self._mark,
            Action.HOOK: self._run_hook,
            Action.EXIT: self._exit,
        }

    def play(self, attempt: Attempt, move: Move, *, at: datetime) -> str:
        """Makes one move happen; returns which address the script posts to then, or "".

        Raises OSError and sqlite3.Error as the system does.
        """
        if move.action in self._plugs:
            self._plugs[move.action](attempt)
            return ""
        if move.action in (Action.START, Action.RIVAL):
            self._start(attempt, move, at)
            return ""
        script = self._host.script_of(attempt.board, move.phase)
        if move.action is Action.RECORD:
            return self._record(attempt, move, script, at)
        if move.action is Action.MANUFACTURE:
            return self._manufacture(attempt, at)
        self._does[move.action](attempt, move, script, at)
        return ""

    def _appear_with_rom(self, attempt: Attempt) -> None:
        self._usb.attach_rom(attempt.port, attempt.board, serial=attempt.rom_says)

    def _appear_with_fastboot(self, attempt: Attempt) -> None:
        self._usb.attach_fastboot(attempt.port, attempt.board)

    def _leave(self, attempt: Attempt) -> None:
        self._usb.detach(attempt.port)

    def _start(self, attempt: Attempt, move: Move, at: datetime) -> None:
        service, board = service_of(move.phase, attempt.batch.style), attempt.board
        if move.phase is not Phase.BOOTSTRAP:
            port = self._usb.find(board.serial)
            script = self._host.start(
                service, board.serial, node="", serial=board.serial, endpoint=port, at=at
            )
            self._host.keep(board, move.phase, script)
            return
        node = self._usb.node(attempt.port)
        serial = node if attempt.outcome.nameless else board.rom_serial
        script = self._host.start(
            service, node, node=node, serial=serial, endpoint=attempt.port, at=at
        )
        if move.action is Action.RIVAL:
            self._give_up(attempt, script, at)
        else:
            self._host.keep(board, move.phase, script)

    def _give_up(self, attempt: Attempt, script: Script, at: datetime) -> None:
        """Ends a second bootstrap of one board: it writes no row, and leads to a log of its own."""
        self._open_log(attempt, script)
        self._host.ready(script, at=at)
        self._host.say(script, f"Bootstrap already in progress for {script.serial}", at=at)
        self._host.end(script, status=1, at=at)

    def _get_ready(self, _: Attempt, __: Move, script: Script, at: datetime) -> None:
        self._host.ready(script, at=at)

    def _take_lock(self, attempt: Attempt, _: Move, script: Script, __: datetime) -> None:
        self._open_log(attempt, script)
        self._lock(script).mkdir(parents=True, exist_ok=True)

    def _open_log(self, attempt: Attempt, script: Script) -> None:
        self._logs.open_early(script.node, attempt.port, serial=_named(attempt, script))

    def _log(self, attempt: Attempt, move: Move, script: Script, at: datetime) -> None:
        self._write_lines(attempt, move.phase, script, _filled(move.text, script), at)

    def _write_lines(
        self, attempt: Attempt, phase: Phase, script: Script, lines: tuple[str, ...], at: datetime
    ) -> None:
        if phase is Phase.BOOTSTRAP:
            stamped = self._logs.bootstrap(script.node, lines, at=at)
        else:
            stamped = self._logs.device(attempt.board, phase.value, lines, at=at)
        if phase is not Phase.PROVISIONER:
            # The provisioners' own log function prints nothing.
            self._say(script, stamped, at)

    def _stray(self, _: Attempt, move: Move, script: Script, at: datetime) -> None:
        self._logs.stray(move.phase.value, _filled(move.text, script), at=at)

    def _speak(self, _: Attempt, move: Move, script: Script, at: datetime) -> None:
        self._say(script, _filled(move.text, script), at)

    def _say(self, script: Script, lines: tuple[str, ...], at: datetime) -> None:
        for line in lines:
            self._host.say(script, line, at=at)

    def _read_metadata(self, attempt: Attempt, _: Move, script: Script, __: datetime) -> None:
        self._logs.read_metadata(script.node, attempt.board)
        script.board_type = attempt.board.model.board_type

    def _keep_log(self, attempt: Attempt, _: Move, script: Script, __: datetime) -> None:
        self._logs.end_bootstrap(script.node, attempt.port, serial=_named(attempt, script))

    def _adopt_logs(self, attempt: Attempt, _: Move, __: Script, ___: datetime) -> None:
        self._logs.begin_triage(attempt.board)

    def _keep_keys(self, attempt: Attempt, move: Move, script: Script, at: datetime) -> None:
        private = attempt.batch.style == "NAKED"
        keep_keypair(self._paths, attempt.board, private=private)
        lines = (
            f"Capturing device keypair to {KEYPAIRS.format(serial=attempt.board.serial)}",
            "Captured device private key" if private else _LOCKED_KEY,
            "Captured device public key",
        )
        self._write_lines(attempt, move.phase, script, lines, at)

    def _mark(self, attempt: Attempt, move: Move, _: Script, __: datetime) -> None:
        self._logs.mark(attempt.board, move.text[0])

    def _run_hook(self, attempt: Attempt, move: Move, script: Script, at: datetime) -> None:
        provisioner, stage = f"{attempt.batch.style.lower()}-provisioner", move.text[0]
        name = f"{provisioner}-{stage}.sh"
        file = self._paths.real(f"{SCRIPTS}/{name}")
        if not file.is_file():
            lines: tuple[str, ...] = (
                f"No customisation script found for {provisioner} at stage {stage}",
            )
        else:
            lines = announced(
                f"Starting Running customisation script for {provisioner} at stage {stage}"
            )
            enabled = os.access(file, os.X_OK)
            done = announced(f"Stopping Customisation script {name} completed successfully")
            lines += done if enabled else (f"Skipping disabled customisation script: {name}",)
        self._write_lines(attempt, move.phase, script, lines, at)

    def _exit(self, _: Attempt, move: Move, script: Script, at: datetime) -> None:
        lock = self._lock(script)
        if move.phase is Phase.BOOTSTRAP and lock.exists():
            lock.rmdir()
        self._host.end(script, status=move.status, at=at)

    def _record(self, attempt: Attempt, move: Move, script: Script, at: datetime) -> str:
        trace = f"+ record_state {script.serial} {move.state} {script.endpoint}"
        self._host.say(script, trace.rstrip(), at=at)
        with self._states() as connection:
            add_state(connection, attempt, move, script, at=at)
        return STATE_CHANGED

    def _manufacture(self, attempt: Attempt, at: datetime) -> str:
        with self._records() as connection:
            add_record(connection, attempt, key=self._key, at=at)
        return RECORDED

    def _lock(self, script: Script) -> Path:
        return self._paths.real(f"{LOCKS}/{script.serial}")


_LOCKED_KEY = (
    "Device private key is not exportable (OTP key-slot locked); capturing public key only"
)


def _named(attempt: Attempt, script: Script) -> str:
    return "" if attempt.outcome.nameless else script.serial


def _filled(lines: tuple[str, ...], script: Script) -> tuple[str, ...]:
    return tuple(line.replace(NODE, script.node).replace(TOLD, script.serial) for line in lines)
