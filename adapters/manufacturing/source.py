"""The shell side's database as the maker of the index reads it: attached, read only, and let go
of again after each batch."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_from_bytes

from adapters.foreign_failures import primary_code
from adapters.manufacturing.index_file import Origin
from adapters.manufacturing.projection import mended
from adapters.manufacturing.records import FAILURES
from domain.host_paths import HostPaths, PathRefused

_FOLDER_REFUSES = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})


@dataclass(frozen=True, slots=True)
class Source:
    """The attached database, which has the table."""

    connection: sqlite3.Connection
    origin: Origin

    def number(self, expression: str, where: str = "TRUE") -> int:
        """Returns the number that `expression` gives over the wanted rows, 0 for NULL."""
        # S608: both are written by the keeper.
        sql = f"SELECT {expression} FROM src.devices AS devices WHERE {where}"  # noqa: S608
        found = self.connection.execute(sql).fetchone()[0]
        return found if isinstance(found, int) else 0


class SourceFile:
    """Finds the database at each use. `path` is the logical path of the last use."""

    def __init__(self, paths: HostPaths, logical: Callable[[], str]) -> None:
        self._paths = paths
        self._logical = logical
        self.path = ""

    def origin(self) -> Origin | None:
        """Returns which file it is now; None when the file or its table is missing."""
        with closing(sqlite3.connect(":memory:", uri=True, isolation_level=None)) as nothing:
            nothing.text_factory = mended
            with self.attached(nothing) as source:
                return None if source is None else source.origin

    @contextmanager
    def attached(self, connection: sqlite3.Connection) -> Iterator[Source | None]:
        """Attaches the database as `src`; None when the file or its table is missing.

        Raises what `FAILURES` names for all that fails in the body: nothing but the source may
        be read there.
        """
        real = self._find()
        if real is None:
            yield None
            return
        try:
            still = _attach(connection, real)
            try:
                yield _source(connection, real)
            finally:
                connection.execute("DETACH src")
            if still is not None and _status(real) != still:
                raise FAILURES.fetching(
                    f"The database {self.path} changed while it was read, and its folder lets "
                    "nobody but its owner read it meanwhile. Check the rights of the folder."
                )
        except sqlite3.Error as error:
            raise FAILURES.translate(error, self.path) from error
        except OSError as error:
            raise FAILURES.not_opened(self.path, error.strerror or "unreachable") from error

    def _find(self) -> Path | None:
        self.path = self._logical()
        if not self.path:
            return None
        try:
            real = self._paths.real(self.path)
        except PathRefused as error:
            raise FAILURES.not_opened(ascii(self.path), "it is no path of a file") from error
        return real if real.is_file() else None


def _attach(connection: sqlite3.Connection, real: Path) -> tuple[int, ...] | None:
    """Attaches the file. Returns what it looked like where it can be read only as if it never
    changed: in WAL mode, without a log, in a folder that we may not write."""
    address = f"file:{quote_from_bytes(os.fsencode(real))}?mode=ro"
    connection.execute("ATTACH ? AS src", (address,))
    try:
        connection.execute("PRAGMA src.schema_version").fetchone()
    except sqlite3.OperationalError as error:
        connection.execute("DETACH src")
        log = real.with_name(f"{real.name}-wal")
        refused = primary_code(error) in _FOLDER_REFUSES and not os.access(real.parent, os.W_OK)
        if not refused or (log.exists() and log.stat().st_size):
            raise
        still = _status(real)
        connection.execute("ATTACH ? AS src", (f"{address}&immutable=1",))
        return still
    return None


def _source(connection: sqlite3.Connection, real: Path) -> Source | None:
    found = connection.execute("SELECT name FROM pragma_table_info('devices', 'src')")
    columns = tuple(str(name) for (name,) in found)
    if not columns:
        return None
    status = real.stat()
    return Source(connection, Origin(status.st_dev, status.st_ino, columns))


def _status(real: Path) -> tuple[int, ...]:
    status = real.stat()
    return (status.st_ino, status.st_size, status.st_mtime_ns)
