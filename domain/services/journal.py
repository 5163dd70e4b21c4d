"""The journal of the station's units: its lines, what may be asked of it, and the port to it
(contract services section 1)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.errors import Unavailable
from domain.events import Event
from domain.services.line_filters import EVERY_LINE, LineFilter, Origin

LONGEST_MESSAGE = 64 * 1024
"""Bytes of a message that are read; libsystemd's own limit too."""


class JournalUnavailable(Unavailable):
    """The journal cannot be read."""

    code = "JOURNAL_UNAVAILABLE"
    title = "Journal Unavailable"
    meaning = "There is no journal, this service may not read it, or reading it takes too long."
    remedy = (
        "Check `journalctl --verify` and that the service runs as root or in the group "
        "systemd-journal."
    )


@dataclass(frozen=True, slots=True)
class JournalGrew(Event):
    """Something was written to the journal, or one of its files came or went."""


@dataclass(frozen=True, slots=True)
class JournalUnit:
    """A unit that the journal tells of.

    `own_newest` is the time of the newest line of the unit's own processes, in microseconds since
    the epoch, None where only systemd wrote about it; `newest` counts systemd's lines too.
    """

    name: str
    own_newest: int | None
    newest: int


@dataclass(frozen=True, slots=True)
class JournalLine:
    """An entry of the journal about a unit.

    `cursor` is its place. `microseconds` are since the epoch, UTC. `message` is the text as far as
    it is UTF-8 (else U+FFFD), None where the entry has none; `cut` says that it was longer than
    `LONGEST_MESSAGE`. `priority` is 0 (emergency) to 7 (debug). `by_systemd` says that systemd
    wrote it about the unit. `invocation` and `boot` are 32 hex digits. `facts` are the other
    fields that systemd writes (systemd.journal-fields(7)): MESSAGE_ID, UNIT_RESULT, JOB_RESULT,
    JOB_TYPE, EXIT_CODE, EXIT_STATUS.
    """

    cursor: str
    microseconds: int
    at: datetime
    message: str | None
    cut: bool = False
    priority: int | None = None
    identifier: str | None = None
    pid: int | None = None
    by_systemd: bool = False
    invocation: str | None = None
    boot: str | None = None
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalQuestion:
    """Up to `count` lines of `unit` that `wanted` accepts, from `cursor` on (None: from the
    journal's end that comes first), older ones if `backwards`.

    The line at `cursor` itself is not among them unless `inclusive`.
    """

    unit: str
    count: int
    cursor: str | None = None
    inclusive: bool = False
    backwards: bool = False
    wanted: LineFilter = EVERY_LINE


@dataclass(frozen=True, slots=True)
class JournalSlice:
    """Lines in the order in which they were asked for; it may have fewer than that many.

    `resume` is where to go on, None where there are no more. `found` is false where the line at
    the question's cursor is no longer there, or is none that the question asks for.
    """

    lines: tuple[JournalLine, ...]
    resume: str | None
    found: bool = True


class Journal(Protocol):
    """The journal of this machine, all boots. Every call has a time limit; all raise
    `JournalUnavailable`. A journal that is not there is empty."""

    async def list_units(self) -> list[JournalUnit]:
        """Returns the units that `unit_names.is_shown` accepts, in no order."""

    async def read(self, question: JournalQuestion) -> JournalSlice:
        """Returns some of the lines that are asked for; a part of a second's work at most."""

    async def count(self, unit: str, origin: Origin) -> int:
        """Returns how many lines of this origin the unit has."""

    async def locate(self, unit: str, number: int) -> str | None:
        """Returns the cursor of the unit's own line with this number, the oldest being 0; None
        where there are not so many."""

    async def end(self) -> str | None:
        """Returns the cursor of the newest entry of all, None for an empty journal."""

    async def probe(self) -> None:
        """Raises `JournalUnavailable` with the reason while there is no journal to read."""
