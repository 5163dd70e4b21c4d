"""The manufacturing records, as the shell side writes them (contract manufacturing)."""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence

from adapters.foreign_failures import Failures
from adapters.foreign_sqlite import BUSY_SECONDS, LIMIT_SECONDS, ForeignDatabase
from adapters.foreign_table import Select, Table
from domain.host_paths import HostPaths
from domain.manufacturing.record import Row
from domain.manufacturing.records import (
    Place,
    RecordsNotFetched,
    RecordsNotOpen,
    RecordsNotPrepared,
)

FAILURES = Failures(
    opening=RecordsNotOpen, preparing=RecordsNotPrepared, fetching=RecordsNotFetched
)
SLOW_LIMIT_SECONDS = 60.0
AT_ONCE = 500
"""How many ids one statement asks for: SQLite takes 999 parameters where it was built long ago."""

Configured = Callable[[], str | None]
"""Tells the configured path at each use, in a worker thread: the empty text is a variable that
is set to nothing, a missing file; None is one that is in neither configuration file."""


class ManufacturingRecords:
    """Satisfies `domain.manufacturing.records.Records`; a path that nobody configured is the
    packaged default."""

    def __init__(
        self,
        paths: HostPaths,
        configured: Configured,
        *,
        busy_seconds: float = BUSY_SECONDS,
        limit_seconds: float = LIMIT_SECONDS,
    ) -> None:
        self._paths = paths
        self._configured = configured
        self._database = records_database(
            paths, configured, busy_seconds=busy_seconds, limit_seconds=limit_seconds
        )
        # What looks at the whole table never stands before what takes a millisecond.
        self._slow = records_database(
            paths, configured, busy_seconds=busy_seconds, limit_seconds=SLOW_LIMIT_SECONDS
        )

    async def count(self) -> int:
        """Returns how many records there are."""
        return await self._slow.count()

    async def probe(self) -> None:
        """Raises while the database cannot be read."""
        await self._database.probe()

    async def place(self) -> Place:
        """Returns where the database should be, and whether it is there."""
        path = await asyncio.to_thread(self._configured)
        present = await self._database.present()
        return Place(
            path=self._paths.manufacturing_db if path is None else path,
            configured=path is not None,
            present=present,
        )

    async def columns(self) -> tuple[str, ...]:
        """Returns the names of the table's columns."""
        return await self._database.read(lambda table: table.columns)

    async def rows(self, ids: Collection[int]) -> Sequence[Row]:
        """Returns the rows with these ids, in the order of `ids`."""
        wanted = list(ids)
        return await self._database.read(lambda table: _rows(table, wanted))

    async def rows_after(self, id: int, *, most: int) -> Sequence[Row]:
        """Returns up to `most` rows with ids above `id`, by id ascending."""
        select = Select(where="devices.id > ?", limit=most, parameters=(id,))
        return await self._database.rows(select)

    async def rows_before(self, id: int, *, most: int) -> Sequence[Row]:
        """Returns up to `most` rows with ids below `id`, by id descending."""
        select = Select(
            where="devices.id < ?", order="devices.id DESC", limit=most, parameters=(id,)
        )
        return await self._database.rows(select)

    async def next_ids(self, id: int, *, most: int, descending: bool) -> Sequence[int]:
        """Returns up to `most` ids above `id` ascending, or below it descending."""
        where, order = ("<", "devices.id DESC") if descending else (">", "devices.id")
        select = Select(
            ("id",), where=f"devices.id {where} ?", order=order, limit=most, parameters=(id,)
        )
        return _whole(await self._database.rows(select))

    async def json_lines(self, ids: Collection[int], columns: Sequence[str]) -> list[str] | None:
        """Returns the rows as JSON. SQLite makes it, so that nobody waits for the interpreter's
        lock meanwhile."""
        wanted, names = list(ids), tuple(columns)
        return await self._database.read(lambda table: _json_lines(table, wanted, names))

    async def ids_by_time(self) -> Sequence[int]:
        """Returns all ids by the text of their time, then id, both descending."""
        return await self._ids(Select(("id",), order="{provision_ts} DESC, devices.id DESC"))

    async def ids_of_duid(self, duid: str) -> Sequence[int]:
        """Returns the ids of the rows with exactly this DUID, descending."""
        return await self._ids(
            Select(("id",), where="{rpi_duid} = ?", order="devices.id DESC", parameters=(duid,))
        )

    async def aclose(self) -> None:
        """Closes the file and ends the worker threads."""
        try:
            await self._database.aclose()
        finally:
            await self._slow.aclose()

    async def _ids(self, select: Select) -> list[int]:
        return _whole(await self._slow.rows(select))


def records_database(
    paths: HostPaths,
    configured: Configured,
    *,
    busy_seconds: float = BUSY_SECONDS,
    limit_seconds: float = LIMIT_SECONDS,
) -> ForeignDatabase:
    """Returns a connection and a thread of its own on the configured file."""

    return ForeignDatabase(
        paths,
        logical_path(paths, configured),
        failures=FAILURES,
        busy_seconds=busy_seconds,
        limit_seconds=limit_seconds,
    )


def logical_path(paths: HostPaths, configured: Configured) -> Callable[[], str]:
    """Returns what tells the path of the database, configured or not."""

    def path() -> str:
        found = configured()
        return paths.manufacturing_db if found is None else found

    return path


def _whole(rows: Sequence[Row]) -> list[int]:
    return [id for row in rows if isinstance(id := row["id"], int)]


def _rows(table: Table, ids: Sequence[int]) -> list[Row]:
    rows = (row for select in _selects(ids) for row in table.rows(select))
    found = {row["id"]: row for row in rows}
    return [found[id] for id in ids if id in found]


def _json_lines(table: Table, ids: Sequence[int], columns: tuple[str, ...]) -> list[str] | None:
    found: dict[object, str] = {}
    for select in _selects(ids, columns):
        lines = table.json_lines(select)
        if lines is None:
            return None
        found.update(lines)
    return [found[id] for id in ids if id in found]


def _selects(ids: Sequence[int], columns: tuple[str, ...] | None = None) -> Iterator[Select]:
    for first in range(0, len(ids), AT_ONCE):
        some = ids[first : first + AT_ONCE]
        where = f"devices.id IN ({', '.join('?' * len(some))})"
        yield Select(columns, where=where, parameters=tuple(some))
