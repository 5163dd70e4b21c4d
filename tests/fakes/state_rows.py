"""State rows without a database, and the shell side that writes the real one."""

import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.devices.states import Stamp, StateRow
from domain.errors import Unavailable

CURRENT = """id integer primary key, serial TEXT not null, endpoint TEXT not null,
 state TEXT not null, image TEXT not null, ip_address TEXT not null,
 board_type TEXT not null default '', ts timestamp default current_timestamp"""
WITHOUT_BOARD_TYPE = CURRENT.replace(" board_type TEXT not null default '',", "")
FIRST = """id integer primary key, serial TEXT not null, endpoint TEXT not null,
 state TEXT not null, ts timestamp default current_timestamp"""
LENIENT = """id integer primary key, serial TEXT, endpoint TEXT, state TEXT, image TEXT,
 ip_address TEXT, board_type TEXT, ts timestamp"""


@dataclass(frozen=True, slots=True)
class Written:
    """One row as the station's `record_state` writes it; `ts` is SQLite's UTC text."""

    serial: str = "10000000a0b0c0d0"
    endpoint: str = "1-1.4"
    state: str = "BOOTSTRAP-STARTED"
    image: str = ""
    board_type: str = ""
    ts: str | None = "2026-08-01 10:00:00"


class FakeStateRows:
    """Satisfies `StateRows` over a list; set `failure` and every method raises it."""

    def __init__(self) -> None:
        self.failure: Unavailable | None = None
        self._rows: list[tuple[str, StateRow]] = []
        self._stamp = Stamp("fake:1", 1)

    def write(self, *rows: Written) -> None:
        """Appends rows as the shell side does."""
        for row in rows:
            self._rows.append((row.ts or "", _state_row(len(self._rows) + 1, row)))
        self._stamp = Stamp(self._stamp.identity, self._stamp.version + 1)

    def replace(self, *rows: Written) -> None:
        """Puts another database in the place of this one."""
        self._rows = []
        self._stamp = Stamp(self._stamp.identity + "+", self._stamp.version)
        self.write(*rows)

    async def stamp(self) -> Stamp:
        self._check()
        return self._stamp

    def still(self) -> bool:
        return False

    async def rows_after(self, id: int, *, most: int) -> Sequence[StateRow]:
        self._check()
        return [row for _, row in self._rows if row.id > id][:most]

    async def count(self, *, up_to: int) -> int:
        self._check()
        return sum(row.id <= up_to for _, row in self._rows)

    async def newest_first(self) -> AsyncIterator[Sequence[StateRow]]:
        self._check()
        rows = self._newest()
        for first in range(0, len(rows), 2):
            yield rows[first : first + 2]

    async def probe(self) -> None:
        self._check()

    def _newest(self) -> list[StateRow]:
        ordered = sorted(self._rows, key=lambda pair: (pair[0], pair[1].id), reverse=True)
        return [row for _, row in ordered]

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure


class ShellStates:
    """The shell side: writes `state.db` with the `sqlite3` program, a process for each batch, as
    `record_state` does. An older `schema` gets the columns that it has."""

    def __init__(self, file: Path, *, schema: str = CURRENT, wal: bool = True) -> None:
        self.file = file
        self._schema = schema
        file.parent.mkdir(parents=True, exist_ok=True)
        mode = "wal" if wal else "delete"
        run_sqlite(file, f"PRAGMA journal_mode={mode}; CREATE TABLE devices({schema});")

    def write(self, *rows: Written) -> None:
        """Appends rows."""
        run_sqlite(self.file, f"BEGIN; {''.join(map(self._insert, rows))} COMMIT;")

    def _insert(self, row: Written) -> str:
        texts = asdict(row) | {"ip_address": ""}
        known = {name: text for name, text in texts.items() if f"{name} " in self._schema}
        values = ", ".join(map(_literal, known.values()))
        return f"INSERT INTO devices({', '.join(known)}) VALUES ({values});"


def run_sqlite(file: Path, sql: str) -> str:
    """Returns what the `sqlite3` program answers; the test skips where there is none."""
    program = shutil.which("sqlite3")
    if program is None:
        pytest.skip("needs the sqlite3 program: Debian package sqlite3")
    command = [program, "-batch", "-bail", "-cmd", ".timeout 5000", str(file)]
    return subprocess.run(
        command, input=sql, check=True, capture_output=True, text=True, timeout=60
    ).stdout.strip()


def _literal(text: str | None) -> str:
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


def _state_row(id: int, row: Written) -> StateRow:
    return StateRow(
        id=id,
        serial=row.serial,
        endpoint=row.endpoint,
        state=row.state,
        image=row.image,
        ip_address="",
        board_type=row.board_type,
        at=datetime.fromisoformat(row.ts).replace(tzinfo=UTC) if row.ts else None,
    )
