"""The units that the journal tells of, each with the time of its newest line; kept up to date by
walking only over what is new."""

from adapters.journal_library import OpenJournal
from adapters.journal_matches import ABOUT, OWN, newest_of
from adapters.journal_reader import JournalReader
from domain.services.unit_names import is_shown

MOST_NEW = 50_000
"""New entries over which walking is cheaper than asking for each unit again."""

Newest = dict[str, int]
"""Microseconds since the epoch by the unit's name."""


class JournalUnitTable:
    """Remembers what `JournalReader`'s journal says of units. Blocks; raises as that does."""

    def __init__(self, reader: JournalReader) -> None:
        self._reader = reader
        self._generation = -1
        self._newest: dict[str, Newest] = {OWN: {}, ABOUT: {}}
        self._seen: str | None = None

    def rows(self) -> list[tuple[str, int | None, int]]:
        """Returns for each shown unit its name, the time of its own newest line (None where it has
        none), and of the newest of its own and of systemd's about it."""
        journal = self._reader.opened()
        if journal is None:
            return []
        if self._generation != self._reader.generation or not self._walk(journal):
            self._build(journal)
        own, about = self._newest[OWN], self._newest[ABOUT]
        return [
            (name, own.get(name), max(own.get(name, 0), about.get(name, 0)))
            for name in own.keys() | about.keys()
        ]

    def _build(self, journal: OpenJournal) -> None:
        # The end first: what comes while the units are looked for is walked over next time.
        self._seen = self._reader.end()
        for field in (OWN, ABOUT):
            names = [value.decode("utf-8", "replace") for value in journal.values(field)]
            found = {name: _newest(journal, name, field) for name in names if is_shown(name)}
            self._newest[field] = {name: at for name, at in found.items() if at is not None}
        self._generation = self._reader.generation

    def _walk(self, journal: OpenJournal) -> bool:
        """Takes what is new; returns False where the table is better built anew."""
        journal.match([])
        if self._seen is None:
            return False
        journal.seek_cursor(self._seen)
        if not journal.step(backwards=False) or not journal.is_at(self._seen):
            return False
        for _ in range(MOST_NEW):
            if not journal.step(backwards=False):
                self._seen = journal.cursor()
                return True
            self._take(journal)
        return False

    def _take(self, journal: OpenJournal) -> None:
        name = _name(journal, OWN)
        if is_shown(name):
            self._newest[OWN][name] = journal.microseconds()
        if journal.field("_PID") == b"1" and is_shown(about := _name(journal, ABOUT)):
            self._newest[ABOUT][about] = journal.microseconds()


def _name(journal: OpenJournal, field: str) -> str:
    return (journal.field(field) or b"").decode("utf-8", "replace")


def _newest(journal: OpenJournal, name: str, field: str) -> int | None:
    journal.match(newest_of(name, field))
    journal.seek_end(backwards=True)
    return journal.microseconds() if journal.step(backwards=True) else None
