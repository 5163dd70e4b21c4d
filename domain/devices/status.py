"""The status of a board: one rule over all evidence, that never says done where anything speaks
against it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.devices.evidence import Facts, PresenceSight, RecordSight, UnitSight
from domain.devices.stages import Stage, Style, Word

GRACE = 5.0
"""Seconds: a board leaves USB for a moment, rows and units are seen a moment later (contract
devices section 11)."""
REBOOT_GRACE = 30.0
"""Seconds that a board may be away while it boots into another mode (the same section)."""
FINISHING = 300.0
"""Seconds that a unit may go on after it wrote that the board is done: hooks run then."""
DEADLINES = {
    # rpiboot gives up by itself within minutes; writing a boot EEPROM takes less than one.
    Stage.BOOTSTRAP: 600.0,
    # Some questions to fastboot, each with a limit of its own.
    Stage.TRIAGE: 600.0,
    # 64 GB at the 15 MB/s of a slow card take 71 minutes, and a full-disk encryption as long.
    Stage.PROVISIONING: 3 * 3600.0,
}
"""Seconds after which a stage that wrote nothing more is not believed to go on."""
NEXT_STAGE = 120.0
"""Seconds for the next stage to begin: a slow board boots its gadget in half a minute."""
FIRST_LOOK = 1.0
"""Seconds until a unit that should end any moment is looked at again."""
RECORD_LOOK = 30.0
"""Seconds until a missing record is looked for again."""

NOT_SECURE = "It was provisioned for secure boot, but its record says that it is not secure."
MIXED = "It was said to be finished, but the rows of this run tell of two ways of provisioning."
NO_RECORD = "It was said to be finished, but this run left no manufacturing record."


class Status(StrEnum):
    """How a board stands."""

    ACTIVE = "ACTIVE"
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    STALLED = "STALLED"
    UNKNOWN = "UNKNOWN"


class Cause(StrEnum):
    """Why a board stands so; what goes as it should needs no cause."""

    CHECKING = "CHECKING"
    FINISHING = "FINISHING"
    ABORTED = "ABORTED"
    UNIT_FAILED = "UNIT_FAILED"
    NOT_SECURE = "NOT_SECURE"
    RECORD_MISSING = "RECORD_MISSING"
    UNIT_GONE = "UNIT_GONE"
    BOARD_GONE = "BOARD_GONE"
    PORT_TAKEN = "PORT_TAKEN"
    HOST_RESTARTED = "HOST_RESTARTED"
    NO_NEXT_STAGE = "NO_NEXT_STAGE"
    TOO_LONG = "TOO_LONG"
    BEGAN_AGAIN = "BEGAN_AGAIN"
    PORT_EXCLUDED = "PORT_EXCLUDED"
    STATE_UNKNOWN = "STATE_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence comes to.

    `stage` is None where no stage has to do with it; for a failure it is the stage that failed.
    `since` is when it came to this, UTC: the time of the row or of the unit's end; for a stalled
    board that of its last sign of life. `reason` is a sentence, empty without a `cause`.
    `look_again` is in how many seconds time alone may change it, None for never.
    """

    status: Status
    stage: Stage | None
    style: Style | None
    since: datetime | None
    facts: Facts
    cause: Cause | None = None
    reason: str = ""
    look_again: float | None = field(default=None, compare=False)


def judge(facts: Facts) -> Verdict:
    """Returns the status that the facts allow; the same facts give the same verdict."""
    reading = facts.newest.reading
    if reading.word is Word.EXCLUDED:
        reason = "The port rules keep this port out; nothing was done to the board."
        return _verdict(facts, Status.SKIPPED, Cause.PORT_EXCLUDED, reason, stage=None)
    if reading.stage is None:
        reason = "The last row is none that the station's scripts write."
        return _verdict(facts, Status.UNKNOWN, Cause.STATE_UNKNOWN, reason, stage=None)
    if facts.aborted:
        return _aborted(facts)
    return _finished(facts) if facts.finished else _open(facts, reading.stage)


def _verdict(
    facts: Facts,
    status: Status,
    cause: Cause | None = None,
    reason: str = "",
    *,
    stage: Stage | None,
    since: datetime | None = None,
    look_again: float | None = None,
) -> Verdict:
    since = since or facts.newest.at
    return Verdict(status, stage, facts.style, since, facts, cause, reason, look_again)


def _aborted(facts: Facts) -> Verdict:
    words = facts.stage.words if facts.stage else "the run"
    reason = f"{words.capitalize()} was aborted."
    if facts.finished:
        reason = "The rows say that it finished and that it was aborted; it is not trusted."
    return _verdict(facts, Status.FAILED, Cause.ABORTED, reason, stage=facts.stage)


def _finished(facts: Facts) -> Verdict:
    stage = Stage.PROVISIONING
    denied = _denied(facts)
    if denied is not None:
        status, cause, reason = denied
        again = RECORD_LOOK if cause is Cause.RECORD_MISSING else None
        since = _ended_at(facts)
        return _verdict(facts, status, cause, reason, stage=stage, since=since, look_again=again)
    if facts.unit.sight is UnitSight.RUNNING:
        return _still_running(facts)
    if facts.checking or facts.record.sight is RecordSight.MISSING:
        reason, again = "It was said to be finished; this is being checked.", FIRST_LOOK
        active, cause = Status.ACTIVE, Cause.CHECKING
        return _verdict(facts, active, cause, reason, stage=stage, look_again=again)
    return _verdict(facts, Status.COMPLETE, stage=Stage.COMPLETE)


