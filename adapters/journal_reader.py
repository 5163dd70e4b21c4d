"""Reading a unit's lines out of the journal's files, piece by piece; belongs into a process that
may be killed."""

from adapters.journal_files import Marks, are_same, journal_files, open_journal
from adapters.journal_library import OpenJournal
from adapters.journal_matches import matches_of
from adapters.journal_walk import RawSlice, read_slice
from domain.host_paths import HostPaths
from domain.services.journal import JournalQuestion
from domain.services.line_filters import LineFilter, Origin

MOST_REMEMBERED = 1000
EVERY = 2**31 - 1


class JournalReader:
    """The files of this machine's journal, opened again when others come or go. All methods block
    and raise `JournalFailed`, `JournalDenied` and `LibraryMissing`."""

    def __init__(self, paths: HostPaths) -> None:
        self._paths = paths
        self._files: Marks | None = None
        self._journal: OpenJournal | None = None
        self._counts: dict[tuple[str, Origin], tuple[int, str]] = {}
        self._places: dict[str, dict[int, str]] = {}
        self._left_out: list[str] = []
        self.generation = 0

    def opened(self) -> OpenJournal | None:
        """Returns the journal as its files are now, None where there are none.

        Another `generation` means other files: what was remembered of places no longer holds.
        """
        files = journal_files(self._paths)
        if self._files is None or not are_same(self._files, files):
            self.close()
            self._journal, bad = open_journal(sorted(files))
            self._left_out = [file.name for file in bad]
            self.generation += 1
        self._files = files
        return self._journal

    def take_left_out(self) -> list[str]:
        """Returns the names of files that are no good journals, once."""
        names, self._left_out = self._left_out, []
        return names

    def close(self) -> None:
        """Closes the files and forgets all places."""
        if self._journal is not None:
            self._journal.close()
        self._journal, self._files = None, None
        self._counts.clear()
        self._places.clear()

    def read(self, question: JournalQuestion) -> RawSlice:
        """Returns some of the lines, for as long as a slice may take."""
        journal = self.opened()
        if journal is None:
            return RawSlice([], None, found=False)
        return read_slice(journal, question)

    def count(self, unit: str, origin: Origin) -> int:
        """Returns how many lines of this origin the unit has; only those are walked over that came
        since it was asked last."""
        journal = self.opened()
        if journal is None:
            return 0
        journal.match(matches_of(unit, LineFilter(origin=origin)))
        counted, last = self._counts.get((unit, origin), (0, None))
        if last is None:
            journal.seek_end(backwards=False)
        else:
            journal.seek_cursor(last)
            journal.step(backwards=False)
        new = journal.step(EVERY, backwards=False)
        if new:
            if len(self._counts) >= MOST_REMEMBERED:
                self._counts.clear()
            # Where there are no more, the place stays at the last one.
            self._counts[unit, origin] = (counted + new, journal.cursor())
        return counted + new

    def locate(self, unit: str, number: int) -> str | None:
        """Returns the cursor of the unit's own line with this number, the oldest being 0."""
        total = self.count(unit, Origin.UNIT)
        journal = self._journal
        if journal is None or not 0 <= number < total:
            return None
        places = self._remembered(unit)
        known = min(places, key=lambda place: abs(place - number), default=None)
        if known is None or abs(known - number) > min(number, total - number):
            _go_from_end(journal, number, total)
        else:
            _go_from(journal, places[known], number - known)
        places[number] = journal.cursor()
        return places[number]

    def end(self) -> str | None:
        """Returns the cursor of the newest entry of all, None for an empty journal."""
        journal = self.opened()
        if journal is None:
            return None
        journal.match([])
        journal.seek_end(backwards=True)
        return journal.cursor() if journal.step(backwards=True) else None

    def _remembered(self, unit: str) -> dict[int, str]:
        places = self._places.setdefault(unit, {})
        if sum(map(len, self._places.values())) > MOST_REMEMBERED:
            self._places = {unit: places}
            places.clear()
        return places


def _go_from_end(journal: OpenJournal, number: int, total: int) -> None:
    backwards = number > total // 2
    journal.seek_end(backwards=backwards)
    journal.step(total - number if backwards else number + 1, backwards=backwards)


def _go_from(journal: OpenJournal, cursor: str, steps: int) -> None:
    journal.seek_cursor(cursor)
    journal.step(backwards=False)
    if steps:
        journal.step(abs(steps), backwards=steps < 0)
