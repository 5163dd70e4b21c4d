"""Evidence: what each source says of a board, beside what its rows say."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.devices.runs import Mark
from domain.devices.stages import Stage, Style, Word


class Source(StrEnum):
    """Who says something of a board."""

    STATE_ROWS = "STATE_ROWS"
    UNIT = "UNIT"
    USB = "USB"
    MANUFACTURING_RECORD = "MANUFACTURING_RECORD"
    HOST = "HOST"


class Stance(StrEnum):
    """How what a source says stands to what the last row says."""

    SUPPORTS = "SUPPORTS"
    CONTRADICTS = "CONTRADICTS"
    SILENT = "SILENT"
    """The source cannot be asked, or says nothing that matters here: the status rests on less."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one source says, in a sentence, and since when (UTC), None where it has no time."""

    source: Source
    stance: Stance
    text: str
    at: datetime | None


class UnitSight(StrEnum):
    """What systemd knows of the unit that works on a board."""

    UNASKED = "UNASKED"
    """systemd does not answer, has no such unit file, or the unit's name is not certain."""
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    ENDED = "ENDED"
    """It ended well."""
    GONE = "GONE"
    """systemd remembers no run: it never ran, ended well and was forgotten, or the host was
    restarted."""


@dataclass(frozen=True, slots=True)
class UnitReport:
    """How a unit is or was. `result` is systemd's word (`exit-code`, `timeout`, ...), `at` when it
    ended (UTC), `seconds` for how long this service knows it."""

    sight: UnitSight
    name: str = ""
    result: str = ""
    exit_status: int | None = None
    at: datetime | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def how(self) -> str:
        """The result as systemd words it: `exit-code 7`, `signal 9`, `timeout`."""
        if not self.result:
            return "reason unknown"
        told = self.result in ("exit-code", "signal", "core-dump") and self.exit_status is not None
        return f"{self.result} {self.exit_status}" if told else self.result


class PresenceSight(StrEnum):
    """Whether the board is plugged in."""

    UNKNOWN = "UNKNOWN"
    PRESENT = "PRESENT"
    ABSENT = "ABSENT"


@dataclass(frozen=True, slots=True)
class BoardPresence:
    """Where the board is plugged in, or for how many `seconds` it is known to be away. `lost`: it
    was away for so long since its last row that it lost its power."""

    sight: PresenceSight
    port: str | None = None
    lost: bool = False
    seconds: float = field(default=0.0, compare=False)


