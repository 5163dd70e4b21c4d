"""The blocking half of a foreign SQLite file: which file it is just now, and the one connection
held on it."""

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote_from_bytes

from adapters.foreign_failures import Failures, primary_code
from adapters.foreign_look import Look, look_at
from adapters.foreign_table import Table
from domain.host_paths import HostPaths, PathRefused

T = TypeVar("T")

SNAPSHOT_TRIES = 3
STEPS_BETWEEN_LOOKS = 20_000
"""How many steps of SQLite's machine, a millisecond or so, pass until a given-up job is noticed."""

_HARMLESS = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_INTERRUPT})
_FOLDER_REFUSES = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Which file and table (`identity`, empty when missing), and which content (`version`).

    Another identity: the file was replaced or reopened, its table rebuilt, or rows went away. The
    same one and another version: rows were added or changed. `edits` counts the changes of other
    rows than the ones at the end, as far as a look tells.
    """

    identity: str
    version: int
    edits: int = 0


@dataclass(slots=True, eq=False)
class Job:
    """One call; whoever waits for it sets `given_up` and it ends soon. Any thread may."""

    given_up: bool = False


class ForeignFile:
    """Belongs to one worker thread. `path` is the logical path of the last use.

    Raises what `failures` names, `run` for SQLite's own errors.
    """

    def __init__(
        self,
        paths: HostPaths,
        logical: Callable[[], str],
        *,
        failures: Failures,
        busy_seconds: float,
    ) -> None:
        self.path = ""
        self._paths = paths
        self._logical = logical
        self._failures = failures
        self._busy_seconds = busy_seconds
        self._connection: sqlite3.Connection | None = None
        self._key: tuple[Path, int, int] | None = None
        self._generation = self._edits = 0
        self._content = (0, 0)
        self._looked: tuple[Look, tuple[int, int]] | None = None
        self._version = 0
        self._job = Job()

    def run(self, job: Job, work: Callable[[], T]) -> T:
        """Does `work` for `job`, and stops when it is given up."""
        self._job = job
        try:
            return work()
        except sqlite3.Error as error:
            if primary_code(error) not in _HARMLESS:
                self.close()
            raise self._failures.translate(error, self.path) from error

    def present(self) -> bool:
        """Whether the file is there."""
        return self._find() is not None

    def read(self, work: Callable[[Table], T]) -> T:
        """Returns what `work` finds in one read transaction."""
        real = self._find()
        connection = None if real is None else self._connected(real)
        if real is None or connection is None:
            return work(Table(None))
        try:
            return _in_text(connection, work)
        except sqlite3.OperationalError as error:
            if primary_code(error) not in _FOLDER_REFUSES or os.access(real.parent, os.W_OK):
                raise
            return self._snapshot(real, work, reason=error)

    def stamp(self) -> FileStamp:
        """Returns which file and content it is now."""
        look = self._look()
        known, known_content = self._looked or (None, self._content)
        if known is not None and look == known and self._content != known_content:
            # Changed past SQLite (`cp` over it): the connection may remember the old pages. Or the
            # log was written back, which is no edit; another connection counts anew.
            self._disconnect()
            look = self._look()
            known = replace(known, data_version=look.data_version)
        if self._key is None:
            return FileStamp("", 0)
        if look != known or self._content != known_content:
            self._version += 1
        if known is not None and look.lacks_rows_of(known):
            self._generation += 1
        elif known is not None and look.is_edited_since(known):
            self._edits += 1
        self._looked = (look, self._content)
        _, device, inode = self._key
        identity = f"{device:x}:{inode:x}:{self._generation}:{look.schema}"
        return FileStamp(identity, self._version, self._edits)

    def close(self) -> None:
        """Closes the connection and forgets the file."""
        self._disconnect()
        self._key = None

    def _look(self) -> Look:
        # What was seen of another file is forgotten by the time that the table is there.
        return self.read(lambda table: look_at(table, self._looked[0] if self._looked else None))

    def _find(self) -> Path | None:
        """Returns where the file is now, None when it is missing; lets go of another one."""
        self.path = self._logical()
        real = self._real()
        status = None if real is None else self._status(real)
        if real is None or status is None:
            self.close()
            return None
        key = (real, status.st_dev, status.st_ino)
        if key != self._key:
            self._disconnect()
            self._key, self._looked = key, None
            # An inode's number is used again after a deletion: the number alone tells nothing.
            self._generation += 1
        self._content = (status.st_size, status.st_mtime_ns)
        return real

    def _real(self) -> Path | None:
        if not self.path:
            return None
        try:
            return self._paths.real(self.path)
        except PathRefused as error:
            raise self._failures.not_opened(
                ascii(self.path), "it is no path of a file", advice="Configure an absolute path."
            ) from error

    def _status(self, real: Path) -> os.stat_result | None:
        try:
            status = real.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._failures.not_opened(self.path, error.strerror or "unreachable") from error
        if not stat.S_ISREG(status.st_mode):
            # SQLite would wait for ever on a pipe and call a directory a disk error.
            raise self._failures.not_opened(
                self.path, "it is no ordinary file", advice="Put the right file in its place."
            )
        return status

    def _connected(self, real: Path) -> sqlite3.Connection | None:
        if self._connection is None:
            try:
                self._connection = self._open(real, "mode=ro")
            except sqlite3.OperationalError:
                if real.exists():
                    raise
                # Deleted since it was found.
                self.close()
        return self._connection

    def _open(self, real: Path, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote_from_bytes(os.fsencode(real))}?{mode}",
            uri=True,
            timeout=self._busy_seconds,
            isolation_level=None,
        )
        connection.set_progress_handler(lambda: self._job.given_up, STEPS_BETWEEN_LOOKS)
        connection.execute("PRAGMA query_only = 1").close()
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _snapshot(
        self, real: Path, work: Callable[[Table], T], *, reason: sqlite3.OperationalError
    ) -> T:
        """Reads a WAL file whose folder we may not write as if it never changed, and checks
        afterwards that it did not.

        That is safe only without a log beside it: its rows would be missed, and every writer
        keeps one there while it has the file open. Raises `reason` where it is not safe.
        """
        for _ in range(SNAPSHOT_TRIES):
            before = _still(real)
            if before is None:
                break
            with closing(self._open(real, "mode=ro&immutable=1")) as connection:
                answer = _in_text(connection, work)
            if _still(real) == before:
                return answer
        raise reason


def _in_text(connection: sqlite3.Connection, work: Callable[[Table], T]) -> T:
    """Does `work`, and once more where a text is none: the scripts paste whatever a board reports,
    and one odd byte must not hide the whole list. SQLite's own reading of texts is the quick one.
    """
    try:
        return _in_transaction(connection, work)
    except sqlite3.OperationalError as error:
        if not str(error).startswith("Could not decode"):
            raise
    connection.text_factory = _text
    return _in_transaction(connection, work)


def _in_transaction(connection: sqlite3.Connection, work: Callable[[Table], T]) -> T:
    # Columns and rows are read in one transaction: the table may be rebuilt at any time.
    connection.execute("BEGIN")
    try:
        return work(Table(connection))
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _still(real: Path) -> tuple[int, int, int] | None:
    """Returns what differs once the file was changed; None while a log with rows lies beside."""
    log = real.with_name(f"{real.name}-wal")
    try:
        if log.exists() and log.stat().st_size:
            return None
        status = real.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
