"""Attempts: one board on one port, and the moves that it, the scripts and the operator make."""

import enum
from dataclasses import dataclass, replace

from server.demo.batches import Batch
from server.demo.boards import Board


class Phase(enum.Enum):
    """Which script is at work; the value names its log (contract devices section 5)."""

    BOOTSTRAP = "bootstrap"
    TRIAGE = "triage"
    PROVISIONER = "provisioner"


class Action(enum.Enum):
    """What happens in one move."""

    ROM = "the board appears on USB with its boot ROM"
    FASTBOOT = "the board appears on USB with the fastboot gadget"
    LEAVE = "the board leaves USB: it restarts, or is pulled out"
    LOG = "a script writes to its log"
    RECORD = "a script writes to its log and records a state"
    MANUFACTURE = "the provisioner writes to its log and inserts the manufacturing record"


@dataclass(frozen=True, slots=True)
class Move:
    """One move, `seconds` after the one before it."""

    seconds: float
    action: Action
    phase: Phase
    log: str = ""
    state: str = ""


def _record(seconds: float, phase: Phase, state: str, log: str) -> Move:
    return Move(seconds, Action.RECORD, phase, log, state)


def _log(seconds: float, phase: Phase, log: str) -> Move:
    return Move(seconds, Action.LOG, phase, log)


_B, _T, _P = Phase.BOOTSTRAP, Phase.TRIAGE, Phase.PROVISIONER
_STARTED = "{style}-PROVISIONER-STARTED"
_ABORTED = "{style}-PROVISIONER-ABORTED"

GOOD_RUN = (
    Move(0, Action.ROM, _B),
    _record(2, _B, "BOOTSTRAP-STARTED", "Starting bootstrap of a {product} on USB path {port}"),
    _log(4, _B, "Writing the bootloader, waiting for metadata"),
    _record(6, _B, "bootstrap-firmware-updated", "Bootloader is up to date"),
    Move(1, Action.LEAVE, _B),
    Move(3, Action.ROM, _B),
    _record(
        1, _B, "bootstrap-fastboot-initialisation-started", "Sending the fastboot gadget by rpiboot"
    ),
    Move(3, Action.LEAVE, _B),
    _record(1, _B, "BOOTSTRAP-FINISHED", "Bootstrap finished"),
    Move(5, Action.FASTBOOT, _T),
    _record(1, _T, "TRIAGE-STARTED", "Collecting the device key pair of {serial}"),
    _record(3, _T, "TRIAGE-FINISHED", "Selecting the {style} provisioner"),
    _record(1, _P, _STARTED, "Starting provisioning of {serial}"),
    _log(12, _P, "Erased and partitioned {storage}"),
    _log(20, _P, "Writing OS images: {image}"),
    _log(25, _P, "Stopping Writing OS images"),
    Move(8, Action.MANUFACTURE, _P, "Collected the metadata of {serial}"),
    _record(
        1,
        _P,
        "{style}-PROVISIONER-FINISHED",
        "Provisioning completed. Remove the device from this machine.",
    ),
    Move(45, Action.LEAVE, _P),
)
"""Everything that happens to a board that is finished, at the pace of a real station."""


def _until(state: str, *ending: Move) -> tuple[Move, ...]:
    last = next(index for index, move in enumerate(GOOD_RUN) if move.state == state)
    return GOOD_RUN[: last + 1] + ending


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt can go; of all attempts, its share is `weight` over the sum of weights."""

    name: str
    weight: int
    moves: tuple[Move, ...]


_PULLED_OUT = Move(180, Action.LEAVE, _P)
OUTCOMES = (
    Outcome("finished", 80, GOOD_RUN),
    Outcome(
        "bootstrap aborted",
        4,
        _until(
            "BOOTSTRAP-STARTED",
            _record(31, _B, "BOOTSTRAP-ABORTED", "ERROR: rpiboot did not finish within 30 s"),
            _PULLED_OUT,
        ),
    ),
    Outcome(
        "triage aborted",
        2,
        _until(
            "TRIAGE-STARTED",
            _record(10, _T, "TRIAGE-ABORTED", "ERROR: fastboot getvar secure: timed out"),
            _PULLED_OUT,
        ),
    ),
    Outcome(
        "provisioner aborted",
        5,
        _until(
            _STARTED,
            _log(12, _P, "Erased and partitioned {storage}"),
            _record(18, _P, _ABORTED, "ERROR: {storage}: not enough room for the image"),
            _PULLED_OUT,
        ),
    ),
    # A fatal command timeout in a provisioner writes ABORTED twice (contract devices section 4).
    Outcome(
        "provisioner timed out",
        2,
        _until(
            _STARTED,
            _record(60, _P, _ABORTED, "ERROR: fastboot erase {storage}: timed out"),
            _record(0, _P, _ABORTED, "Provisioning failed"),
            _PULLED_OUT,
        ),
    ),
    # Many failures write no row: the board stays STARTED for ever (contract devices section 4).
    Outcome(
        "silent stop",
        4,
        _until(_STARTED, _log(12, _P, "Erased and partitioned {storage}"), _PULLED_OUT),
    ),
    Outcome(
        "vanished",
        3,
        _until(
            _STARTED,
            _log(12, _P, "Erased and partitioned {storage}"),
            Move(9, Action.LEAVE, _P),
        ),
    ),
)
"""All that can happen on the line; add a row and it happens."""

EXCLUDED = Outcome(
    "port excluded",
    0,
    (
        Move(0, Action.ROM, _B),
        _record(1, _B, "PORT-EXCLUDED", "USB path {port} is excluded by the port rules"),
        Move(7200, Action.LEAVE, _B),
    ),
)
"""What happens on a port that the port rules exclude; the line leaves such ports alone."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A board on a port and the moves that are still to come."""

    board: Board
    port: str
    batch: Batch
    moves: tuple[Move, ...]

    @classmethod
    def planned(cls, board: Board, port: str, *, batch: Batch, outcome: Outcome) -> "Attempt":
        """Returns the attempt before its first move, its texts filled in."""
        facts = {
            "serial": board.serial,
            "product": board.model.usb_name,
            "port": port,
            "style": batch.style,
            "storage": batch.storage,
            "image": batch.image.summary,
        }
        filled = (
            replace(move, log=move.log.format_map(facts), state=move.state.format_map(facts))
            for move in outcome.moves
        )
        return cls(board, port, batch, tuple(filled))

    def after(self, done: int, *, waited: float = 0) -> "Attempt":
        """Returns what is left after `done` moves, `waited` seconds after the last of them."""
        left = self.moves[done:]
        if left:
            left = (replace(left[0], seconds=max(0, left[0].seconds - waited)), *left[1:])
        return replace(self, moves=left)
