"""The keeper of the record index: makes it, catches it up and checks that it still fits, step
by step, in one thread of its own."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from adapters.manufacturing.index_file import IndexFile
from adapters.manufacturing.index_reader import unavailable
from adapters.manufacturing.source import Source, SourceFile
from domain.atomic_files import sync_folder

STEP = 5_000
"""How many rows one step takes: well below a tenth of a second, so that a stop comes between."""
SAMPLES = 2_000
"""How many rows are compared with the database where it changed without a new row."""
MOST_BOARDS = 1_000
FINISHED, UNFINISHED = ".db", ".part"


@dataclass(frozen=True, slots=True)
class Step:
    """What a step did: how far the whole is (0 to 1), the highest id now, how many rows were
    added and of which boards (empty for too many). `lost`: there is no database any more, or it is
    another one."""

    progress: float = 1.0
    highest: int | None = None
    added: int = 0
    boards: frozenset[str] = field(default_factory=frozenset)
    lost: bool = False


class Fit(Enum):
    """Whether an index holds what the database does."""

    NO = "no"
    ALIKE = "alike in number and in a sample"
    EXACT = "every row was compared"


class IndexKeeper:
    """Belongs to one thread. `folder` is where the index files are; `logical` what errors call it.

    Methods raise `RecordIndexUnavailable` for the index, and what `SourceFile` raises for the
    database.
    """

    def __init__(self, source: SourceFile, folder: Callable[[], Path], logical: str) -> None:
        self._source = source
        self._folder = folder
        self._logical = logical
        self._index: IndexFile | None = None
        self._build: IndexFile | None = None
        self._number = 0

    def open(self) -> Path | None:
        """Opens the newest index that an earlier run left and that fits the database; returns
        its path."""
        with self._failing():
            self.close()
            for left in sorted(self._folder().glob(f"*{FINISHED}"), key=_number, reverse=True):
                with suppress(sqlite3.Error):
                    self._index = IndexFile.opened(left)
                    if self._fit(self._index) is not Fit.NO:
                        self._tidy()
                        return left
                self.close()
        return None

    def fit(self) -> Fit:
        """Returns how the index fits the database, as far as counting and comparing `SAMPLES`
        rows can tell."""
        with self._failing():
            return Fit.NO if self._index is None else self._fit(self._index)

    def catch_up(self) -> Step:
        """Takes in up to `STEP` rows above the last one known."""
        with self._failing():
            # SQLite writes on into a file that somebody removed.
            if self._index is None or not self._index.path.exists():
                return Step(lost=True)
            return self._step(self._index)

    def begin(self) -> Step:
        """Begins a new index beside the present one, if there is one."""
        with self._failing():
            self._abandon()
            origin = self._source.origin()
            if origin is None:
                return Step(lost=True)
            folder = self._folder()
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            for left in folder.glob(f"*{UNFINISHED}"):
                left.unlink()
            # A name is never used again: who reads an index knows it by its name.
            self._number = max([self._number, *map(_number, folder.iterdir())]) + 1
            path = folder / f"{self._number}{UNFINISHED}"
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            self._build = IndexFile.made(path, origin)
        return Step(progress=0)

    def go_on(self) -> Step:
        """Takes the next `STEP` rows into the new index; at `progress` 1 it has them all."""
        with self._failing():
            return Step(lost=True) if self._build is None else self._step(self._build)

    def finish(self) -> Path | None:
        """Puts the new index in the place of the old one; returns its path."""
        build, self._build = self._build, None
        if build is None:
            return None
        with self._failing():
            build.finish()
            build.close()
            with build.path.open("rb") as written:
                os.fsync(written.fileno())
            path = build.path.with_suffix(FINISHED)
            build.path.rename(path)
            sync_folder(path.parent)
            self.close()
            self._index = IndexFile.opened(path)
            self._tidy()
        return path

    def interrupt(self) -> None:
        """Ends what runs soon; the one method for other threads."""
        for file in (self._index, self._build):
            if file is not None:
                with suppress(sqlite3.Error):
                    file.connection.interrupt()

    def close(self) -> None:
        """Closes what is open."""
        self._abandon()
        if self._index is not None:
            self._index.close()
        self._index = None

    def _abandon(self) -> None:
        if self._build is not None:
            self._build.close()
        self._build = None

    def _fit(self, index: IndexFile) -> Fit:
        contents = index.contents()
        apart = max(1, contents.rows // SAMPLES)
        known = f"devices.id <= {contents.complete}"
        with self._source.attached(index.connection) as source:
            if source is None or not index.is_of(source.origin):
                return Fit.NO
            if source.number("count(*)", known) != contents.rows:
                return Fit.NO
            some = f"{known} AND (devices.id % {apart} = 0 OR devices.id = {contents.complete})"
            index.read(source.origin.columns, where=some)
        if index.differs():
            return Fit.NO
        return Fit.EXACT if apart == 1 else Fit.ALIKE

    def _step(self, index: IndexFile) -> Step:
        complete = index.contents().complete
        with self._source.attached(index.connection) as source:
            if source is None or not index.is_of(source.origin):
                return Step(lost=True)
            where = f"devices.id > {complete} ORDER BY devices.id LIMIT {STEP}"
            added = index.read(source.origin.columns, where=where)
            progress = 1.0 if added < STEP else _progress(source, complete)
        if added:
            index.take()
        contents = index.contents()
        return Step(
            progress,
            highest=contents.complete if contents.rows else None,
            added=added,
            boards=index.boards(MOST_BOARDS) if added else frozenset(),
        )

    def _tidy(self) -> None:
        """Removes every file that is not of the present index. Who still reads an older one
        keeps it until he closes it."""
        present = None if self._index is None else self._index.path.name
        for file in self._folder().iterdir():
            if present is None or not file.name.startswith(present):
                file.unlink()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise unavailable(self._logical, str(error)) from error
        except OSError as error:
            raise unavailable(self._logical, error.strerror or "the disk failed") from error


def _progress(source: Source, complete: int) -> float:
    lowest, highest = source.number("min(devices.id)"), source.number("max(devices.id)")
    return min(0.99, max(0, complete - lowest) / max(1, highest - lowest))


def _number(path: Path) -> int:
    name = path.name.partition(".")[0]
    return int(name) if name.isdecimal() else 0
