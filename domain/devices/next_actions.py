"""Next actions: what a person at the jig does now."""

from dataclasses import dataclass
from enum import StrEnum

from domain.devices.evidence import PresenceSight
from domain.devices.status import Cause, Status, Verdict


class Action(StrEnum):
    """What is to be done, in one word."""

    WAIT = "WAIT"
    TAKE_OUT = "TAKE_OUT"
    PLUG_AGAIN = "PLUG_AGAIN"
    CHECK_CABLE = "CHECK_CABLE"
    USE_ANOTHER_PORT = "USE_ANOTHER_PORT"
    SET_ASIDE = "SET_ASIDE"


@dataclass(frozen=True, slots=True)
class NextAction:
    """The action and a sentence for a person at the jig."""

    action: Action
    sentence: str


WAIT = NextAction(Action.WAIT, "Wait and leave the board plugged in.")
TAKE_OUT = NextAction(Action.TAKE_OUT, "Take the board out: it is done.")
PLUG_AGAIN = NextAction(
    Action.PLUG_AGAIN, "Unplug the board, hold its button (nRPIBOOT) and plug it in again."
)
CHECK_CABLE = NextAction(
    Action.CHECK_CABLE,
    "Check the cable and the power, then plug the board in again with its button (nRPIBOOT) held.",
)
USE_ANOTHER_PORT = NextAction(
    Action.USE_ANOTHER_PORT, "Plug the board into a port that the port rules permit."
)
FAILED_TWICE = NextAction(
    Action.SET_ASIDE, "Take the board out and set it aside: it failed again and again."
)
DOUBTFUL = NextAction(
    Action.SET_ASIDE,
    "Set the board aside for an engineer: what is known of it does not fit together.",
)
TRIES = 2
"""So many failed runs in a row, and another try is not worth an operator's time."""

_BY_CAUSE = {
    Cause.NOT_SECURE: DOUBTFUL,
    Cause.RECORD_MISSING: DOUBTFUL,
    Cause.BOARD_GONE: CHECK_CABLE,
    Cause.PORT_EXCLUDED: USE_ANOTHER_PORT,
}


def next_action(verdict: Verdict) -> NextAction | None:
    """Returns what to do, None where nothing is to be done or nobody can tell."""
    if verdict.status is Status.ACTIVE:
        return WAIT
    if verdict.status is Status.COMPLETE:
        plugged = verdict.facts.presence.sight is PresenceSight.PRESENT
        return TAKE_OUT if plugged else None
    if verdict.status in (Status.FAILED, Status.STALLED):
        return _after_failure(verdict)
    return _BY_CAUSE.get(verdict.cause) if verdict.cause else None


def _after_failure(verdict: Verdict) -> NextAction:
    if verdict.facts.finished:
        return DOUBTFUL
    if verdict.facts.failures + 1 >= TRIES:
        return FAILED_TWICE
    return _BY_CAUSE.get(verdict.cause, PLUG_AGAIN) if verdict.cause else PLUG_AGAIN
