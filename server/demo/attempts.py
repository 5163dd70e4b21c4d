"""Attempts: one board on one port, and the moves that it, the scripts and the operator make."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from server.demo.batches import Batch
from server.demo.boards import Board, Model

NODE, TOLD = "{node}", "{told}"
"""Known only while a bootstrap runs: its device node, and what it takes for the serial."""


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
    START = "udev or triage starts the script's unit"
    READY = "the script tells systemd that it has started"
    LOCK = "bootstrap opens its log and takes the board for itself"
    LOG = "the script writes to its log"
    STRAY = "the script writes to its log before it knows which one"
    SAY = "the script, or a program that it runs, writes to the journal alone"
    RECORD = "the script records a state"
    METADATA = "rpiboot reads what is burnt into the board"
    KEEP_LOG = "bootstrap moves its log to where the board's logs are"
    ADOPT_LOGS = "triage moves the board's logs to its long serial"
    KEEP_KEYS = "triage reads the device's key pair"
    MARK = "triage writes a bare word to its log"
    MANUFACTURE = "the provisioner inserts the manufacturing record"
    HOOK = "the script runs a customisation script, if there is one"
    RIVAL = "udev starts another bootstrap for the board, which finds it taken and gives up"
    EXIT = "the script ends"


ON_USB = (Action.ROM, Action.FASTBOOT, Action.LEAVE)


@dataclass(frozen=True, slots=True)
class Move:
    """One move, `seconds` after the one before it.

    `text` is what is written, the stage of a hook or the word of a mark; `status` is the exit
    status of a script that ends.
    """

    seconds: float
    action: Action
    phase: Phase
    text: tuple[str, ...] = ()
    state: str = ""
    status: int = 0

    def filled(self, facts: Mapping[str, str]) -> "Move":
        """Returns the move with its texts filled in."""
        text = tuple(line.format_map(facts) for line in self.text)
        return replace(self, text=text, state=self.state.format_map(facts))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt can go; of all attempts, its share is `weight` over the sum of weights.

    `models` are the boards that it happens to, those of the batch where there are none. `rom_says`
    is what the boot ROM tells as its serial, None for the serial itself. `hasty`: the operator
    puts the next board in at once. `again`: a board that went this way is tried again at times.
    """

    name: str
    weight: int
    moves: tuple[Move, ...] = field(repr=False)
    models: tuple[Model, ...] = ()
    rom_says: str | None = None
    hasty: bool = False
    again: bool = False

    @property
    def nameless(self) -> bool:
        """Whether bootstrap takes the device node for the serial (contract devices section 3)."""
        return self.rom_says in ("", "Broadcom")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A board on a port and the moves that are still to come."""

    board: Board
    port: str
    batch: Batch
    outcome: Outcome
    moves: tuple[Move, ...]

    @classmethod
    def planned(cls, board: Board, port: str, *, batch: Batch, outcome: Outcome) -> "Attempt":
        """Returns the attempt before its first move, its texts filled in."""
        facts = _facts(board, port, batch)
        facts["using"] = "path as serial" if outcome.nameless else "serial"
        moves = tuple(move.filled(facts) for move in outcome.moves)
        return cls(board, port, batch, outcome, moves)

    @property
    def rom_says(self) -> str:
        """What the boot ROM tells as its serial."""
        told = self.outcome.rom_says
        return self.board.rom_serial if told is None else told

    @property
    def has_begun(self) -> bool:
        """Whether a move was made."""
        return len(self.moves) < len(self.outcome.moves)

    @property
    def leaves_for_good(self) -> bool:
        """Whether the next move is the last on USB."""
        first, *later = self.moves
        return first.action is Action.LEAVE and all(move.action not in ON_USB for move in later)

    def after(self, done: int, *, waited: float = 0) -> "Attempt":
        """Returns what is left after `done` moves, `waited` seconds after the last of them."""
        left = self.moves[done:]
        if left:
            left = (replace(left[0], seconds=max(0, left[0].seconds - waited)), *left[1:])
        return replace(self, moves=left)

    def stranded(self) -> "Attempt":
        """Returns what is left when the scripts are gone: a board that is there is pulled out."""
        if not any(move.action is Action.LEAVE for move in self.moves):
            return replace(self, moves=())
        seconds = sum(move.seconds for move in self.moves)
        return replace(self, moves=(Move(seconds, Action.LEAVE, self.moves[-1].phase),))


def _facts(board: Board, port: str, batch: Batch) -> dict[str, str]:
    secure = batch.style == "SB"
    workdir = "/srv/rpi-sb-provisioner/workdir"
    return {
        "serial": board.serial,
        "port": port,
        "style": batch.style,
        "script": f"{batch.style.lower()}-provisioner",
        "provisioner": _PROVISIONERS[batch.style],
        "storage": batch.storage_device,
        "image": batch.image.path,
        "kind": "idp" if batch.style == "IDP" else "image",
        "chip": board.model.usb_product,
        "revision": board.model.revision_code,
        "board_type": board.model.board_type,
        "board_name": board.model.bootstrap_name,
        "address": board.address,
        "metadata": f"/var/log/rpi-sb-provisioner/early/{NODE}/metadata",
        "bootloader": f"{workdir}/{'' if secure else 'non-'}secure-bootloader/",
        "staging": f"{workdir}/fastboot.{board.serial[-6:]}",
        "node": NODE,
        "told": TOLD,
    }


_PROVISIONERS = {
    "SB": "Secure Boot Provisioner",
    "FDE": "Full-Disk Encryption Provisioner",
    "NAKED": "Naked Provisioner",
    "IDP": "IDP Provisioner",
}
