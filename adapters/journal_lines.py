"""A line of the journal on its way from libsystemd over a pipe to the domain."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from adapters.journal_library import OpenJournal
from domain.services.journal import LONGEST_MESSAGE, JournalLine

# Its own, for the module of the other pipe brings all of asyncio into the child.
Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
Line = Mapping[str, Plain]

FACTS = ("MESSAGE_ID", "UNIT_RESULT", "JOB_RESULT", "JOB_TYPE", "EXIT_CODE", "EXIT_STATUS")
LONGEST_FACT = 1000
PREFIX = len(b"MESSAGE=")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BOOT = ";b="

RawLine = list[Plain]
"""Cursor, microseconds, message, whether it is cut, priority, identifier, process, whether systemd
wrote it, invocation, facts."""


def raw_line(journal: OpenJournal, unit: str) -> RawLine:
    """Returns the entry at the journal's place, a line about `unit`."""
    message = journal.field("MESSAGE")
    most = LONGEST_MESSAGE - PREFIX
    text = None if message is None else message[:most].decode("utf-8", "replace")
    by_systemd = _text(journal, "_SYSTEMD_UNIT") != unit
    invocation = _text(journal, "INVOCATION_ID" if by_systemd else "_SYSTEMD_INVOCATION_ID")
    return [
        journal.cursor(),
        journal.microseconds(),
        text,
        message is not None and len(message) >= most,
        _number(journal, "PRIORITY"),
        _text(journal, "SYSLOG_IDENTIFIER") or _text(journal, "_COMM"),
        _number(journal, "_PID"),
        by_systemd,
        invocation,
        _facts(journal) if by_systemd else {},
    ]


def line_of(raw: Sequence[Plain]) -> JournalLine:
    """Returns the line; raises TypeError when it is none."""
    cursor, microseconds, message, cut, priority, identifier, pid, by_systemd, invocation, facts = (
        raw
    )
    if not isinstance(cursor, str) or not isinstance(microseconds, int):
        raise TypeError("a line has a cursor and a time")
    return JournalLine(
        cursor=cursor,
        microseconds=microseconds,
        at=moment(microseconds),
        message=_optional_text(message),
        cut=bool(cut),
        priority=_optional_number(priority),
        identifier=_optional_text(identifier),
        pid=_optional_number(pid),
        by_systemd=bool(by_systemd),
        invocation=_optional_text(invocation),
        boot=cursor.partition(_BOOT)[2][:32] or None,
        facts={key: str(value) for key, value in facts.items()} if isinstance(facts, dict) else {},
    )


def moment(microseconds: int) -> datetime:
    """Returns the time; what no calendar has is shown as the last second of one."""
    try:
        return EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def microseconds_of(at: datetime) -> int:
    """Returns the time since the epoch; what was before it is the epoch."""
    return max(0, (at - EPOCH) // timedelta(microseconds=1))


def _facts(journal: OpenJournal) -> dict[str, Plain]:
    found = ((name, _text(journal, name)) for name in FACTS)
    return {name: text for name, text in found if text is not None}


def _text(journal: OpenJournal, field: str) -> str | None:
    raw = journal.field(field)
    return None if raw is None else raw[:LONGEST_FACT].decode("utf-8", "replace")


def _number(journal: OpenJournal, field: str) -> int | None:
    raw = journal.field(field)
    return int(raw) if raw is not None and raw.isdigit() and len(raw) < 10 else None


def _optional_text(value: Plain) -> str | None:
    return value if isinstance(value, str) else None


def _optional_number(value: Plain) -> int | None:
    return value if isinstance(value, int) else None
