"""The state rows of `state.db`, as the shell side writes them (contract devices section 3)."""

from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from adapters.foreign_failures import Failures
from adapters.foreign_sqlite import BUSY_SECONDS, LIMIT_SECONDS, ForeignDatabase
from adapters.foreign_table import Row, Select, SqlValue, Table
from adapters.stillness import Stillness
from domain.devices.states import Stamp, StateDatabaseNotOpen, StateDatabaseNotRead, StateRow
from domain.host_paths import HostPaths, PathRefused

BLOCK = 1000
"""How many rows, neighbours by id, are read or looked at in one go."""
BEFORE_ALL = -(2**63) + 1
"""Below every id that SQLite gives."""

_FAILURES = Failures(
    opening=StateDatabaseNotOpen, preparing=StateDatabaseNotRead, fetching=StateDatabaseNotRead
)
_COLUMNS = ("id", "serial", "endpoint", "state", "image", "ip_address", "board_type", "ts")
_TIME_TEXT = "coalesce(CAST({ts} AS TEXT), '')"


class DeviceStates:
    """Satisfies `domain.devices.states.StateRows` over `HostPaths.state_db`."""

    def __init__(
        self,
        paths: HostPaths,
        *,
        busy_seconds: float = BUSY_SECONDS,
        limit_seconds: float = LIMIT_SECONDS,
    ) -> None:
        self._database = ForeignDatabase(
            paths,
            lambda: paths.state_db,
            failures=_FAILURES,
            busy_seconds=busy_seconds,
            limit_seconds=limit_seconds,
        )
        self._stillness = Stillness(partial(_files, paths))

    async def stamp(self) -> Stamp:
        """Returns the present stamp."""
        with self._stillness.look():
            stamp = await self._database.stamp()
        # The projection can only append: an edit is another table to it.
        identity = f"{stamp.identity}:{stamp.edits}" if stamp.identity else ""
        return Stamp(identity, stamp.version)

    def still(self) -> bool:
        """Whether what the last stamp says certainly holds."""
        return self._stillness.holds()

    async def rows_after(self, id: int, *, most: int) -> Sequence[StateRow]:
        """Returns up to `most` rows with an id above `id`, by id ascending."""
        select = Select(_COLUMNS, where="devices.id > ?", limit=most, parameters=(id,))
        return [_state_row(row) for row in await self._database.rows(select)]

    async def count(self, *, up_to: int) -> int:
        """Returns how many rows have this id or a lower one."""
        return await self._database.read(partial(_count, up_to=up_to))

    async def newest_first(self) -> AsyncIterator[Sequence[StateRow]]:
        """Yields all rows in batches, by stored time text, then id, both descending.

        There is no index on the time and none may be added. So each block of neighbouring ids is
        asked for its latest time, and then the blocks are merged, the latest first: every question
        is small, every row is read once, and while the station's clock never steps back, no more
        than two blocks are in memory.
        """
        blocks = sorted([block async for block in self._blocks()], key=lambda block: block.latest)
        waiting: list[_Keyed] = []
        while blocks:
            waiting = sorted(waiting + await self._read(blocks.pop()), key=_key)
            start = bisect_right(waiting, blocks[-1].latest, key=_key) if blocks else 0
            ready = [keyed.row for keyed in reversed(waiting[start:])]
            del waiting[start:]
            for first in range(0, len(ready), BLOCK):
                yield ready[first : first + BLOCK]

    async def probe(self) -> None:
        """Raises while the database cannot be read."""
        await self._database.probe()

    async def aclose(self) -> None:
        """Closes the file and ends the worker thread."""
        self._stillness.close()
        await self._database.aclose()

    async def _blocks(self) -> AsyncIterator["_Block"]:
        after = BEFORE_ALL
        while True:
            found = await self._database.read(partial(_block_after, after=after))
            if found is None:
                return
            yield found
            after = found.last

    async def _read(self, block: "_Block") -> list["_Keyed"]:
        select = Select(
            _COLUMNS,
            where="devices.id > ? AND devices.id <= ?",
            parameters=(block.after, block.last),
        )
        rows = await self._database.rows(select)
        return [_Keyed((_text(row.get("ts")), _id(row)), _state_row(row)) for row in rows]


_Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Block:
    """Rows with ids above `after` up to `last`; none has a key above `latest`."""

    after: int
    last: int
    latest: _Key


@dataclass(frozen=True, slots=True)
class _Keyed:
    key: _Key
    row: StateRow


def _files(paths: HostPaths) -> list[Path]:
    try:
        real = paths.real(paths.state_db)
    except PathRefused:
        return []
    # A commit in WAL mode writes to the log alone.
    return [file for file in (real, real.with_name(f"{real.name}-wal")) if file.exists()]


def _key(keyed: _Keyed) -> _Key:
    return keyed.key


def _block_after(table: Table, *, after: int) -> _Block | None:
    found = table.first(
        "SELECT max(id), max(time) FROM (SELECT devices.id AS id, "  # noqa: S608 -- constants
        f"{_TIME_TEXT} AS time FROM devices WHERE devices.id > ? ORDER BY devices.id LIMIT ?)",
        after,
        BLOCK,
    )
    if found is None or not isinstance(found[0], int):
        return None
    return _Block(after, found[0], (_text(found[1]), found[0]))


def _count(table: Table, *, up_to: int) -> int:
    counted = "SELECT count(*) FROM devices WHERE devices.id > ? AND devices.id <= ?"
    return table.number(counted, BEFORE_ALL, up_to) or 0


def _state_row(row: Row) -> StateRow:
    return StateRow(
        id=_id(row),
        serial=_text(row.get("serial")),
        endpoint=_text(row.get("endpoint")),
        state=_text(row.get("state")),
        image=_text(row.get("image")),
        ip_address=_text(row.get("ip_address")),
        board_type=_text(row.get("board_type")),
        at=_moment(row.get("ts")),
    )


def _id(row: Row) -> int:
    value = row.get("id")
    return value if isinstance(value, int) else 0


def _text(value: SqlValue) -> str:
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _moment(value: SqlValue) -> datetime | None:
    """Returns the time of a `current_timestamp` text, which is UTC without saying so."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return aware.replace(microsecond=0)
