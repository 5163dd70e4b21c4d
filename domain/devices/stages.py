"""Stages: what a state text of the shell side says of a board's way (contract devices section
4)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache


class Stage(StrEnum):
    """How far a board is; the order is the way of a board."""

    BOOTSTRAP = "BOOTSTRAP"
    TRIAGE = "TRIAGE"
    PROVISIONING = "PROVISIONING"
    COMPLETE = "COMPLETE"

    @property
    def place(self) -> int:
        """Its place on the way, from 0."""
        return _PLACES[self]

    @property
    def words(self) -> str:
        """The stage as a sentence names it."""
        return self.value.lower()


_PLACES = {stage: place for place, stage in enumerate(Stage)}


class Style(StrEnum):
    """How a board is provisioned: the prefix of the provisioner's words."""

    SB = "SB"
    FDE = "FDE"
    NAKED = "NAKED"
    IDP = "IDP"


class Word(StrEnum):
    """What a state text says of its stage."""

    STARTED = "STARTED"
    """The stage began."""
    WORKING = "WORKING"
    """The stage goes on."""
    FINISHED = "FINISHED"
    """The stage did what it had to."""
    ABORTED = "ABORTED"
    """The stage gave up."""
    EXCLUDED = "EXCLUDED"
    """The port rules keep this port out; nothing was done."""
    UNKNOWN = "UNKNOWN"
    """No text that the station's scripts write."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a state text says. `stage` is None for excluded ports and unknown texts, `style` for
    everything before provisioning. `rebooting`: the board leaves USB for a while after this.
    `place` is the stage's on the way, 0 without one."""

    text: str
    stage: Stage | None
    word: Word
    style: Style | None = None
    rebooting: bool = False
    place: int = 0

    @property
    def starts(self) -> bool:
        """Whether a stage begins with it."""
        return self.word is Word.STARTED

    @property
    def finishes(self) -> bool:
        """Whether the board is done, if it is true."""
        return self.stage is Stage.PROVISIONING and self.word is Word.FINISHED

    @property
    def ends(self) -> bool:
        """Whether nothing follows of itself."""
        return self.finishes or self.word in (Word.ABORTED, Word.EXCLUDED)


UNKNOWN_PATH = "unknown-usb-path"
_STYLED = re.compile(r"(SB|FDE|NAKED|IDP)-PROVISIONER-", re.IGNORECASE)
_NO_PATH = Reading("", Stage.TRIAGE, Word.ABORTED, place=Stage.TRIAGE.place)
_EXACT_ENDS = {"TRIAGE-FINISHED": Stage.TRIAGE, "BOOTSTRAP-FINISHED": Stage.BOOTSTRAP}


def read_state(text: str, endpoint: str = "") -> Reading:
    """Returns what the text says, case ignored; the first rule of contract section 4 that matches
    holds.

    `endpoint` matters for one case alone: triage that finds no USB path writes an empty state.
    """
    if not text and endpoint == UNKNOWN_PATH:
        return _NO_PATH
    return _read(text)


@lru_cache(maxsize=1024)
def _read(text: str) -> Reading:
    upper = text.upper()
    if "PORT-EXCLUDED" in upper:
        return Reading(text, None, Word.EXCLUDED)
    stage = _stage(upper)
    if stage is None:
        return Reading(text, None, Word.UNKNOWN)
    word, style = _word(upper, stage), _style(text)
    return Reading(text, stage, word, style, _reboots(upper), stage.place)


def _stage(upper: str) -> Stage | None:
    if "PROVISIONER" in upper:
        return Stage.PROVISIONING
    if "TRIAGE" in upper:
        return Stage.TRIAGE
    known = "ABORTED" in upper or "BOOTSTRAP" in upper or "FASTBOOT" in upper
    return Stage.BOOTSTRAP if known else None


def _word(upper: str, stage: Stage) -> Word:
    if "ABORTED" in upper:
        return Word.ABORTED
    if "PROVISIONER-FINISHED" in upper or _EXACT_ENDS.get(upper) is stage:
        return Word.FINISHED
    # "fastboot-initialisation-started" begins a part of the bootstrap, not the bootstrap.
    begins = upper.endswith("-STARTED") and "FASTBOOT" not in upper
    return Word.STARTED if begins else Word.WORKING


def _style(text: str) -> Style | None:
    found = _STYLED.match(text)
    return Style(found[1].upper()) if found else None


def _reboots(upper: str) -> bool:
    return upper == "BOOTSTRAP-FINISHED" or "FASTBOOT-INITIALISATION" in upper
