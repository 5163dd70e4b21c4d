"""The actor: makes the moves of an attempt happen, on USB, in the databases and in the logs."""

from collections.abc import Callable
from datetime import datetime

from server.demo.attempts import Action, Attempt, Move, Phase
from server.demo.scripts import Scripts
from server.demo.usb import UsbTree


class Actor:
    """Plays moves; `notify` is called after each row, as the scripts tell the service."""

    def __init__(
        self, usb: UsbTree, scripts: Scripts, *, notify: Callable[[], None] | None = None
    ) -> None:
        self._usb = usb
        self._scripts = scripts
        self._notify = notify or _nobody

    def play(self, attempt: Attempt, move: Move, *, at: datetime) -> None:
        """Makes one move of `attempt` happen."""
        if move.action is Action.ROM:
            self._usb.attach_rom(attempt.port, attempt.board)
        elif move.action is Action.FASTBOOT:
            self._usb.attach_fastboot(attempt.port, attempt.board)
        elif move.action is Action.LEAVE:
            self._usb.detach(attempt.port)
        else:
            self._write(attempt, move, at)

    def _write(self, attempt: Attempt, move: Move, at: datetime) -> None:
        board, early = attempt.board, move.phase is Phase.BOOTSTRAP
        serial = board.rom_serial if early else board.serial
        self._scripts.log(serial, move.phase.value, move.log, at=at)
        if move.action is Action.MANUFACTURE:
            self._scripts.record_manufacturing(board, attempt.batch, at=at)
        if move.action is Action.RECORD:
            excluded = move.state == "PORT-EXCLUDED"
            self._scripts.record_state(
                serial,
                # The scripts write the stage's name there (contract devices section 3).
                move.phase.value if excluded else attempt.port,
                move.state,
                image="" if early else attempt.batch.image.summary,
                board_type=board.model.board_type if early and not excluded else "",
                at=at,
            )
        if move.action in (Action.MANUFACTURE, Action.RECORD):
            self._notify()


def _nobody() -> None:
    """Nobody wants to be told."""
