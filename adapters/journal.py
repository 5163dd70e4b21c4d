"""The journal of this machine, read by libsystemd in a process of its own."""

import asyncio

from adapters.journal_calls import JournalCalls, denied
from adapters.journal_files import (
    JournalDenied,
    journal_files,
    journal_folders,
    require_readable,
)
from adapters.journal_library import LibraryMissing, load_library
from adapters.journal_lines import Plain, line_of
from adapters.journal_questions import request_of
from domain.host_paths import HostPaths
from domain.services.journal import (
    JournalQuestion,
    JournalSlice,
    JournalUnavailable,
    JournalUnit,
)
from domain.services.line_filters import Origin


class SystemdJournal:
    """Satisfies `domain.services.journal.Journal` for the files below the root of `paths`.

    `limit` is the seconds that a call may take. Nothing is opened before it is used.
    """

    def __init__(self, paths: HostPaths, *, limit: float = 5.0) -> None:
        self._paths = paths
        self._calls = JournalCalls(paths.root, limit=limit)

    async def aclose(self) -> None:
        """Ends the process; takes some seconds at most."""
        await self._calls.aclose()

    async def list_units(self) -> list[JournalUnit]:
        """Returns the units that `unit_names.is_shown` accepts, in no order."""
        rows = await self._calls.ask({"call": "units"})
        if not isinstance(rows, list):
            raise _unintelligible()
        return [_unit(row) for row in rows]

    async def read(self, question: JournalQuestion) -> JournalSlice:
        """Returns some of the lines that are asked for; a part of a second's work at most."""
        body = await self._calls.ask({"call": "read", **request_of(question)})
        if not isinstance(body, dict) or not isinstance(body["lines"], list):
            raise _unintelligible()
        lines = tuple(line_of(raw) for raw in body["lines"] if isinstance(raw, list))
        return JournalSlice(lines, _text(body["resume"]), found=bool(body["found"]))

    async def count(self, unit: str, origin: Origin) -> int:
        """Returns how many lines of this origin the unit has."""
        found = await self._calls.ask({"call": "count", "unit": unit, "origin": origin.value})
        if not isinstance(found, int):
            raise _unintelligible()
        return found

    async def locate(self, unit: str, number: int) -> str | None:
        """Returns the cursor of the unit's own line with this number."""
        return _text(await self._calls.ask({"call": "locate", "unit": unit, "number": number}))

    async def end(self) -> str | None:
        """Returns the cursor of the newest entry of all, None for an empty journal."""
        return _text(await self._calls.ask({"call": "end"}))

    async def probe(self) -> None:
        """Raises `JournalUnavailable` with the reason while there is no journal to read."""
        await asyncio.to_thread(self._look)
        if self._calls.failure is not None:
            await self.end()

    def _look(self) -> None:
        try:
            load_library()
            files = journal_files(self._paths)
            require_readable(files)
        except LibraryMissing as error:
            raise JournalUnavailable(f"libsystemd cannot be loaded: {error}.") from error
        except JournalDenied as error:
            raise JournalUnavailable(denied(str(error))) from error
        folders = journal_folders(self._paths)
        if not files and not any(self._paths.real(folder).is_dir() for folder in folders):
            raise JournalUnavailable(
                f"There is no journal in {folders[0]}; systemd-journald makes one when it starts."
            )


def _unit(row: Plain) -> JournalUnit:
    if not isinstance(row, list) or len(row) != 3:
        raise _unintelligible()
    name, own, newest = row
    return JournalUnit(
        str(name),
        own if isinstance(own, int) else None,
        newest if isinstance(newest, int) else 0,
    )


def _text(value: Plain) -> str | None:
    return value if isinstance(value, str) else None


def _unintelligible() -> JournalUnavailable:
    return JournalUnavailable("The process that reads the journal said what it never should.")