class RecordSight(StrEnum):
    """What the manufacturing database says of this run of a board."""

    UNREAD = "UNREAD"
    """It cannot be read."""
    NONE_KEPT = "NONE_KEPT"
    """There is none, and no older one of any board: perhaps no records were kept then."""
    FOUND = "FOUND"
    MISSING = "MISSING"
    """There is none of this run, although an older one shows that records were kept."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The manufacturing record of a run. `secure` is None where it does not say."""

    sight: RecordSight
    secure: bool | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of a board's newest run.

    `newest` is its last row, `entered_at` when its present stage began, `stage` how far it came;
    `finished`, `aborted`: whether any of its rows says so; `displaced`: another board began at its
    port; `mixed`: its rows tell of two ways of provisioning. `quiet` is for how many seconds
    nothing more was written, by the best clock there is. `booted_at` is when the host was started,
    where that was after the last row. `unit` is the stage's, or the next stage's while that is
    awaited. `failures` counts the board's failed runs in a row before this one. `checking`: the
    other sources have not answered yet.
    """

    newest: Mark
    entered_at: datetime | None
    stage: Stage | None
    style: Style | None
    finished: bool
    aborted: bool
    displaced: bool
    unit: UnitReport
    presence: BoardPresence
    record: RunRecord
    mixed: bool = False
    booted_at: datetime | None = None
    failures: int = 0
    checking: bool = False
    quiet: float = field(default=0.0, compare=False)

    @property
    def open(self) -> bool:
        """Whether the rows leave the end open."""
        return not (self.finished or self.aborted) and self.newest.reading.stage is not None

    @property
    def awaits_next(self) -> bool:
        """Whether a stage is over and the next one has not begun."""
        return self.open and self.newest.reading.word is Word.FINISHED

    @property
    def insecure(self) -> bool:
        """Whether the record denies what secure boot had to bring."""
        return self.style is Style.SB and self.record.secure is False


def list_evidence(facts: Facts) -> list[Evidence]:
    """Returns what every source says, the rows first."""
    if facts.newest.reading.stage is None:
        return list(_rows(facts))
    return [*_rows(facts), _unit(facts), _usb(facts), *_record(facts), *_host(facts)]


def _rows(facts: Facts) -> Iterator[Evidence]:
    text = facts.newest.reading.text
    said = f"The last row says {text}." if text else "The last row has no state."
    yield Evidence(Source.STATE_ROWS, Stance.SUPPORTS, said, facts.newest.at)
    if facts.aborted and facts.finished:
        both = "The rows of this run say that it finished and that it was aborted."
        yield Evidence(Source.STATE_ROWS, Stance.CONTRADICTS, both, facts.newest.at)
    if facts.mixed:
        ways = "The rows of this run tell of two ways of provisioning."
        yield Evidence(Source.STATE_ROWS, Stance.CONTRADICTS, ways, facts.newest.at)
    if facts.displaced and facts.open:
        taken = "Another board began at this port before this one came to an end."
        yield Evidence(Source.STATE_ROWS, Stance.CONTRADICTS, taken, None)


def _unit(facts: Facts) -> Evidence:
    unit = facts.unit
    begun = facts.open and not facts.awaits_next
    # A unit that was aborted may still clear up.
    running = Stance.CONTRADICTS if facts.finished else Stance.SILENT
    said: dict[UnitSight, tuple[Stance, str]] = {
        UnitSight.UNASKED: (Stance.SILENT, "systemd was not asked about its unit, or cannot be."),
        UnitSight.RUNNING: (
            Stance.SUPPORTS if facts.open else running,
            f"{unit.name} is running.",
        ),
        UnitSight.FAILED: (
            Stance.SUPPORTS if facts.aborted else Stance.CONTRADICTS,
            f"{unit.name} failed: {unit.how}.",
        ),
        UnitSight.ENDED: (
            Stance.CONTRADICTS if begun else Stance.SUPPORTS,
            f"{unit.name} ended well.",
        ),
        UnitSight.GONE: (
            Stance.CONTRADICTS if begun else Stance.SILENT,
            f"systemd neither runs {unit.name} nor remembers that it failed.",
        ),
    }
    stance, text = said[unit.sight]
    return Evidence(Source.UNIT, stance, text, unit.at)


def _usb(facts: Facts) -> Evidence:
    presence = facts.presence
    if presence.lost and facts.open:
        text = "The board was unplugged since its last row."
        return Evidence(Source.USB, Stance.CONTRADICTS, text, None)
    if presence.sight is PresenceSight.PRESENT:
        stance = Stance.SUPPORTS if facts.open else Stance.SILENT
        return Evidence(Source.USB, stance, f"The board is plugged in at {presence.port}.", None)
    if presence.sight is PresenceSight.ABSENT:
        stance = Stance.CONTRADICTS if facts.open else Stance.SILENT
        return Evidence(Source.USB, stance, "The board is not plugged in.", None)
    return Evidence(Source.USB, Stance.SILENT, "Whether it is plugged in is not known.", None)


def _record(facts: Facts) -> Iterator[Evidence]:
    if not facts.finished:
        return
    record = facts.record
    kept = "There is no manufacturing record, and no older one that shows that records were kept."
    missing = "There is no manufacturing record of this run, although records are kept."
    said: dict[RecordSight, tuple[Stance, str]] = {
        RecordSight.UNREAD: (Stance.SILENT, "The manufacturing records cannot be read."),
        RecordSight.NONE_KEPT: (Stance.SILENT, kept),
        RecordSight.MISSING: (Stance.CONTRADICTS, missing),
        RecordSight.FOUND: (Stance.SUPPORTS, "The manufacturing record of this run is there."),
    }
    stance, text = said[record.sight]
    if facts.insecure:
        stance, text = Stance.CONTRADICTS, "The manufacturing record says that it is not secure."
    yield Evidence(Source.MANUFACTURING_RECORD, stance, text, record.at)


def _host(facts: Facts) -> Iterator[Evidence]:
    if facts.booted_at is not None and facts.open:
        text = "The station was restarted after the last row."
        yield Evidence(Source.HOST, Stance.CONTRADICTS, text, facts.booted_at)
