"""Hash states: what is known of an image's SHA-256 at one moment."""

import re
from dataclasses import dataclass
from enum import StrEnum

from domain.events import Event

SHA256 = re.compile(r"[0-9a-fA-F]{64}")


class HashStatus(StrEnum):
    """How far the calculation is."""

    NONE = "NONE"
    """Nothing is known and nothing is under way: an artefact without a sidecar, an image that
    nobody has looked at yet."""
    PENDING = "PENDING"
    """Waiting for its turn, for the end of a copy, or being calculated."""
    COMPLETE = "COMPLETE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    """Somebody stopped the calculation; it begins again when somebody asks for the hash."""


@dataclass(frozen=True, slots=True)
class HashState:
    """`sha256` is 64 lower-case hex digits when complete; `progress` is 0.0 to 1.0 once the
    calculation has begun; `error` is a sentence when it failed."""

    status: HashStatus
    sha256: str | None = None
    progress: float | None = None
    error: str | None = None

    @classmethod
    def complete(cls, sha256: str) -> "HashState":
        """Returns the state of a known hash."""
        return cls(HashStatus.COMPLETE, sha256.lower())

    @classmethod
    def failed(cls, error: str) -> "HashState":
        """Returns the state of a calculation that failed."""
        return cls(HashStatus.FAILED, error=error)

    @classmethod
    def pending(cls, progress: float | None = None) -> "HashState":
        """Returns the state of a calculation under way."""
        return cls(HashStatus.PENDING, progress=progress)


NOT_HASHED = HashState(HashStatus.NONE)
NO_FILE = HashState(HashStatus.FAILED, error="It is neither a file nor a folder: it has no hash.")
STOPPED = HashState(HashStatus.CANCELLED, error="The calculation was cancelled.")


@dataclass(frozen=True, slots=True)
class HashChanged(Event):
    """The hash of the image called `name` is known, is being calculated, or is no longer known.

    `state` is None when the image is gone.
    """

    name: str
    state: HashState | None
