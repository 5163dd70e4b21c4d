"""Which lines of a unit's journal somebody wants to see."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import Invalid

LONGEST_TEXT = 1000
"""Characters."""
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class JournalFilterInvalid(Invalid):
    """A filter that cannot be meant."""

    code = "JOURNAL_FILTER_INVALID"
    title = "Invalid Filter"
    meaning = (
        "A boot or an invocation is not 32 hex digits, a text is empty or longer than "
        f"{LONGEST_TEXT}, or the time range ends before it begins."
    )
    remedy = "Leave out what is not to be filtered by; correct the member that the message names."


class Origin(StrEnum):
    """Who wrote a line."""

    ALL = "ALL"
    UNIT = "UNIT"
    SYSTEMD = "SYSTEMD"


class Priority(StrEnum):
    """How serious a line is: syslog's words (RFC 5424 section 6.2.1), the worst first."""

    EMERGENCY = "EMERGENCY"
    ALERT = "ALERT"
    CRITICAL = "CRITICAL"
    ERROR = "ERROR"
    WARNING = "WARNING"
    NOTICE = "NOTICE"
    INFO = "INFO"
    DEBUG = "DEBUG"

    @property
    def number(self) -> int:
        """The number in the journal: 0 is the worst."""
        return tuple(Priority).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFilter:
    """Every member narrows; None does not.

    `priority` keeps lines that serious and worse; `text` occurs anywhere in the message, case
    ignored; `since` and `until` are both included; `boot` and `invocation` are 32 hex digits.
    Raises `JournalFilterInvalid`.
    """

    origin: Origin = Origin.ALL
    priority: Priority | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    boot: str | None = None
    invocation: str | None = None

    def __post_init__(self) -> None:
        if self.text is not None and not 1 <= len(self.text) <= LONGEST_TEXT:
            raise JournalFilterInvalid(
                f"`text` has {len(self.text)} characters; it must have 1 to {LONGEST_TEXT}.",
                field="text",
            )
        for name, value in (("bootId", self.boot), ("invocationId", self.invocation)):
            if value is not None and not _ID.fullmatch(value):
                raise JournalFilterInvalid(
                    f"`{name}` is 32 hex digits in lower case, as the lines have it.", field=name
                )
        if self.since and self.until and self.since > self.until:
            raise JournalFilterInvalid("`since` is after `until`.", field="since")

    @property
    def is_open(self) -> bool:
        """Whether every line of its origin is wanted."""
        return self == LineFilter(origin=self.origin)


EVERY_LINE = LineFilter()
