"""The record index: finds records by what the shell side's table has no index for (design 5)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.errors import Unavailable
from domain.manufacturing.filters import RecordFilter, RecordOrder
from domain.manufacturing.statistics import Bucket, StatisticsQuestion
from domain.paging import Key, PageRequest


class RecordsIndexing(Unavailable):
    """The index of the records is being made; it will be there soon."""

    code = "RECORDS_INDEXING"
    title = "Index Being Made"
    meaning = (
        "The index of the manufacturing records is being made, after the database became another "
        "one or the service was installed. A million records take some ten seconds."
    )
    remedy = "Ask again in some seconds; the message says how far it is."


class RecordIndexUnavailable(Unavailable):
    """The index of the records cannot be written or read."""

    code = "RECORD_INDEX_UNAVAILABLE"
    title = "Record Index Unavailable"
    meaning = "The index of the manufacturing records cannot be written or read."
    remedy = (
        "Make room on the disk and check the rights of the folder that the message names. The "
        "folder may be removed at any time: the service makes the index again."
    )


@dataclass(frozen=True, slots=True)
class Found:
    """A page of keys: each is a record's place in the order, and its last member is the id."""

    keys: Sequence[Key]
    has_next: bool
    has_previous: bool


@dataclass(frozen=True, slots=True)
class Added:
    """What came in: `boards` (by `domain.serials.board_key`, empty for very many) have new
    records, and `highest` is the highest id now (None without records). `anew`: everything may be
    another."""

    boards: frozenset[str]
    highest: int | None
    anew: bool


class RecordIndex(Protocol):
    """Knows of each record what filters, orders and look-ups need.

    All but `catch_up` answer from what the last `catch_up` knew. All raise
    `RecordIndexUnavailable`; while there is no index yet, `RecordsIndexing`; and what `Records`
    raises, while the database cannot be read.
    """

    async def catch_up(self) -> Added | None:
        """Takes in what was recorded since; returns what was added since the last call, None for
        nothing."""

    async def page(
        self, wanted: RecordFilter, order: RecordOrder, request: PageRequest, *, skip: int = 0
    ) -> Found:
        """Returns a page of the wanted records, after the first `skip` of those it would hold."""

    async def count(self, wanted: RecordFilter) -> int:
        """Returns how many records are wanted."""

    async def statistics(self, question: StatisticsQuestion) -> Sequence[Bucket]:
        """Returns the counts that the question asks for, at most `MOST_BUCKETS` and one."""

    async def newest_ids(self, boards: Collection[str]) -> Mapping[str, int]:
        """Returns the highest id of each board, by `board_key`; one without a record is absent."""

    async def ids_of_duid(self, duid: str) -> Sequence[int]:
        """Returns the ids of the records with exactly this DUID, descending."""

    async def has_odd_times(self) -> bool:
        """Whether the text order of the times is not their order in time: some were not written
        by `current_timestamp`."""