def _denied(facts: Facts) -> tuple[Status, Cause, str] | None:
    """Returns what speaks against a board that was said to be finished."""
    unit = facts.unit
    if unit.sight is UnitSight.FAILED:
        reason = f"It was said to be finished, but {unit.name} failed: {unit.how}."
        return Status.FAILED, Cause.UNIT_FAILED, reason
    if facts.insecure:
        return Status.FAILED, Cause.NOT_SECURE, NOT_SECURE
    if facts.mixed:
        return Status.UNKNOWN, Cause.STATE_UNKNOWN, MIXED
    if not facts.newest.reading.finishes:
        reason = "Something was written after it was said to be finished."
        return Status.UNKNOWN, Cause.STATE_UNKNOWN, reason
    if facts.record.sight is RecordSight.MISSING and not facts.checking and facts.quiet >= GRACE:
        return Status.UNKNOWN, Cause.RECORD_MISSING, NO_RECORD
    return None


def _ended_at(facts: Facts) -> datetime | None:
    return facts.unit.at if facts.unit.sight is UnitSight.FAILED else facts.newest.at


def _still_running(facts: Facts) -> Verdict:
    stage, name = Stage.PROVISIONING, facts.unit.name
    if facts.quiet >= FINISHING:
        reason = f"It was said to be finished, but {name} does not end."
        return _verdict(facts, Status.STALLED, Cause.TOO_LONG, reason, stage=stage)
    reason, again = f"It was said to be finished; {name} still runs.", FIRST_LOOK
    active, cause = Status.ACTIVE, Cause.FINISHING
    return _verdict(facts, active, cause, reason, stage=stage, look_again=again)


def _open(facts: Facts, stage: Stage) -> Verdict:
    unit = facts.unit
    if unit.sight is UnitSight.FAILED:
        failed = _next_of(stage) if facts.awaits_next else stage
        reason = f"{unit.name} failed: {unit.how}."
        cause = Cause.UNIT_FAILED
        return _verdict(facts, Status.FAILED, cause, reason, stage=failed, since=unit.at)
    found = _stalled(facts, stage)
    if found is not None:
        cause, reason = found
        return _verdict(facts, Status.STALLED, cause, reason, stage=stage)
    again = _look_again(facts, stage)
    since = facts.entered_at
    return _verdict(facts, Status.ACTIVE, stage=stage, since=since, look_again=again)


def _stalled(facts: Facts, stage: Stage) -> tuple[Cause, str] | None:
    """Returns why nothing stands behind the last row, None while something does."""
    unit, presence, words = facts.unit, facts.presence, stage.words
    if facts.booted_at is not None and unit.sight is not UnitSight.RUNNING:
        return Cause.HOST_RESTARTED, f"The station was restarted during {words}."
    if facts.displaced:
        return Cause.PORT_TAKEN, f"Another board took its port during {words}."
    away = presence.sight is PresenceSight.ABSENT and presence.seconds >= _away(facts, stage)
    if away or presence.lost:
        return Cause.BOARD_GONE, f"The board was unplugged during {words}."
    if _unit_is_over(facts) and min(unit.seconds, facts.quiet) >= GRACE:
        return Cause.UNIT_GONE, f"{unit.name} is over without a word of how {words} ended."
    return _late(facts, stage) if facts.quiet >= _limit(facts, stage) else None


def _late(facts: Facts, stage: Stage) -> tuple[Cause, str]:
    words = stage.words.capitalize()
    if facts.awaits_next:
        return Cause.NO_NEXT_STAGE, f"{words} is over, but {_next_of(stage).words} never began."
    return Cause.TOO_LONG, f"{words} has said nothing for too long."


def _unit_is_over(facts: Facts) -> bool:
    return not facts.awaits_next and facts.unit.sight in (UnitSight.ENDED, UnitSight.GONE)


def _away(facts: Facts, stage: Stage) -> float:
    """Returns how long the board may be away: it boots in between while bootstrap works."""
    works = stage is Stage.BOOTSTRAP and facts.unit.sight is UnitSight.RUNNING
    return REBOOT_GRACE if facts.newest.reading.rebooting or works else GRACE


def _limit(facts: Facts, stage: Stage) -> float:
    works = facts.unit.sight is UnitSight.RUNNING
    if facts.awaits_next:
        return DEADLINES[_next_of(stage)] if works else NEXT_STAGE
    return DEADLINES[stage]


def _look_again(facts: Facts, stage: Stage) -> float:
    """Returns when the first of the limits that run now may be over."""
    limits = [_limit(facts, stage) - facts.quiet]
    if facts.presence.sight is PresenceSight.ABSENT:
        limits.append(_away(facts, stage) - facts.presence.seconds)
    if _unit_is_over(facts):
        limits.append(GRACE - min(facts.unit.seconds, facts.quiet))
    # Never at once: whoever waits for it would go round in circles.
    return max(0.05, min(limits))


def _next_of(stage: Stage) -> Stage:
    return Stage.TRIAGE if stage is Stage.BOOTSTRAP else Stage.PROVISIONING
