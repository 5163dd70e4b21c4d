"""Findings: what stands between this station and the next good board, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Topic(StrEnum):
    """What was looked at."""

    SETTINGS = "SETTINGS"
    IMAGE = "IMAGE"
    KEY = "KEY"
    FIRMWARE = "FIRMWARE"
    FOLDERS = "FOLDERS"
    SPACE = "SPACE"
    PORTS = "PORTS"
    UNITS = "UNITS"


class Outcome(StrEnum):
    """How it looks; the order is from good to bad."""

    PASSED = "PASSED"
    WARNING = "WARNING"
    UNKNOWN = "UNKNOWN"
    FAILED = "FAILED"

    @property
    def badness(self) -> int:
        """Its place in that order, from 0."""
        return list(Outcome).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be: `because` and `remedy` are sentences for an operator,
    `variables` the settings that it is about. `outcome` is never PASSED; UNKNOWN is what could not
    be found out."""

    topic: Topic
    outcome: Outcome
    because: str
    remedy: str
    variables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A topic with what was found, the worst first."""

    topic: Topic
    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst that was found."""
        return self.findings[0].outcome if self.findings else Outcome.PASSED


@dataclass(frozen=True, slots=True)
class Preflight:
    """All topics. The station is ready only where nothing failed and everything could be looked
    at: what nobody knows is no yes."""

    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        """Whether the next board may be plugged in."""
        return all(check.outcome.badness <= Outcome.WARNING.badness for check in self.checks)

    @property
    def findings(self) -> list[Finding]:
        """All findings, the worst first."""
        found = [finding for check in self.checks for finding in check.findings]
        return sorted(found, key=_worst_first)

    @property
    def summary(self) -> str:
        """One sentence or two: ready, or the worst reason, what to do, and how many more."""
        against = [one for one in self.findings if one.outcome is not Outcome.WARNING]
        if not against:
            return "Ready."
        more = f" (and {len(against) - 1} more)" if len(against) > 1 else ""
        return f"Not ready: {against[0].because} {against[0].remedy}{more}"


def preflight_of(findings: Iterable[Finding]) -> Preflight:
    """Returns the findings by topic; every topic is there."""
    kept = sorted(findings, key=_worst_first)
    checks = (Check(topic, tuple(one for one in kept if one.topic is topic)) for topic in Topic)
    return Preflight(tuple(checks))


def _worst_first(finding: Finding) -> int:
    return -finding.outcome.badness
