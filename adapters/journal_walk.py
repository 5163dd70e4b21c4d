"""One walk over a unit's lines in the journal, as long as one piece of work may take."""

import time
from dataclasses import dataclass

from adapters.journal_library import JournalFailed, OpenJournal
from adapters.journal_lines import RawLine, microseconds_of, raw_line
from adapters.journal_matches import matches_of
from domain.services.journal import JournalQuestion

SLICE_SECONDS = 0.05
"""How long a walk may take before others get their turn."""
SLICE_BYTES = 512 * 1024
LOOK_AT_CLOCK = 64
"""Entries between two looks at the clock."""
MOST_BROKEN = 1000
"""Entries in a row that cannot be read until the files are given up."""
LAST_MOMENT = 2**62


@dataclass(frozen=True, slots=True)
class RawSlice:
    """As `domain.services.journal.JournalSlice`, with lines as they go over the pipe."""

    lines: list[RawLine]
    resume: str | None
    found: bool


def read_slice(journal: OpenJournal, question: JournalQuestion) -> RawSlice:
    """Returns some of the lines; raises `JournalFailed`."""
    journal.match(matches_of(question.unit, question.wanted))
    _seek(journal, question)
    return _Walk(journal, question).run()


class _Walk:
    """The walk over the entries that match one question."""

    def __init__(self, journal: OpenJournal, question: JournalQuestion) -> None:
        self._journal = journal
        self._question = question
        wanted = question.wanted
        self._text = wanted.text.casefold() if wanted.text else None
        self._since = microseconds_of(wanted.since) if wanted.since else 0
        self._until = microseconds_of(wanted.until) if wanted.until else LAST_MOMENT
        self._lines: list[RawLine] = []
        self._bytes = 0
        self._broken = 0
        self._found = False

    def run(self) -> RawSlice:
        end = time.monotonic() + SLICE_SECONDS
        walked = 0
        while self._journal.step(backwards=self._question.backwards):
            walked += 1
            try:
                cursor = self._take(first=walked == 1)
            except JournalFailed:
                self._broken += 1
                if self._broken >= MOST_BROKEN:
                    raise
                continue
            if cursor is None:
                return self._slice(None)
            late = walked % LOOK_AT_CLOCK == 0 and time.monotonic() > end
            if late or len(self._lines) == self._question.count or self._bytes > SLICE_BYTES:
                return self._slice(cursor)
        return self._slice(None)

    def _take(self, *, first: bool) -> str | None:
        """Looks at one entry; returns where it is, None where it and all others are beyond the
        wanted times."""
        cursor = self._journal.cursor()
        if first and self._question.cursor and self._journal.is_at(self._question.cursor):
            self._found = True
            if not self._question.inclusive:
                return cursor
        at = self._journal.microseconds()
        if not self._since <= at <= self._until:
            beyond = at < self._since if self._question.backwards else at > self._until
            return None if beyond else cursor
        if self._text is None or self._text in self._message():
            line = raw_line(self._journal, self._question.unit)
            self._lines.append(line)
            self._bytes += len(str(line[2]))
        self._broken = 0
        return cursor

    def _message(self) -> str:
        message = self._journal.field("MESSAGE")
        return "" if message is None else message.decode("utf-8", "replace").casefold()

    def _slice(self, resume: str | None) -> RawSlice:
        return RawSlice(self._lines, resume, self._found)


def _seek(journal: OpenJournal, question: JournalQuestion) -> None:
    wanted = question.wanted
    edge = wanted.until if question.backwards else wanted.since
    if question.cursor is not None:
        journal.seek_cursor(question.cursor)
    elif edge is not None:
        journal.seek_time(microseconds_of(edge))
    else:
        journal.seek_end(backwards=question.backwards)
