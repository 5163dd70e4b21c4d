"""The table `devices` of the shell side, as one short read transaction sees it."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass

SqlValue = int | float | str | bytes | None
Row = dict[str, SqlValue]

LARGEST = 2**63 - 1
"""SQLite's largest integer; a limit of this is none."""


@dataclass(frozen=True, slots=True)
class Select:
    """Rows that are wanted: `columns` (None: all) of those that the table has.

    In `where` and `order`, `{name}` stands for a column and is NULL where the table lacks it.
    Never write a column in double quotes there: SQLite takes an unknown one for a text.
    """

    columns: tuple[str, ...] | None = None
    where: str = "TRUE"
    order: str = "devices.id"
    limit: int | None = None
    parameters: tuple[SqlValue, ...] = ()


class Table:
    """What `PRAGMA table_info` shows of the table, and questions to it.

    Without a connection (the file is missing) or without a table nothing is ever found.
    """

    def __init__(self, connection: sqlite3.Connection | None) -> None:
        self._connection = connection
        self._names = _Names()
        self._texts: set[str] = set()
        if connection is None:
            return
        for row in connection.execute("PRAGMA table_info(devices)"):
            self._names[row[1]] = f"devices.{_quoted(row[1])}"
            if _is_text(row[2]):
                self._texts.add(row[1])

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in the table's order."""
        return tuple(self._names)

    def rows(self, select: Select) -> list[Row]:
        """Returns the rows; each holds only columns that the table has, NULL as None."""
        wanted = self.columns if select.columns is None else select.columns
        names = [name for name in wanted if name in self._names]
        if self._connection is None or not names:
            return []
        found = self._connection.execute(
            f"SELECT {', '.join(self._names[name] for name in names)} FROM devices "  # noqa: S608 -- names are the table's own, quoted; values are parameters
            f"WHERE {self._filled(select.where)} ORDER BY {self._filled(select.order)} LIMIT ?",
            (*map(_bound, select.parameters), LARGEST if select.limit is None else select.limit),
        )
        return [dict(zip(names, values, strict=True)) for values in found]

    def json_lines(self, select: Select) -> list[tuple[SqlValue, str]] | None:
        """Returns of each row the id, and its columns as a JSON array that SQLite writes, which is
        quick; None where a cell has no one spelling there: bytes, and numbers that are not whole.
        """
        if self._connection is None or not self._names or not select.columns:
            return []
        cells = [self._names[name] for name in select.columns]
        # A column that turns numbers into texts holds no such number; of the others the sum is one.
        numbers = [self._names[name] for name in select.columns if name not in self._texts]
        total = " + ".join(["0", *(f"ifnull({cell}, 0)" for cell in numbers)])
        try:
            found = self._connection.execute(
                f"SELECT devices.id, json_array({', '.join(cells)}), typeof({total}) "  # noqa: S608 -- names are the table's own, quoted; values are parameters
                f"FROM devices WHERE {self._filled(select.where)}",
                tuple(map(_bound, select.parameters)),
            ).fetchall()
        except sqlite3.OperationalError as error:
            # It cannot hold bytes, takes a hundred columns, and may be left out of SQLite.
            if "JSON" in str(error) or "json_array" in str(error):
                return None
            raise
        is_whole = all(kind == "integer" for _, _, kind in found)
        return [(id, line) for id, line, _ in found] if is_whole else None

    def first(self, sql: str, *parameters: SqlValue) -> tuple[SqlValue, ...] | None:
        """Returns the first row that `sql` selects, spelled as in `Select`; None if there is
        none."""
        if self._connection is None or not self._names:
            return None
        cursor = self._connection.execute(self._filled(sql), tuple(map(_bound, parameters)))
        with closing(cursor):
            row: tuple[SqlValue, ...] | None = cursor.fetchone()
        return row

    def number(self, sql: str, *parameters: SqlValue) -> int | None:
        """Returns the one integer that `sql` selects; None for NULL."""
        row = self.first(sql, *parameters)
        return row[0] if row and isinstance(row[0], int) else None

    def pragma(self, name: str) -> int:
        """Returns the integer that `PRAGMA name` answers; it needs no table."""
        if self._connection is None:
            return 0
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    def _filled(self, sql: str) -> str:
        return sql.format_map(self._names)


class _Names(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "NULL"


def _is_text(declared: str) -> bool:
    """Whether SQLite keeps what goes into a column declared so as text (its documentation, Type
    Affinity)."""
    kind = declared.upper()
    return "INT" not in kind and any(word in kind for word in ("CHAR", "CLOB", "TEXT"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _bound(value: SqlValue) -> SqlValue:
    """Returns `value` as SQLite can take it: clients send whatever JSON can spell."""
    if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        return float(value)
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            # A lone surrogate: as a blob it equals no text, which is the truth.
            return value.encode("utf-8", "surrogatepass")
    return value
