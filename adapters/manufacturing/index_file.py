"""The tables of the record index: made, filled in batches, and asked what they hold."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from adapters.manufacturing.projection import (
    BATCH,
    BOARD,
    NO_TIME,
    SIGNATURE,
    VARIANT,
    add_functions,
    mended,
    projection,
)

FORMAT = 1
"""Another number for every other shape of these tables: an index of another one is made anew."""
BLOCK_BITS = 10
"""As many neighbouring ids as these bits count share one note of their first and last time."""
CACHE_KIB = 8192
BUSY_SECONDS = 5.0

_TABLES = f"""
CREATE TABLE state(
    format integer NOT NULL, device integer NOT NULL, inode integer NOT NULL,
    columns text NOT NULL, complete integer NOT NULL, rows integer NOT NULL, odd integer NOT NULL);
CREATE TABLE variants(
    id integer PRIMARY KEY, signature text NOT NULL UNIQUE, rows integer NOT NULL DEFAULT 0,
    {", ".join(VARIANT)});
CREATE TABLE rows(
    id integer PRIMARY KEY, board text NOT NULL, serial text NOT NULL, duid text NOT NULL,
    variant integer NOT NULL, at integer NOT NULL);
CREATE TABLE texts(id integer PRIMARY KEY, text text NOT NULL);
CREATE TABLE blocks(block integer PRIMARY KEY, first_at integer, last_at integer);
"""
# The id is named where a page goes on after a record: SQLite seeks only in what an index names.
_INDEXES = """
CREATE INDEX rows_board ON rows(board);
CREATE INDEX rows_duid ON rows(duid);
CREATE INDEX rows_at ON rows(at, id);
CREATE INDEX rows_serial ON rows(serial, id, at);
CREATE INDEX rows_variant ON rows(variant, id);
CREATE INDEX rows_variant_at ON rows(variant, at, id);
CREATE INDEX rows_variant_serial ON rows(variant, serial, id, at);
"""
_TAKE = (
    f"INSERT OR IGNORE INTO variants(signature, {', '.join(VARIANT)}) "  # noqa: S608 -- constants
    f"SELECT signature, {', '.join(VARIANT)} FROM temp.batch GROUP BY 1;"
    f"INSERT INTO rows SELECT batch.id, {BOARD}, serial, duid, variants.id, at "
    "FROM temp.batch JOIN variants USING(signature);"
    "INSERT INTO texts SELECT id, text FROM temp.batch;"
    "UPDATE variants SET rows = rows + added FROM (SELECT variant, count(*) AS added FROM rows "
    "WHERE id IN (SELECT id FROM temp.batch) GROUP BY variant) WHERE variants.id = variant;"
    "INSERT INTO blocks "
    f"SELECT id >> {BLOCK_BITS}, min(nullif(at, {NO_TIME})), max(nullif(at, {NO_TIME})) "
    "FROM temp.batch GROUP BY 1 ON CONFLICT DO UPDATE SET "
    "first_at = min(coalesce(first_at, excluded.first_at), coalesce(excluded.first_at, first_at)),"
    "last_at = max(coalesce(last_at, excluded.last_at), coalesce(excluded.last_at, last_at));"
    "UPDATE state SET complete = (SELECT max(id) FROM temp.batch), "
    "rows = rows + (SELECT count(*) FROM temp.batch), "
    "odd = odd + (SELECT total(odd) FROM temp.batch);"
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Which file the rows are of: where it lies and which columns its table has."""

    device: int
    inode: int
    columns: tuple[str, ...]

    @property
    def spelled(self) -> str:
        """The columns as one text."""
        return "\n".join(self.columns)


@dataclass(frozen=True, slots=True)
class Contents:
    """What an index holds: `rows` records with ids up to `complete`, all of them there were.
    `odd` of them have a time that is not written as `current_timestamp` writes it."""

    complete: int
    rows: int
    odd: int


class IndexFile:
    """One file with one connection, for one thread. Methods raise sqlite3.Error."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        connection.executescript(f"PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{CACHE_KIB}")
        connection.text_factory = mended
        add_functions(connection)
        connection.execute(f"CREATE TEMP TABLE batch({', '.join(BATCH)}, signature)")

    @classmethod
    def made(cls, path: Path, origin: Origin) -> "IndexFile":
        """Returns a new, empty index. Nothing protects it from a crash until it is finished."""
        file = cls(path, _connected(path))
        file.connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
        file.connection.executescript(_TABLES)
        file.connection.execute(
            "INSERT INTO state VALUES(?, ?, ?, ?, ?, 0, 0)",
            (FORMAT, origin.device, origin.inode, origin.spelled, NO_TIME),
        )
        return file

    @classmethod
    def opened(cls, path: Path) -> "IndexFile":
        """Returns a finished index. A crash takes nothing from it but the last batches, whole."""
        file = cls(path, _connected(path))
        file.connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        return file

    def is_of(self, origin: Origin) -> bool:
        """Whether this index was made in this format, of this file with these columns."""
        found = self.connection.execute("SELECT format, device, inode, columns FROM state")
        wanted = (FORMAT, origin.device, origin.inode, origin.spelled)
        return bool(found.fetchone() == wanted)

    def contents(self) -> Contents:
        """Returns what it holds."""
        found = self.connection.execute("SELECT complete, rows, odd FROM state").fetchone()
        return Contents(*found)

    def read(self, columns: Collection[str], *, where: str) -> int:
        """Fills the batch with the attached source's rows; returns how many. Nothing else reads
        the source."""
        self.connection.execute("DELETE FROM temp.batch")
        # S608: names are constants, `where` is written by the keeper.
        self.connection.execute(
            f"WITH read({', '.join(BATCH)}) AS MATERIALIZED (SELECT {projection(columns)} "  # noqa: S608
            f"FROM src.devices AS devices WHERE {where}) "
            f"INSERT INTO temp.batch SELECT *, {SIGNATURE} FROM read"
        )
        # `rowcount` knows nothing of a statement that begins with WITH.
        return int(self.connection.execute("SELECT changes()").fetchone()[0])

    def take(self) -> None:
        """Adds the batch; what it holds and up to where it is complete change together."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in _TAKE.split(";"):
                self.connection.execute(statement)
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    def boards(self, most: int) -> frozenset[str]:
        """Returns the boards of the batch; empty when they are more than `most`."""
        found = self.connection.execute(
            f"SELECT DISTINCT {BOARD} FROM temp.batch LIMIT ?",  # noqa: S608 -- constants
            (most + 1,),
        ).fetchall()
        return frozenset(board for (board,) in found) if len(found) <= most else frozenset()

    def differs(self) -> bool:
        """Whether a row of the batch is another one here."""
        found = self.connection.execute(
            "SELECT 1 FROM temp.batch LEFT JOIN rows ON rows.id = batch.id "
            "LEFT JOIN variants ON variants.id = rows.variant LEFT JOIN texts "
            "ON texts.id = rows.id WHERE rows.serial IS NOT batch.serial "
            "OR rows.duid IS NOT batch.duid OR rows.at IS NOT batch.at "
            "OR texts.text IS NOT batch.text OR variants.signature IS NOT batch.signature LIMIT 1"
        )
        return found.fetchone() is not None

    def finish(self) -> None:
        """Makes what the questions need."""
        for statement in _INDEXES.strip().split("\n"):
            self.connection.execute(statement)

    def close(self) -> None:
        """Closes the file."""
        self.connection.close()


def _connected(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rwc",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
