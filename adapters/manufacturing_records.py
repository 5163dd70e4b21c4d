"""The manufacturing records, as the shell side writes them (contract manufacturing)."""

from collections.abc import Callable

from adapters.foreign_failures import Failures
from adapters.foreign_sqlite import BUSY_SECONDS, LIMIT_SECONDS, ForeignDatabase
from domain.host_paths import HostPaths
from domain.manufacturing.records import RecordsNotFetched, RecordsNotOpen, RecordsNotPrepared

FAILURES = Failures(
    opening=RecordsNotOpen, preparing=RecordsNotPrepared, fetching=RecordsNotFetched
)


class ManufacturingRecords:
    """Satisfies `domain.manufacturing.Records`.

    `logical` tells the configured path (`RPI_SB_PROVISIONER_MANUFACTURING_DB`) at each use, in
    the worker thread; the empty text, a variable that is set to nothing, is a missing file.
    """

    def __init__(
        self,
        paths: HostPaths,
        logical: Callable[[], str],
        *,
        busy_seconds: float = BUSY_SECONDS,
        limit_seconds: float = LIMIT_SECONDS,
    ) -> None:
        self._database = ForeignDatabase(
            paths,
            logical,
            failures=FAILURES,
            busy_seconds=busy_seconds,
            limit_seconds=limit_seconds,
        )

    async def count(self) -> int:
        """Returns how many records there are."""
        return await self._database.count()

    async def probe(self) -> None:
        """Raises while the database cannot be read."""
        await self._database.probe()

    async def aclose(self) -> None:
        """Closes the file and ends the worker thread."""
        await self._database.aclose()
