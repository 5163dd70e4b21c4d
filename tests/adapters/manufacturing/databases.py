"""Manufacturing databases for tests: rows given, the file made by the sqlite3 library."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from domain.manufacturing.record import Row
from tests.fakes.records import CURRENT

FOLDER = "srv/rpi-sb-provisioner"


def place_of(root: Path) -> Path:
    """Returns where the usual path is below `root`; its folder is made."""
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "manufacturing.db"


def create(file: Path, rows: Sequence[Row] = (), *, schema: str = CURRENT) -> None:
    """Makes the table as the package does, with these rows."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"CREATE TABLE devices({schema})")
    add(file, rows)


def add(file: Path, rows: Sequence[Row]) -> None:
    """Adds rows as the station's scripts do: each in a transaction of all."""
    with closing(sqlite3.connect(file, timeout=5)) as connection, connection:
        for row in rows:
            places = ", ".join("?" * len(row))
            connection.execute(
                f"INSERT INTO devices({', '.join(row)}) VALUES ({places})", tuple(row.values())
            )


def change(file: Path, *statements: str) -> None:
    """Runs other statements, as an administrator does."""
    with closing(sqlite3.connect(file, timeout=5)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
