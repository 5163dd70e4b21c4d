"""The record index of this station: kept up with the shell side's database, and asked (decision
0005)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import TypeVar

from adapters.manufacturing import index_counts
from adapters.manufacturing.criteria import USUAL, Thresholds, criteria_of
from adapters.manufacturing.index_keeper import IndexKeeper
from adapters.manufacturing.index_making import WAIT_SECONDS, IndexMaking
from adapters.manufacturing.index_pages import find_page
from adapters.manufacturing.index_reader import IndexReader, Work, is_damage
from adapters.manufacturing.records import Configured, logical_path, records_database
from adapters.manufacturing.source import SourceFile
from adapters.manufacturing.text_matches import TextMatches
from domain.host_paths import HostPaths
from domain.manufacturing.filters import RecordFilter, RecordOrder
from domain.manufacturing.record_index import Added, Found, RecordIndexUnavailable
from domain.manufacturing.statistics import Bucket, StatisticsQuestion
from domain.paging import PageRequest

T = TypeVar("T")

FOLDER = "/srv/rpi-sb-provisioner/record-index"
NOTHING = Found((), has_next=False, has_previous=False)
QUICK_SECONDS = 10.0
SLOW_SECONDS = 60.0


class SqliteRecordIndex:
    """Satisfies `domain.manufacturing.record_index.RecordIndex`. `wait_seconds` is how long who
    asks waits for an index that is being made."""

    def __init__(
        self,
        paths: HostPaths,
        configured: Configured,
        *,
        wait_seconds: float = WAIT_SECONDS,
        thresholds: Thresholds = USUAL,
    ) -> None:
        self._thresholds = thresholds
        self._making = IndexMaking(
            records_database(paths, configured),
            IndexKeeper(SourceFile(paths, logical_path(paths, configured)), _folder(paths), FOLDER),
            wait_seconds=wait_seconds,
        )
        self._quick = IndexReader(FOLDER, limit_seconds=QUICK_SECONDS)
        # What looks at many rows never stands before what takes a millisecond.
        self._slow = IndexReader(FOLDER, limit_seconds=SLOW_SECONDS)

    async def catch_up(self) -> Added | None:
        """Takes in what was recorded since; returns what was added since the last call."""
        return await self._making.catch_up()

    async def page(
        self, wanted: RecordFilter, order: RecordOrder, request: PageRequest, *, skip: int = 0
    ) -> Found:
        """Returns a page of the wanted records."""

        def find(connection: Connection, matches: TextMatches) -> Found:
            criteria = criteria_of(connection, wanted, matches, self._thresholds)
            return find_page(connection, criteria, order, request, skip=skip)

        return await self._read(self._reader(wanted), find, nothing=NOTHING)

    async def count(self, wanted: RecordFilter) -> int:
        """Returns how many records are wanted."""
        return await self._read(
            self._reader(wanted),
            lambda connection, matches: index_counts.count(
                connection, criteria_of(connection, wanted, matches, self._thresholds)
            ),
            nothing=0,
        )

    async def statistics(self, question: StatisticsQuestion) -> Sequence[Bucket]:
        """Returns the counts that the question asks for."""
        return await self._read(
            self._slow,
            lambda connection, matches: index_counts.statistics(
                connection,
                criteria_of(connection, question.wanted, matches, self._thresholds),
                question,
            ),
            nothing=[],
        )

    async def newest_ids(self, boards: Collection[str]) -> Mapping[str, int]:
        """Returns the highest id of each board."""
        return await self._read(
            self._quick,
            lambda connection, _: index_counts.newest_ids(connection, boards),
            nothing={},
        )

    async def ids_of_duid(self, duid: str) -> Sequence[int]:
        """Returns the ids of the records with exactly this DUID, descending."""
        return await self._read(
            self._quick,
            lambda connection, _: index_counts.ids_of_duid(connection, duid),
            nothing=[],
        )

    async def has_odd_times(self) -> bool:
        """Whether the text order of the times is not their order in time."""
        return await self._read(
            self._quick, lambda connection, _: index_counts.has_odd_times(connection), nothing=False
        )

    async def aclose(self) -> None:
        """Ends what runs, closes all files and ends the threads."""
        try:
            await self._making.aclose()
        finally:
            await self._quick.aclose()
            await self._slow.aclose()

    def _reader(self, wanted: RecordFilter) -> IndexReader:
        return self._slow if wanted.text else self._quick

    async def _read(self, reader: IndexReader, work: Work[T], *, nothing: T) -> T:
        path = self._making.path
        if path is None:
            return nothing
        try:
            return await reader.read(path, work)
        except RecordIndexUnavailable as error:
            # What was put aside while it was asked is no damage.
            if is_damage(error) and path == self._making.path:
                self._making.distrust()
            raise


def _folder(paths: HostPaths) -> Callable[[], Path]:
    return lambda: paths.real(FOLDER)
