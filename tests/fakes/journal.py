"""A journal in memory: what a test writes to it, and the same in the journal's export format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from domain.services.journal import (
    JournalLine,
    JournalQuestion,
    JournalSlice,
    JournalUnavailable,
    JournalUnit,
)
from domain.services.line_filters import LineFilter, Origin
from domain.services.unit_names import is_shown

MACHINE = "5f0c1b2a3d4e4f60718293a4b5c6d7e8"
BOOT = "0123456789abcdef0123456789abcdef"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)
FACTS = ("MESSAGE_ID", "UNIT_RESULT", "JOB_RESULT", "JOB_TYPE", "EXIT_CODE", "EXIT_STATUS")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as journald keeps it; the first second is noon."""

    fields: Mapping[str, str | bytes]
    second: float
    boot: str = BOOT

    @property
    def microseconds(self) -> int:
        return (NOON - EPOCH) // timedelta(microseconds=1) + round(self.second * 1_000_000)

    def text(self, name: str) -> str | None:
        value = self.fields.get(name)
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def exported(self) -> bytes:
        """Returns the entry as systemd-journal-remote reads it."""
        address = {
            "__REALTIME_TIMESTAMP": str(self.microseconds),
            "__MONOTONIC_TIMESTAMP": str(1_000_000 + round(self.second * 1_000_000)),
            "_BOOT_ID": self.boot,
            "_MACHINE_ID": MACHINE,
        }
        return b"".join(_exported(*pair) for pair in {**address, **self.fields}.items()) + b"\n"


def own(
    unit: str,
    message: str | bytes | None,
    second: float,
    *,
    invocation: str | None = None,
    boot: str = BOOT,
    **fields: str,
) -> Entry:
    """Returns a line of the unit's own process."""
    said = {} if message is None else {"MESSAGE": message}
    run = {"_SYSTEMD_INVOCATION_ID": invocation} if invocation else {}
    who = {"_SYSTEMD_UNIT": unit, "_PID": "4711", "SYSLOG_IDENTIFIER": "script", "PRIORITY": "6"}
    return Entry({**who, **run, **said, **fields}, second, boot)


def about(
    unit: str,
    message: str,
    second: float,
    *,
    invocation: str | None = None,
    boot: str = BOOT,
    **fields: str,
) -> Entry:
    """Returns a line of systemd about the unit."""
    run = {"INVOCATION_ID": invocation} if invocation else {}
    who = {"_SYSTEMD_UNIT": "init.scope", "_PID": "1", "SYSLOG_IDENTIFIER": "systemd", "UNIT": unit}
    return Entry({**who, "PRIORITY": "6", **run, "MESSAGE": message, **fields}, second, boot)


@dataclass
class FakeJournal:
    """Satisfies `domain.services.journal.Journal`. With a `reason`, all calls are unavailable; a
    slice has at most `slice` lines."""

    entries: list[Entry] = field(default_factory=list)
    reason: str = ""
    slice: int = 1000
    vacuumed: int = 0
    reads: int = 0

    def write(self, *entries: Entry) -> None:
        self.entries += entries

    def vacuum(self, count: int) -> None:
        """Takes away the oldest entries."""
        del self.entries[:count]
        self.vacuumed += count

    async def list_units(self) -> list[JournalUnit]:
        self._require()
        newest: dict[str, JournalUnit] = {}
        for entry in self.entries:
            name, at = entry.text("_SYSTEMD_UNIT") or "", entry.microseconds
            if is_shown(name):
                newest[name] = JournalUnit(name, at, at)
            name = entry.text("UNIT") or ""
            if is_shown(name) and entry.text("_PID") == "1":
                known = newest.get(name)
                newest[name] = JournalUnit(name, known.own_newest if known else None, at)
        return list(newest.values())

    async def read(self, question: JournalQuestion) -> JournalSlice:
        self._require()
        self.reads += 1
        lines = self._lines(question.unit, question.wanted)
        place = None if question.cursor is None else _number(question.cursor)
        found = any(number == place for number, _ in lines)
        if question.backwards:
            lines.reverse()
        wanted = [line for number, line in lines if _is_wanted(number, place, question)]
        count = min(question.count, self.slice)
        resume = wanted[count - 1].cursor if len(wanted) >= count else None
        return JournalSlice(tuple(wanted[:count]), resume, found=found)

    async def count(self, unit: str, origin: Origin) -> int:
        self._require()
        return len(self._lines(unit, LineFilter(origin=origin)))

    async def locate(self, unit: str, number: int) -> str | None:
        self._require()
        lines = self._lines(unit, LineFilter(origin=Origin.UNIT))
        return lines[number][1].cursor if 0 <= number < len(lines) else None

    async def end(self) -> str | None:
        self._require()
        last = len(self.entries) - 1
        return None if last < 0 else _cursor(self.vacuumed + last, self.entries[last])

    async def probe(self) -> None:
        self._require()

    def _require(self) -> None:
        if self.reason:
            raise JournalUnavailable(self.reason)

    def _lines(self, unit: str, wanted: LineFilter) -> list[tuple[int, JournalLine]]:
        numbered = enumerate(self.entries, self.vacuumed)
        lines = [(number, _line(number, entry, unit)) for number, entry in numbered]
        return [(number, line) for number, line in lines if line and _passes(line, wanted)]


def _line(number: int, entry: Entry, unit: str) -> JournalLine | None:
    mine = entry.text("_SYSTEMD_UNIT") == unit
    by_systemd = not mine and entry.text("UNIT") == unit and entry.text("_PID") == "1"
    if not mine and not by_systemd:
        return None
    pid, priority = entry.text("_PID"), entry.text("PRIORITY")
    return JournalLine(
        cursor=_cursor(number, entry),
        microseconds=entry.microseconds,
        at=EPOCH + timedelta(microseconds=entry.microseconds),
        message=entry.text("MESSAGE"),
        priority=int(priority) if priority else None,
        identifier=entry.text("SYSLOG_IDENTIFIER"),
        pid=int(pid) if pid else None,
        by_systemd=by_systemd,
        invocation=entry.text("INVOCATION_ID" if by_systemd else "_SYSTEMD_INVOCATION_ID"),
        boot=entry.boot,
        facts={name: entry.text(name) or "" for name in FACTS if by_systemd and entry.text(name)},
    )


def _passes(line: JournalLine, wanted: LineFilter) -> bool:
    return (
        wanted.origin in (Origin.ALL, Origin.SYSTEMD if line.by_systemd else Origin.UNIT)
        and (wanted.priority is None or (line.priority or 0) <= wanted.priority.number)
        and (wanted.text is None or wanted.text.casefold() in (line.message or "").casefold())
        and (wanted.since is None or line.at >= wanted.since)
        and (wanted.until is None or line.at <= wanted.until)
        and wanted.boot in (None, line.boot)
        and wanted.invocation in (None, line.invocation)
    )


def _is_wanted(number: int, place: int | None, question: JournalQuestion) -> bool:
    if place is None or (number == place and question.inclusive):
        return True
    return number < place if question.backwards else number > place


def _cursor(number: int, entry: Entry) -> str:
    return f"s={MACHINE};i={number:x};b={entry.boot};m=1;t={entry.microseconds:x};x=1"


def _number(cursor: str) -> int:
    return int(cursor.split(";")[1].removeprefix("i="), 16)


def _exported(name: str, value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    if b"\n" in raw or not raw.isascii():
        return name.encode() + b"\n" + len(raw).to_bytes(8, "little") + raw + b"\n"
    return f"{name}=".encode() + raw + b"\n"
